//! Settings of the account routes, and which are rejected.

use std::time::Duration;

use http::Method;
use serde_json::json;
use tower_jwt_auth::{
    ConfigErrorKind, Issuer, SigningKey,
    accounts::{AccountRoute, AccountRoutes, AccountRoutesBuilder},
    transport::SessionCookies,
    user::SqlUsers,
};

use crate::{
    support::login::{DAY, SECRET},
    users::database::Database,
};

use super::setup::{Setup, call, new_user};

type Builder = AccountRoutesBuilder<SqlUsers>;

#[tokio::test]
async fn routes_can_be_moved_and_left_out() {
    let setup = Setup::new(Database::file());
    let routes = setup.routes().path(AccountRoute::SignUp, "/register");
    let app = setup.app_with(routes.without(AccountRoute::ResendVerification));
    for path in ["/register", "/register/"] {
        assert_eq!(call(&app, path, &json!({})).await.status, 400, "{path}");
    }
    for path in ["/users", "/users/", "/users/verify/resend"] {
        assert_eq!(call(&app, path, &new_user("ada")).await.status, 404, "{path}");
    }
    assert_eq!(call(&app, "/users/verify", &json!({})).await.status, 400);
    assert_eq!(AccountRoute::SignUp.method(), Method::POST);
    assert_eq!(AccountRoute::SignUp.default_path(), "/users");
}

#[tokio::test]
async fn rejections_can_be_replaced() {
    let setup = Setup::new(Database::file());
    let app = setup.app_with(setup.routes().rejection(|error| {
        let fields: Vec<_> = error.field_errors().into_iter().flatten().map(|it| it.0).collect();
        (error.status(), format!("{} {fields:?}", error.code()))
    }));
    let reply = call(&app, "/users", &json!({"password": "letmein"})).await;
    assert_eq!(reply.status, 400);
    assert_eq!(reply.body, r#"invalid_body ["email", "password", "username"]"#);
    assert_eq!(reply.header("cache-control"), ["no-store"]);
}

#[tokio::test]
async fn contradictory_and_ineffective_settings_are_rejected() {
    let setup = Setup::new(Database::file());
    let open_cookies = SessionCookies::builder().build().unwrap();
    let own_path = SessionCookies::builder().refresh_path("/api/session").build().unwrap();
    let rejected = |what: &str, kind, configure: &dyn Fn(Builder) -> Builder| {
        let error = configure(setup.routes()).build().unwrap_err();
        assert_eq!(error.kind(), kind, "{what}: {error}");
    };
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};
    rejected("base", OutOfRange, &|it| it.at("api"));
    rejected("path", OutOfRange, &|it| it.path(AccountRoute::SignUp, "users"));
    rejected("parameter", OutOfRange, &|it| it.path(AccountRoute::SignUp, "/{id}"));
    rejected("same path", Conflict, &|it| it.path(AccountRoute::SignUp, "/users/verify/"));
    rejected("moved and left out", Ineffective, &|it| {
        it.path(AccountRoute::SignUp, "/register").without(AccountRoute::SignUp)
    });
    for link in [
        "https://app.example/verify",
        "https://app.example/{token}/{token}",
        "/verify#{token}",
        "http://app.example/verify#{token}",
        "https://{token}.example/",
        "javascript:{token}",
        "https://user@app.example/{token}",
        "https://{token}",
    ] {
        rejected(link, OutOfRange, &|it| it.verify_link(link));
    }
    rejected("no names", Conflict, &|it| it.require_username(false).require_email(false));
    rejected("safe without mail", Conflict, &|it| it.enumeration_safe(true).require_email(false));
    rejected("safe with tokens", Conflict, &|it| it.enumeration_safe(true).tokens_at_sign_up(true));
    rejected("safe with cookies", Conflict, &|it| {
        it.enumeration_safe(true).with_cookies(&own_path).cookies_at_sign_up(true)
    });
    rejected("no cookies", Ineffective, &|it| it.cookies_at_sign_up(true));
    rejected("cookies without a path", Conflict, &|it| it.with_cookies(&open_cookies));
    rejected("no time", OutOfRange, &|it| it.verify_lifetime(Duration::from_millis(999)));
    rejected("too long", OutOfRange, &|it| it.verify_lifetime(10_000 * DAY));
    rejected("no mails", OutOfRange, &|it| it.max_pending_mails(0));
    rejected("too many mails", OutOfRange, &|it| it.max_pending_mails(usize::MAX));
    rejected("no time for mails", OutOfRange, &|it| it.mail_timeout(Duration::ZERO));
    rejected("much time for mails", OutOfRange, &|it| it.mail_timeout(DAY));
    rejected("small bodies", OutOfRange, &|it| it.body_limit(255));
    rejected("no time for bodies", OutOfRange, &|it| it.body_timeout(Duration::ZERO));

    let accepted = |configure: &dyn Fn(Builder) -> Builder| {
        let _ = configure(setup.routes()).build().unwrap();
    };
    accepted(&|it| it.verify_link("http://localhost:3000/verify?token={token}&next=/"));
    accepted(&|it| it.verify_link("http://127.0.0.1/#/verify/{token}"));
    accepted(&|it| it.with_cookies(&own_path).cookies_at_sign_up(true));
    accepted(&|it| it.enumeration_safe(true).require_username(false));

    let issuer: Issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap()).build().unwrap();
    let routes = AccountRoutes::builder(issuer, setup.users.clone(), setup.outbox.clone());
    assert_eq!(routes.build().unwrap_err().kind(), Ineffective);
}

#[tokio::test]
async fn debug_output_shows_no_link_and_no_user() {
    let setup = Setup::new(Database::file());
    let shown = format!("{:?} {:?}", setup.routes(), setup.routes().build().unwrap());
    assert!(shown.contains("AccountRoutesBuilder") && shown.contains("AccountRoutes {"));
    assert!(!shown.contains(SECRET) && !shown.contains("app.example"), "{shown}");
}
