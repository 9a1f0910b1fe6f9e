//! What each route does, and its error responses.

use std::collections::BTreeSet;

use serde_json::json;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    token::NoClaims,
    user::User,
};

use crate::support::{
    flaky::StoreFailure,
    login::{DAY, Outage, PASSWORD, Setup, ada, error_kind, mint, payload},
    reply::post,
};

use super::{app, app_with, credentials, log_in, outcome, post_json, send, tokens};

#[tokio::test]
async fn a_login_returns_two_tokens_and_nothing_else() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let app = app_with(&setup, issuer.clone());
    let reply = post_json(&app, "/api/token/", &credentials()).await;
    assert_eq!(reply.status, 200);
    let members: BTreeSet<_> = reply.json().as_object().unwrap().keys().cloned().collect();
    assert_eq!(members, BTreeSet::from(["access".to_owned(), "refresh".to_owned()]));
    let (access, refresh) = tokens(&reply);
    assert_eq!(issuer.verifier().verify(&access).unwrap().username, "ada");
    assert_eq!(payload(&refresh)["token_type"], "refresh");
}

#[tokio::test]
async fn a_refresh_returns_a_refresh_token_only_with_rotation() {
    let setup = Setup::new();
    let app = app(&setup);
    let (_, first) = log_in(&app).await;
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": first})).await;
    assert_eq!(reply.status, 200);
    let (access, second) = tokens(&reply);
    assert_eq!(payload(&access)["sid"], payload(&second)["sid"]);
    assert_ne!(first, second);

    let plain = app_with(&setup, setup.plain_builder().build().unwrap());
    let (_, refresh) = log_in(&plain).await;
    let reply = post_json(&plain, "/api/token/refresh/", &json!({"refresh": refresh})).await;
    assert_eq!(reply.status, 200);
    let body = reply.json();
    assert_eq!(body.as_object().unwrap().keys().collect::<Vec<_>>(), ["access"]);
}

#[tokio::test]
async fn reuse_of_a_spent_token_ends_its_session() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, first) = log_in(&app).await;
    let reply = post_json(&app, "/api/token/refresh", &json!({"refresh": first})).await;
    let (_, second) = tokens(&reply);
    for token in [&first, &second] {
        let reply = post_json(&app, "/api/token/refresh", &json!({"refresh": token})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (401, json!({"detail": "The token has been revoked.", "code": "token_revoked"}))
        );
        let challenge = reply.header("www-authenticate")[0];
        assert!(challenge.contains(r#"error="invalid_token""#), "{challenge}");
    }
    let reply = post_json(&app, "/api/token/verify", &json!({"token": access})).await;
    assert_eq!(outcome(&reply), (401, "token_revoked".to_owned()));
}

#[tokio::test]
async fn verify_spends_nothing_and_rejects_revoked_tokens() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    for _ in 0..3 {
        for token in [&access, &refresh] {
            let reply = post_json(&app, "/api/token/verify/", &json!({"token": token})).await;
            assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
        }
    }
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": refresh})).await;
    let (_, next) = tokens(&reply);
    post_json(&app, "/api/token/blacklist/", &json!({"refresh": next})).await;
    for token in [&access, &refresh, &next] {
        let reply = post_json(&app, "/api/token/verify/", &json!({"token": token})).await;
        assert_eq!(outcome(&reply), (401, "token_revoked".to_owned()));
    }
}

#[tokio::test]
async fn blacklist_ends_the_session_and_can_be_repeated() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, first) = log_in(&app).await;
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": first})).await;
    let (_, second) = tokens(&reply);
    // A spent token ends the session as well.
    for token in [&first, &first, &second, &second] {
        let reply = post_json(&app, "/api/token/blacklist/", &json!({"refresh": token})).await;
        assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
    }
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": second})).await;
    assert_eq!(outcome(&reply), (401, "token_revoked".to_owned()));
    for (token, code) in [(&*access, "token_wrong_type"), ("garbage", "token_invalid")] {
        let reply = post_json(&app, "/api/token/blacklist/", &json!({"refresh": token})).await;
        assert_eq!(outcome(&reply), (401, code.to_owned()));
    }
}

#[tokio::test]
async fn error_codes_do_not_reveal_why_a_token_is_invalid() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    let forged = format!("{}AA", &access[..access.len() - 2]);
    let stranger = mint("somebody else's secret of at least 32 bytes", "{}", "{}");
    let garbage = ["garbage", "..", "a.b.c", &forged, &stranger, "eyJ\u{e9}"];
    for token in garbage {
        for (path, field) in [("refresh", "refresh"), ("verify", "token"), ("blacklist", "refresh")]
        {
            let path = format!("/api/token/{path}/");
            let reply = post_json(&app, &path, &json!({field: token})).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()),
                (401, json!({"detail": "The token is invalid.", "code": "token_invalid"})),
                "{token}"
            );
        }
    }
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": access})).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (401, json!({"detail": "The token has the wrong type.", "code": "token_wrong_type"}))
    );
    setup.clock.advance(DAY);
    for (path, field) in [("refresh", "refresh"), ("verify", "token"), ("blacklist", "refresh")] {
        let path = format!("/api/token/{path}/");
        let reply = post_json(&app, &path, &json!({field: refresh})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (401, json!({"detail": "The token has expired.", "code": "token_expired"}))
        );
    }
}

