//! Logins by the routes.

use axum::Router;
use serde_json::json;
use tower_jwt_auth::{
    TokenRoutes,
    token::UserId,
    totp::{MemoryTotpStore, Totp},
};

use crate::support::{
    login::{PASSWORD, Setup, ada, payload},
    reply::{Reply, post, send},
};

use super::{code, enable, key, totp, user};

async fn log_in(app: &Router) -> Reply {
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    send(app, post("/", body)).await
}

async fn complete(app: &Router, code: &str) -> Reply {
    let step = log_in(app).await.json()["step"].clone();
    let body = json!({ "step": step, "code": code }).to_string();
    send(app, post("/second-factor", body)).await
}

#[tokio::test]
async fn users_who_have_enabled_it_log_in_with_a_code() {
    let setup = Setup::new();
    assert_eq!(ada().id(), &user());
    let totp = totp(MemoryTotpStore::new(), &setup.clock);
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let app = routes.second_factor(totp.clone()).build().unwrap().into_router();
    assert_eq!(log_in(&app).await.status, 200);

    let (enrolment, codes) = enable(&totp, &setup.clock).await;
    assert_eq!(log_in(&app).await.json()["code"], "second_factor_required");
    for code in [&*code(enrolment.secret(), &setup.clock, 0), codes.iter().next().unwrap()] {
        let reply = complete(&app, code).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let access = reply.json()["access"].as_str().unwrap().to_owned();
        assert_eq!(payload(&access)["amr"], json!(["pwd", "otp"]));
        let reply = complete(&app, code).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (401, &json!("invalid_code")));
    }
    totp.disable(&UserId::from(1)).await.unwrap();
    assert_eq!(log_in(&app).await.status, 200);
}

#[tokio::test]
async fn tokens_name_the_configured_class() {
    let setup = Setup::new();
    for class in [None, Some("mfa")] {
        let builder = Totp::builder(MemoryTotpStore::new(), key(1)).clock(&setup.clock);
        let builder = match class {
            Some(class) => builder.acr(class),
            None => builder,
        };
        let totp = builder.build().unwrap();
        let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone());
        let app = routes.second_factor(totp.clone()).build().unwrap().into_router();
        let (enrolment, _) = enable(&totp, &setup.clock).await;
        let reply = complete(&app, &code(enrolment.secret(), &setup.clock, 0)).await;
        let access = reply.json()["access"].as_str().unwrap().to_owned();
        assert_eq!(payload(&access)["acr"], json!(class));
    }
}
