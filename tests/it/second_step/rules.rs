//! What each step returns, and what ends it.

use std::time::Duration;

use axum::Router;
use serde_json::json;
use tower_jwt_auth::{
    TokenRoutes,
    routes::{RouteError, SessionRoutes},
    token::{StepUp, TokenType, UserId},
    user::{BackendError, SecondFactor, User},
};

use crate::support::{
    login::{MINUTE, PASSWORD, Setup, ada},
    reply::{post, send},
};

use super::{
    App, CODE, Careful, Codes, Enabled, amr_of, apps, apps_of, cookies, outcome, rejected,
};

#[tokio::test]
async fn a_code_completes_the_login() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let first = app.log_in("1", PASSWORD).await;
        assert_eq!(outcome(&first), rejected("second_factor_required"));
        assert_eq!(first.header("www-authenticate"), [r#"Bearer realm="api""#]);
        assert_eq!(first.header("cache-control"), ["no-store"]);
        assert_eq!(first.header("set-cookie"), [""; 0]);
        let members: Vec<_> = first.json().as_object().unwrap().keys().cloned().collect();
        assert_eq!(members, ["code", "detail", "step"]);
        // Neither a success nor a failure.
        assert_eq!(setup.events.take(), [""; 0]);
        assert_eq!(setup.issuer().sessions(ada().id()).await.unwrap().len(), 0);

        let second = app.complete(first.json()["step"].as_str().unwrap(), CODE).await;
        assert_eq!(second.status, 200, "{second:?}");
        match app.base {
            "/token" => assert!(second.json()["access"].is_string(), "{second:?}"),
            _ => {
                assert_eq!(second.json(), json!({ "user": { "id": "1" } }));
                assert_eq!(second.header("set-cookie").len(), 2);
            }
        }
        assert!(setup.events.take()[0].starts_with("LoginSucceeded 1 "));
        setup.issuer().revoke_user(ada().id()).await.unwrap();
        setup.events.take();
        setup.clock.advance(MINUTE);
    }
}

#[tokio::test]
async fn users_with_an_enabled_second_factor_need_a_code() {
    let setup = Setup::new();
    for app in apps_of(&setup, &setup.users) {
        app.codes.set(Enabled::No);
        assert_eq!(app.log_in("1", PASSWORD).await.status, 200);
        app.codes.set(Enabled::Unknown);
        let reply = app.log_in("1", PASSWORD).await;
        assert_eq!(outcome(&reply), (503, "unavailable".to_owned()));
        assert_eq!(outcome(&app.log_in("1", "wrong").await), rejected("invalid_credentials"));
        app.codes.set(Enabled::Yes);
        let reply = app.log_in("1", PASSWORD).await;
        assert_eq!(outcome(&reply), rejected("second_factor_required"));
        assert_eq!(app.outcome(&app.step().await, CODE).await.0, 200);
    }
}

#[tokio::test]
async fn tokens_name_the_methods_of_the_login() {
    let setup = Setup::new();
    for app in apps_of(&setup, &setup.users) {
        assert_eq!(amr_of(&app.log_in("1", PASSWORD).await), json!(null));
        app.codes.set(Enabled::Yes);
        let reply = app.complete(&app.step().await, CODE).await;
        assert_eq!(amr_of(&reply), json!(["pwd", "otp"]));
        if app.base == "/token" {
            let body = json!({ "refresh": reply.json()["refresh"] }).to_string();
            let reply = send(&app.router, post("/token/refresh", body)).await;
            assert_eq!(amr_of(&reply), json!(["pwd", "otp"]));
        }
        app.codes.set(Enabled::No);
    }
}

#[tokio::test]
async fn tokens_name_the_password_if_the_issuer_does() {
    let setup = Setup::new();
    let issuer = setup.builder().password_amr(true).build().unwrap();
    let tokens = TokenRoutes::new(issuer.clone(), setup.users.clone()).into_router();
    let sessions = SessionRoutes::builder(issuer, setup.users.clone(), &cookies()).build().unwrap();
    for app in [tokens, sessions.into_router()] {
        let body = json!({ "username": "1", "password": PASSWORD }).to_string();
        assert_eq!(amr_of(&send(&app, post("/", body)).await), json!(["pwd"]));
    }
}

/// Codes that were sent in a text message.
struct Messages;

impl SecondFactor for Messages {
    async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
        Ok(true)
    }

    async fn verify(&self, _: &UserId, _: &str) -> Result<bool, BackendError> {
        Ok(true)
    }

    fn amr(&self) -> &'static [&'static str] {
        &["pwd", "sms"]
    }

    fn acr(&self) -> Option<&'static str> {
        Some("mfa")
    }
}