#[tokio::test]
async fn rejects_refreshes_of_inactive_and_deleted_users() {
    let setup = Setup::new();
    let app = app(&setup);
    let (_, refresh) = log_in(&app).await;
    setup.users.put(ada().with_active(false));
    for _ in 0..2 {
        let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": refresh})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (
                401,
                json!({
                    "detail": "No active account found for the given token.",
                    "code": "user_inactive",
                })
            )
        );
        setup.users.remove("1");
    }
}

#[tokio::test]
async fn responses_do_not_reveal_which_accounts_exist() {
    let setup = Setup::new();
    let cheap = PasswordHasher::builder().memory_kib(1024).iterations(1).build().unwrap();
    let users = MemoryUsers::new(cheap);
    users.insert("ada", PASSWORD, ada()).await.unwrap();
    let idle = User::new(2, ada().claims().clone()).with_active(false);
    users.insert("idle", PASSWORD, idle).await.unwrap();
    let app = TokenRoutes::new(setup.issuer(), users).into_router();

    let mut replies = Vec::new();
    for (username, password) in [
        ("nobody", PASSWORD),
        ("ada", "difference engine"),
        ("idle", PASSWORD),
        ("idle", "difference engine"),
        ("ada", &*"long ".repeat(1000)),
        ("nobody", &*"long ".repeat(1000)),
        ("ADA", PASSWORD),
    ] {
        let body = json!({"username": username, "password": password});
        let reply = post_json(&app, "/", &body).await;
        replies.push((reply.status, reply.headers, reply.body));
    }
    assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");
    let (status, headers, body) = &replies[0];
    assert_eq!(*status, 401);
    assert_eq!(headers["www-authenticate"], r#"Bearer realm="api""#);
    assert_eq!(
        body,
        r#"{"detail":"No active account found with the given credentials.","code":"invalid_credentials"}"#
    );
    assert_eq!(setup.events.take(), vec!["LoginFailed InvalidCredentials"; replies.len()]);
    let body = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(post_json(&app, "/", &body).await.status, 200);
}

#[tokio::test]
async fn an_outage_is_503_and_spends_nothing() {
    let setup = Setup::new();
    let app = app(&setup);
    let (access, refresh) = log_in(&app).await;
    let unavailable =
        json!({"detail": "The service is temporarily unavailable.", "code": "unavailable"});
    setup.events.take();

    setup.store.set_failure(StoreFailure::Errors);
    for (path, body) in [
        ("/api/token/", credentials()),
        ("/api/token/refresh/", json!({"refresh": refresh})),
        ("/api/token/verify/", json!({"token": access})),
        ("/api/token/blacklist/", json!({"refresh": refresh})),
    ] {
        let reply = post_json(&app, path, &body).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (503, unavailable.clone()), "{path}");
        assert_eq!(reply.header("retry-after"), ["1"]);
    }
    assert_eq!(setup.events.take(), ["LoginFailed Unavailable"]);
    setup.store.set_failure(StoreFailure::None);

    for (outage, code) in [(Outage::Unavailable, "unavailable"), (Outage::Overloaded, "overloaded")]
    {
        setup.users.set(outage);
        for (path, body) in
            [("/api/token/", credentials()), ("/api/token/refresh/", json!({"refresh": refresh}))]
        {
            let reply = post_json(&app, path, &body).await;
            assert_eq!(outcome(&reply), (503, code.to_owned()), "{path}");
        }
    }
    setup.users.set(Outage::None);
    let reply = post_json(&app, "/api/token/refresh/", &json!({"refresh": refresh})).await;
    assert_eq!(reply.status, 200);
}

#[tokio::test]
async fn the_error_is_in_the_extensions_of_the_response() {
    use tower::ServiceExt;

    let app = app(&Setup::new());
    let request = post("/api/token/verify", r#"{"token":"x"}"#);
    let response = app.clone().oneshot(request).await.unwrap();
    let error = response.extensions().get::<AuthError>().unwrap();
    assert_eq!(error_kind::<NoClaims>(Err(error.clone())), AuthErrorKind::Malformed);
    let ok = send(&app, post("/api/token/", credentials().to_string())).await;
    assert_eq!(ok.status, 200);
}
