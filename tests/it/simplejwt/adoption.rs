//! An issuer that takes over refresh tokens from SimpleJWT.

use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, MemoryStore, NumericDate, SigningKey,
    password::{MemoryUsers, PasswordHasher},
    simplejwt::SimpleJwt,
    token::NoClaims,
    user::User,
};

use crate::support::{keys, mint::NOW};

use super::setup::{BLACKLIST_TABLES, Site, rotating, token};

/// The issuer, and its users: ada and bob, who are active here.
async fn successor(site: &Site, jwt: &SimpleJwt) -> (Issuer, MemoryUsers<NoClaims>) {
    let users = MemoryUsers::new(PasswordHasher::builder().memory_kib(1024).build().unwrap());
    for (id, name) in [(1, "ada"), (2, "bob")] {
        users.insert(name, "password", User::new(id, NoClaims::default())).await.unwrap();
    }
    let issuer = Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .clock(&site.clock)
        .adopt_refresh_tokens(jwt.adopt_until(NumericDate::from_secs(NOW + 1000)))
        .build()
        .unwrap();
    (issuer, users)
}

#[tokio::test]
async fn adopts_valid_tokens_and_rejects_those_that_simplejwt_rejects() {
    let site = Site::with_blacklist_app().await;
    let jwt = site.builder(&rotating()).build().unwrap();
    let (issuer, users) = successor(&site, &jwt).await;
    let first = jwt.tokens_for(&site.user("1").await).await.unwrap().refresh;
    let second = jwt.refresh(&first).await.unwrap().refresh.unwrap();
    let third = jwt.refresh(&second).await.unwrap().refresh.unwrap();
    let logged_out = jwt.tokens_for(&site.user("1").await).await.unwrap().refresh;
    jwt.blacklist(&logged_out).await.unwrap();
    let inactive = token("refresh", &[("user_id", "\"2\""), ("jti", "\"inactive\"")]);
    for revoked in [&first, &second, &logged_out, &inactive] {
        let error = issuer.refresh(revoked, &users).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::Revoked);
    }
    issuer.refresh(&third, &users).await.unwrap();
}

#[tokio::test]
async fn rejects_tokens_from_before_a_password_change() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({ "CHECK_REVOKE_TOKEN": true })).build().unwrap();
    let (issuer, users) = successor(&site, &jwt).await;
    let ada = site.user("1").await;
    let [kept, revoked] = [(); 2].map(|()| jwt.tokens_for(&ada));
    let (kept, revoked) = (kept.await.unwrap().refresh, revoked.await.unwrap().refresh);
    issuer.refresh(&kept, &users).await.unwrap();
    site.run("UPDATE auth_user SET password = 'pbkdf2_sha256$1000$salt$new' WHERE id = 1").await;
    let error = issuer.refresh(&revoked, &users).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Revoked);
}

/// What Django has revoked is not known then.
#[tokio::test]
async fn rejects_tokens_while_djangos_database_cannot_be_trusted() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let (issuer, users) = successor(&site, &jwt).await;
    let refresh = token("refresh", &[]);
    site.run(BLACKLIST_TABLES).await;
    let error = issuer.refresh(&refresh, &users).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::Unavailable);
    site.run("DROP TABLE token_blacklist_blacklistedtoken").await;
    site.run("DROP TABLE token_blacklist_outstandingtoken").await;
    issuer.refresh(&refresh, &users).await.unwrap();
}