#[tokio::test]
async fn a_second_factor_chooses_the_methods_and_the_class_that_tokens_name() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let routes = TokenRoutes::builder(issuer.clone(), setup.users.clone());
    let app: Router = routes.second_factor(Messages).build().unwrap().into_router();
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    let step = send(&app, post("/", body)).await.json()["step"].clone();
    let body = json!({ "step": step, "code": CODE }).to_string();
    let reply = send(&app, post("/second-factor", body)).await;
    assert_eq!(amr_of(&reply), json!(["pwd", "sms"]));

    // A route can require it, also after a refresh.
    let required = StepUp::builder().acr_values(["mfa"]).build().unwrap();
    let with_password = issuer.login(&ada()).await.unwrap();
    let body = json!({ "refresh": reply.json()["refresh"] }).to_string();
    let refreshed = send(&app, post("/refresh", body)).await;
    for (token, is_met) in [
        (reply.json()["access"].as_str().unwrap(), true),
        (refreshed.json()["access"].as_str().unwrap(), true),
        (with_password.access(), false),
    ] {
        let claims = issuer.verifier().verify(token).unwrap();
        assert_eq!(claims.require_step_up(&required).is_ok(), is_met);
    }
}

#[tokio::test]
async fn a_backend_can_require_a_code_that_is_not_enabled() {
    let setup = Setup::new();
    for app in apps(&setup) {
        app.codes.set(Enabled::No);
        assert_eq!(app.outcome(&app.step().await, CODE).await.0, 200);
    }
}

#[tokio::test]
async fn a_wrong_code_leaves_the_step_usable() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let step = app.step().await;
        let reply = app.complete(&step, "000000").await;
        assert_eq!(outcome(&reply), rejected("invalid_code"));
        assert_eq!(reply.header("www-authenticate"), [r#"Bearer realm="api""#]);
        assert_eq!(setup.events.take(), ["LoginFailed InvalidCode"]);
        assert_eq!(app.outcome(&step, "outage").await, (503, "unavailable".to_owned()));
        assert_eq!(app.outcome(&step, CODE).await.0, 200);
        setup.events.take();
    }
}

#[tokio::test]
async fn a_step_has_five_tries() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let step = app.step().await;
        for _ in 0..5 {
            assert_eq!(app.outcome(&step, "000000").await, rejected("invalid_code"));
        }
        assert_eq!(app.outcome(&step, CODE).await, rejected("token_revoked"));
        // The next login has tries of its own.
        assert_eq!(app.outcome(&app.step().await, CODE).await.0, 200);
    }
}

#[tokio::test]
async fn a_step_is_used_once() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let step = app.step().await;
        assert_eq!(app.outcome(&step, CODE).await.0, 200);
        let verified = app.codes.verified();
        assert_eq!(app.outcome(&step, CODE).await, rejected("token_revoked"));
        assert_eq!(app.codes.verified(), verified, "no code is spent on a used step");
    }
}

#[tokio::test]
async fn a_step_expires_after_five_minutes() {
    let setup = Setup::new();
    for app in apps(&setup) {
        let (early, late) = (app.step().await, app.step().await);
        setup.clock.advance(5 * MINUTE - Duration::from_secs(1));
        assert_eq!(app.outcome(&early, CODE).await.0, 200);
        setup.clock.advance(Duration::from_secs(61));
        assert_eq!(app.outcome(&late, CODE).await, rejected("token_expired"));
    }
}

#[tokio::test]
async fn changes_of_the_user_end_the_step() {
    for change in ["revoked", "new epoch", "inactive", "removed"] {
        let setup = Setup::new();
        for app in apps(&setup) {
            setup.users.put(ada().with_epoch("1"));
            let step = app.step().await;
            let code = match change {
                "revoked" => {
                    // In the same second.
                    setup.issuer().revoke_user(&UserId::from(1)).await.unwrap();
                    "token_revoked"
                }
                "new epoch" => {
                    setup.users.put(ada().with_epoch("2"));
                    "token_revoked"
                }
                "inactive" => {
                    setup.users.put(ada().with_epoch("1").with_active(false));
                    "user_inactive"
                }
                _ => {
                    setup.users.remove("1");
                    "user_inactive"
                }
            };
            let verified = app.codes.verified();
            assert_eq!(app.outcome(&step, CODE).await, rejected(code), "{change}");
            // Only the use of the step notices a revocation.
            let spent = usize::from(change == "revoked");
            assert_eq!(app.codes.verified() - verified, spent, "{change}");
            if change == "revoked" {
                // A login that began afterwards, in the same second.
                assert_eq!(app.outcome(&app.step().await, CODE).await.0, 200);
            }
        }
    }
}

