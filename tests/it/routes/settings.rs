//! The settings of the routes.

use std::time::Duration;

use http::{HeaderValue, header::USER_AGENT};
use serde_json::json;
use tower_jwt_auth::{
    ConfigErrorKind, TokenRoutes,
    routes::TokenRoutesBuilder,
    token::UserId,
    user::{Credentials, Fields, UsernamePassword},
};

use crate::support::{
    login::{Directory, PASSWORD, Profile, SECRET, Setup},
    reply::post,
};

use super::{credentials, post_json, send};

type Users = Directory<Profile>;
type Builder = TokenRoutesBuilder<Users, Profile>;

#[tokio::test]
async fn paths_can_be_set() {
    let setup = Setup::new();
    let app = TokenRoutes::builder(setup.issuer(), setup.users.clone())
        .at("/auth/v1")
        .obtain_path("/login")
        .refresh_path("/renew/")
        .verify_path("/check/token")
        .blacklist_path("/")
        .build()
        .unwrap()
        .into_router();
    for slash in ["", "/"] {
        let login = post_json(&app, &format!("/auth/v1/login{slash}"), &credentials()).await;
        let refresh = json!({"refresh": login.json()["refresh"]});
        let token = json!({"token": login.json()["access"]});
        for (path, body) in [("/renew", &refresh), ("/check/token", &token), ("", &refresh)] {
            let reply = post_json(&app, &format!("/auth/v1{path}{slash}"), body).await;
            assert_eq!(reply.status, 200, "{path}{slash}");
        }
    }
}

#[test]
fn build_rejects_invalid_settings() {
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};

    let setup = Setup::new();
    let routes = || TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let rejected: [(&str, Builder, ConfigErrorKind); 26] = [
        ("base without slash", routes().at("api"), OutOfRange),
        ("base with parameter", routes().at("/{tenant}"), OutOfRange),
        ("base with space", routes().at("/a b"), OutOfRange),
        ("path without slash", routes().refresh_path("renew"), OutOfRange),
        ("path without slash below a base", routes().at("/api").refresh_path("renew"), OutOfRange),
        ("empty path below a base", routes().at("/api").obtain_path(""), OutOfRange),
        ("path with parameter", routes().verify_path("/{token}"), OutOfRange),
        ("path with wildcard", routes().verify_path("/*"), OutOfRange),
        ("path with query", routes().obtain_path("/login?x=1"), OutOfRange),
        ("path with escape", routes().obtain_path("/log%69n"), OutOfRange),
        ("path beyond ASCII", routes().obtain_path("/entr\u{e9}e"), OutOfRange),
        ("the same path twice", routes().verify_path("/refresh"), Conflict),
        (
            "the same path twice, with and without a slash",
            routes().verify_path("/refresh/"),
            Conflict,
        ),
        (
            "the path of the session list",
            routes().at("/api").verify_path("/logout-all/").session_list_at("/api"),
            Conflict,
        ),
        ("the base path twice", routes().at("/api").blacklist_path("/"), Conflict),
        ("the same name twice", routes().rename_field("username", "password"), Conflict),
        ("the same token name twice", routes().rename_field("access", "refresh"), Conflict),
        (
            "custom field with the name of another",
            routes().rename_field("code", "username"),
            Conflict,
        ),
        (
            "custom fields with the same name",
            routes().rename_field("code", "pin").rename_field("number", "pin"),
            Conflict,
        ),
        ("empty name", routes().rename_field("token", ""), Conflict),
        ("too short a body limit", routes().body_limit(255), OutOfRange),
        ("too long a body limit", routes().body_limit(1024 * 1024 + 1), OutOfRange),
        ("no body timeout", routes().body_timeout(Duration::ZERO), OutOfRange),
        ("base of the list without slash", routes().session_list_at("api"), OutOfRange),
        ("base of the list with parameter", routes().session_list_at("/{x}"), OutOfRange),
        ("too long a body timeout", routes().body_timeout(Duration::from_secs(301)), OutOfRange),
    ];
    for (what, builder, kind) in rejected {
        let error = builder.build().err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(error.kind(), kind, "{what}");
    }
    let without_store =
        || TokenRoutes::builder(setup.plain_builder().build().unwrap(), Users::default());
    for builder in [
        without_store().session_label_from(USER_AGENT),
        without_store().session_list_at("/api"),
        routes().session_list_layer(setup.issuer().layer()),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), Ineffective);
    }
    for builder in [
        routes().body_limit(256),
        routes().body_limit(1024 * 1024),
        routes().body_timeout(Duration::from_secs(300)),
        routes().at(""),
        routes().at("/"),
        routes().at("/A-b_c.d~9/x"),
        // Names and paths can be swapped.
        routes().rename_field("username", "password").rename_field("password", "username"),
        routes().verify_path("/refresh").refresh_path("/verify"),
    ] {
        let _: axum::Router = builder.build().unwrap().into_router();
    }
}

#[tokio::test]
async fn a_header_of_the_login_labels_its_session() {
    let setup = Setup::new();
    for (labelled, agents, expected) in [
        (true, &[b"Browser/7.0 (Telephone)".as_slice()][..], Some("Browser/7.0 (Telephone)")),
        (true, &[], None),
        (true, &[b"one", b"two"], Some("one")),
        // A header value need not be UTF-8.
        (true, &[b"Caf\xc3\xa9 \xff\t."], Some("Caf\u{e9} \u{fffd}.")),
        (false, &[b"Browser/7.0"], None),
    ] {
        let issuer = setup.issuer();
        let mut routes = TokenRoutes::builder(issuer.clone(), setup.users.clone());
        if labelled {
            routes = routes.session_label_from(USER_AGENT);
        }
        let app = routes.build().unwrap().into_router();
        let mut login = post("/", credentials().to_string());
        for agent in agents {
            login.headers_mut().append(USER_AGENT, HeaderValue::from_bytes(agent).unwrap());
        }
        assert_eq!(send(&app, login).await.status, 200);
        let user_id = UserId::from(1);
        let sessions = issuer.sessions(&user_id).await.unwrap();
        assert_eq!(sessions[0].label.as_deref(), expected);
        issuer.revoke_user(&user_id).await.unwrap();
    }
}

#[test]
fn debug_shows_no_secret() {
    let setup = Setup::new();
    let builder = TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let mut shown = format!("{builder:?}") + &format!("{:?}", builder.build().unwrap());
    let mut fields = Fields::new(credentials().as_object().cloned().unwrap());
    shown += &format!("{fields:?}");
    shown += &format!("{:?}", UsernamePassword::from_fields(&mut fields).unwrap());
    for secret in [SECRET, PASSWORD, "\"1\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
