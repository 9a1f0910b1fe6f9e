//! The account routes, with everything turned on.

use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer,
    accounts::{AccountRoute, AccountRoutes, AccountRoutesBuilder},
    totp::{MemoryTotpStore, Totp},
    transport::SessionCookies,
    user::{AccountBackend, NewAccount, SqlUsers},
};

use crate::{
    support::{
        login::{Setup, key},
        reply::{Reply, post, send},
    },
    totp,
    users::database::Database,
};

use super::{
    drive::{Accounts, Described, Draft, DraftToken, Outbox, drive, throttle, with_client},
    routers::{described as described_routes, served},
    sessions::ACCESS,
};

/// It is accepted by the default rules.
const PASSWORD: &str = "punched cards and brass";
const EMAIL: &str = "ada@example.com";
const LINK: &str = "https://app.example/#{token}";

type Builder = AccountRoutesBuilder<SqlUsers>;

fn issuer(setup: &Setup) -> Issuer {
    let issuer = Issuer::builder(key()).clock(&setup.clock).store(setup.store.clone());
    issuer.rotate_refresh_tokens(true).build().unwrap()
}

/// Routes at `/api`, and an account.
async fn described(configure: impl FnOnce(Builder) -> Builder) -> Described {
    let (setup, database, outbox) = (Setup::new(), Database::file(), Outbox::default());
    let users = database.users();
    let cookies = SessionCookies::builder().refresh_path("/api/session").build().unwrap();
    let routes = AccountRoutes::builder(issuer(&setup), users.clone(), outbox.clone())
        .at("/api")
        .with_cookies(&cookies)
        .tokens_at_sign_up(true)
        .verify_link(LINK)
        .reset_link(LINK)
        .body_timeout(std::time::Duration::from_millis(100))
        .sign_up_throttle(throttle(&setup))
        .mail_throttle(throttle(&setup))
        .password_throttle(throttle(&setup));
    let routes = configure(routes).build().unwrap();
    let account = NewAccount::new().with_username(Some("ada")).with_email(Some(EMAIL));
    let account = users.create(account.with_password(PASSWORD)).await.unwrap();
    let (app, document) = routes.into_openapi_router().split_for_parts();
    Described {
        user_id: account.id().clone(),
        accounts: Some(Accounts { users, outbox, _database: database }),
        ..Described::new(setup, with_client(app), document)
    }
}

/// Adds the routes for codes of authenticator apps.
fn with_totp(routes: Builder) -> Builder {
    let totp = Totp::builder(MemoryTotpStore::new(), totp::key(1)).clock(totp::clock());
    routes.totp(totp.build().unwrap())
}

/// Enrols an authenticator app, and returns the body that confirms it.
async fn enrolled(described: &Described, access: &str) -> Value {
    let request = Draft::new("/api/totp", DraftToken::Bearer(access.to_owned()));
    let reply = described.send_draft(&Method::POST, "/api/totp", request).await;
    let secret = reply.json()["secret"].as_str().unwrap().to_owned();
    json!({ "code": totp::code(&secret, &described.setup.clock, 0) })
}