#[tokio::test]
async fn a_wrong_password_does_not_reveal_the_second_factor() {
    let setup = Setup::new();
    setup.users.put(User::new(2, ada().claims().clone()).with_active(false));
    for app in apps(&setup) {
        let mut replies = Vec::new();
        for (username, password) in
            [("1", "wrong"), ("2", PASSWORD), ("2", "wrong"), ("unknown", PASSWORD)]
        {
            let reply = app.log_in(username, password).await;
            assert_eq!(outcome(&reply), rejected("invalid_credentials"));
            replies.push((reply.status, reply.headers, reply.body));
        }
        assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");
    }
}

#[tokio::test]
async fn a_step_is_nothing_but_a_step() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let kind = TokenType::from("second_step");
    for app in apps(&setup) {
        let step = app.step().await;
        assert!(issuer.verify(&step).await.is_err());
        let redeemed = issuer.redeem::<serde_json::Value>(&kind, &step).await;
        assert_eq!(redeemed.unwrap_err().kind().code(), "misconfigured");
        let forged = issuer.issue_single_use(&kind, MINUTE, ada().id(), &json!({})).await;
        assert_eq!(forged.unwrap_err().kind().code(), "misconfigured");
        for token in [issuer.login(&ada()).await.unwrap().access(), "garbage"] {
            assert_eq!(app.complete(token, CODE).await.status, 401);
        }
        let request = bearer_list(&app, &step);
        assert_eq!(send(&app.router, request).await.status.as_u16() / 100, 4);
        assert_eq!(app.outcome(&step, CODE).await.0, 200);
    }
}

fn bearer_list(app: &App, token: &str) -> http::Request<axum::body::Body> {
    let request = http::Request::get(format!("{}/sessions", app.base));
    let request = request.header("authorization", format!("Bearer {token}"));
    request.body(axum::body::Body::empty()).unwrap()
}

#[tokio::test]
async fn other_sites_cannot_complete_a_login() {
    let [_, app] = apps(&Setup::new());
    let body = json!({ "step": app.step().await, "code": CODE }).to_string();
    let mut request = post("/session/second-factor", body);
    request.headers_mut().insert("sec-fetch-site", "cross-site".parse().unwrap());
    let reply = send(&app.router, request).await;
    assert_eq!(outcome(&reply), (403, "cross_site_request".to_owned()));
    assert_eq!(app.codes.verified(), 0);
}

#[tokio::test]
async fn missing_fields_are_400() {
    for app in apps(&Setup::new()) {
        let path = format!("{}/second-factor", app.base);
        let reply = send(&app.router, post(&path, "{}")).await;
        assert_eq!(reply.status, 400);
        let required = json!(["This field is required."]);
        assert_eq!(reply.json()["errors"], json!({ "step": required, "code": required }));
    }
}

#[tokio::test]
async fn custom_rejections_get_the_step() {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), Careful(setup.users.clone()));
    let custom = |error: &RouteError| match error {
        RouteError::SecondFactorRequired(step) => format!("step={}", step.token()),
        error => error.code().to_owned(),
    };
    let routes = routes
        .second_factor(Codes::default())
        .second_factor_path("/code")
        .rename_field("code", "pin")
        .rejection(custom);
    let app: Router = routes.build().unwrap().into_router();
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    let reply = send(&app, post("/", body)).await;
    let step = reply.body.strip_prefix("step=").unwrap();
    let body = json!({ "step": step, "pin": CODE }).to_string();
    assert_eq!(send(&app, post("/code", body)).await.status, 200);
}

#[tokio::test]
async fn routes_without_a_second_factor_are_misconfigured() {
    let setup = Setup::new();
    let app: Router = TokenRoutes::new(setup.issuer(), Careful(setup.users.clone())).into_router();
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    assert_eq!(outcome(&send(&app, post("/", body)).await), (500, "misconfigured".to_owned()));
    assert_eq!(send(&app, post("/second-factor", "{}")).await.status, 404);

    let issuer = setup.plain_builder().build().unwrap();
    let routes = TokenRoutes::builder(issuer, Careful(setup.users.clone()));
    let error = routes.second_factor(Codes::default()).build().unwrap_err();
    assert_eq!(error.to_string(), "`second_factor` requires an issuer with a store");
}