/// Enrols an authenticator app, and confirms it.
async fn enabled(described: &Described, access: &str) {
    let body = enrolled(described, access).await;
    let path = "/api/totp/confirm";
    let request = Draft::new(path, DraftToken::Bearer(access.to_owned())).json(body);
    let reply = described.send_draft(&Method::POST, path, request).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

async fn draft(described: &Described, method: &Method, path: &str, code: &str) -> Draft {
    let Accounts { users, outbox, .. } = described.accounts.as_ref().unwrap();
    let account = users.account(&described.user_id).await.unwrap().unwrap();
    let tokens = issuer(&described.setup).login(&users.user(&account)).await.unwrap();
    let access = tokens.access().to_owned();
    let token = if matches!(code, "cross_site_request" | "repeated_cookie") {
        DraftToken::Cookie(ACCESS, access.clone())
    } else {
        DraftToken::Bearer(access.clone())
    };
    // The token in the mail that a request to `path` sends.
    let mailed = async |path: &str| {
        let reply = send(&described.app, post(path, json!({"email": EMAIL}).to_string())).await;
        assert_eq!(reply.status, 202, "{reply:?}");
        DraftToken::Field("token", outbox.token().await)
    };
    if code == "totp_enabled" || (method, path) == (&Method::DELETE, "/api/totp") {
        enabled(described, &access).await;
    }
    let open = Draft::new(path, DraftToken::None);
    match (method.as_str(), path) {
        ("POST", "/api/users") => open.json(json!({
            "username": "grace", "email": "grace@example.com", "password": PASSWORD, "tokens": true,
        })),
        ("POST", "/api/users/verify") => {
            Draft::new(path, mailed("/api/users/verify/resend").await).json(json!({}))
        }
        ("POST", "/api/password/reset/confirm") => {
            let token = mailed("/api/password/reset").await;
            Draft::new(path, token).json(json!({"password": "looms and other engines"}))
        }
        ("POST", "/api/users/verify/resend" | "/api/password/reset") => {
            open.json(json!({"email": EMAIL}))
        }
        ("PATCH", "/api/me") => Draft::new(path, token)
            .json(json!({"username": "lovelace", "email": "lovelace@example.com"})),
        ("DELETE", "/api/me" | "/api/totp") => {
            Draft::new(path, token).json(json!({"password": PASSWORD}))
        }
        ("POST", "/api/password") => Draft::new(path, token)
            .json(json!({"current": PASSWORD, "new": "looms and other engines"})),
        ("POST", "/api/totp/confirm") => {
            let body = match code {
                "totp_enabled" | "totp_not_enrolled" => json!({ "code": "123456" }),
                _ => enrolled(described, &access).await,
            };
            Draft::new(path, token).json(body)
        }
        ("GET", "/api/me") | ("POST", "/api/totp") => Draft::new(path, token),
        other => panic!("{other:?} has no request in this test"),
    }
}

#[tokio::test]
async fn every_response_of_the_account_routes_is_described() {
    drive(async || described(with_totp).await, draft).await;
}

#[tokio::test]
async fn every_account_route_is_described_and_no_other() {
    for configure in [with_totp, |routes| routes] {
        let all = described(configure).await;
        assert_eq!(served(&all.app), described_routes(&all.document));
    }
    let moved = described(|routes| {
        routes.path(AccountRoute::SignUp, "/register").without(AccountRoute::DeleteAccount)
    });
    let moved = moved.await;
    assert_eq!(served(&moved.app), described_routes(&moved.document));
    moved.document.operation(&Method::POST, "/api/register");
}

async fn sign_up(described: &Described, body: Value) -> Reply {
    let request = post("/api/users", body.to_string());
    described.send(&Method::POST, "/api/users", request).await
}

#[tokio::test]
async fn a_safe_sign_up_is_described() {
    let described =
        described(|routes| routes.tokens_at_sign_up(false).enumeration_safe(true)).await;
    let body = json!({"username": "grace", "email": "grace@example.com", "password": PASSWORD});
    assert_eq!(sign_up(&described, body).await.status, 202);
    let responses = &described.document.json["paths"]["/api/users"]["post"]["responses"];
    assert!(responses["201"].is_null());
}

#[tokio::test]
async fn the_cookies_of_a_sign_up_are_described() {
    let described = described(|routes| routes.cookies_at_sign_up(true)).await;
    let body = json!({"username": "grace", "email": "grace@example.com", "password": PASSWORD});
    let reply = sign_up(&described, body).await;
    assert_eq!(reply.header("set-cookie").len(), 2, "{reply:?}");
}

#[tokio::test]
async fn names_that_are_optional_are_described() {
    let described = described(|routes| routes.require_username(false)).await;
    let body = json!({"email": "grace@example.com", "password": PASSWORD});
    assert_eq!(sign_up(&described, body).await.status, 201);
    let operation = &described.document.json["paths"]["/api/users"]["post"];
    let schema = &operation["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(schema["required"], json!(["email", "password"]));
}

#[tokio::test]
async fn members_of_the_application_may_describe_an_account() {
    let describe = |_: &tower_jwt_auth::user::Account| {
        serde_json::Map::from_iter([("name".to_owned(), json!("ada"))])
    };
    let described = described(|routes| routes.describe_user(describe)).await;
    let draft = draft(&described, &Method::GET, "/api/me", "").await;
    let reply = described.send_draft(&Method::GET, "/api/me", draft).await;
    assert_eq!(reply.json(), json!({"name": "ada"}));
}
