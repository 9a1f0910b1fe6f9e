//! The effects of the views on the database.

use http::StatusCode;
use serde_json::json;

use crate::support::mint::NOW;

use super::setup::{
    BLACKLIST, REFRESH, SLIDE, SLIDING, Site, VERIFY, log_in, member, payload, post, rotating,
    token,
};

const OUTSTANDING: &str = "SELECT CAST(count(*) AS text) FROM token_blacklist_outstandingtoken";
const BLACKLISTED: &str = "SELECT CAST(count(*) AS text) FROM token_blacklist_blacklistedtoken";

async fn counts(site: &Site) -> (String, String) {
    (site.query(OUTSTANDING).await.unwrap(), site.query(BLACKLISTED).await.unwrap())
}

#[tokio::test]
async fn writes_nothing_without_the_app() {
    let site = Site::new().await;
    let app = site.app(&json!({ "ROTATE_REFRESH_TOKENS": true }));
    let refresh = json!({ "refresh": member(&log_in(&app).await, "refresh") });
    assert!(post(&app, REFRESH, &refresh).await.json()["refresh"].is_string());
    assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK, "it stays valid");
    assert_eq!(post(&app, BLACKLIST, &refresh).await.status, StatusCode::OK);
    let tables = "SELECT group_concat(name) FROM sqlite_master WHERE name LIKE 'token%'";
    assert_eq!(site.query(tables).await, None);
    assert_eq!(site.query("SELECT last_login FROM auth_user WHERE id = 1").await, None);
}

#[tokio::test]
async fn records_and_blacklists_tokens() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    let refresh = member(&log_in(&app).await, "refresh");
    assert_eq!(counts(&site).await, ("1".to_owned(), "0".to_owned()));
    let row = site
        .query(
            "SELECT user_id || ' ' || jti || ' ' || created_at || ' ' || expires_at
            FROM token_blacklist_outstandingtoken",
        )
        .await
        .unwrap();
    let claims: serde_json::Value = serde_json::from_str(&payload(&refresh)).unwrap();
    let jti = claims["jti"].as_str().unwrap();
    assert!(row.starts_with(&format!("1 {jti} 2023-11-14 22:13:20")), "{row}");
    assert!(row.contains("2023-11-15 22:13:20"), "{row}");
    let stored = site.query("SELECT token FROM token_blacklist_outstandingtoken").await.unwrap();
    assert!(!stored.contains("eyJ"), "{stored}");

    let rotated = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
    assert_eq!(counts(&site).await, ("2".to_owned(), "1".to_owned()));
    let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
    assert_eq!(member(&reply, "detail"), "Token is blacklisted");
    assert_eq!(counts(&site).await, ("2".to_owned(), "1".to_owned()));

    let refresh = json!({ "refresh": member(&rotated, "refresh") });
    assert_eq!(post(&app, BLACKLIST, &refresh).await.status, StatusCode::OK);
    assert_eq!(counts(&site).await, ("2".to_owned(), "2".to_owned()));
}

#[tokio::test]
async fn rotation_without_blacklist_records_the_new_token() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({ "ROTATE_REFRESH_TOKENS": true }));
    let refresh = json!({ "refresh": member(&log_in(&app).await, "refresh") });
    for count in ["2", "3"] {
        assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK);
        assert_eq!(counts(&site).await, (count.to_owned(), "0".to_owned()));
    }
    assert_eq!(post(&app, BLACKLIST, &refresh).await.status, StatusCode::OK);
    let reply = post(&app, REFRESH, &refresh).await;
    assert_eq!(member(&reply, "detail"), "Token is blacklisted");
}

/// Revoking one copy of a sliding token revokes all copies.
#[tokio::test]
async fn a_sliding_refresh_extends_the_stored_expiry() {
    let site = Site::with_blacklist_app().await;
    let sliding_class = "rest_framework_simplejwt.tokens.SlidingToken";
    let app = site.app(&json!({ "LEEWAY": 30, "AUTH_TOKEN_CLASSES": [sliding_class] }));
    let body = json!({ "username": "ada", "password": super::setup::PASSWORD });
    let first = member(&post(&app, SLIDING, &body).await, "token");
    let expiry = "SELECT strftime('%s', expires_at) FROM token_blacklist_outstandingtoken";
    assert_eq!(site.query(expiry).await, Some((NOW + 330).to_string()));
    site.clock.advance(std::time::Duration::from_secs(200));
    let second = member(&post(&app, SLIDE, &json!({ "token": first })).await, "token");
    assert_eq!(site.query(expiry).await, Some((NOW + 530).to_string()));
    assert_eq!(counts(&site).await.0, "1");

    site.blacklist_all().await;
    for token in [&first, &second] {
        let reply = post(&app, SLIDE, &json!({ "token": token })).await;
        assert_eq!(member(&reply, "detail"), "Token is blacklisted");
        assert_eq!(super::setup::get_bearer(&app, super::setup::HELLO, token).await.status, 401);
    }
}

/// Django's flush must not delete the row while an old copy is valid.
#[tokio::test]
async fn a_sliding_refresh_never_shortens_the_stored_expiry() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({ "SLIDING_TOKEN_LIFETIME": 60 }));
    // Issued with a longer lifetime, and without a row.
    let (exp, refresh_exp) = ((NOW + 1000).to_string(), (NOW + 5000).to_string());
    let old = token("sliding", &[("exp", &exp), ("refresh_exp", &refresh_exp)]);
    assert_eq!(post(&app, SLIDE, &json!({ "token": old })).await.status, StatusCode::OK);
    let expiry = "SELECT strftime('%s', expires_at) FROM token_blacklist_outstandingtoken";
    assert_eq!(site.query(expiry).await, Some(exp));
}

/// Other copies of the token may have been refreshed without a row, and can be refreshed again.
#[tokio::test]
async fn a_revoked_sliding_token_stays_revoked_until_its_last_copy_expires() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({ "CHECK_REVOKE_TOKEN": true, "LEEWAY": 30 }));
    let refresh_exp = (NOW + 5000).to_string();
    let old = token("sliding", &[("refresh_exp", &refresh_exp)]);
    let reply = post(&app, SLIDE, &json!({ "token": old })).await;
    assert_eq!(member(&reply, "detail"), "The user's password has been changed.");
    let expiry = "SELECT strftime('%s', expires_at) FROM token_blacklist_outstandingtoken";
    // Refreshed at the last moment, and valid for the leeway.
    assert_eq!(site.query(expiry).await, Some((NOW + 5000 + 30 + 300 + 30).to_string()));
}

#[tokio::test]
async fn records_the_last_login_if_configured() {
    let site = Site::new().await;
    let last_login = "SELECT last_login FROM auth_user WHERE id = 1";
    let app = site.app(&json!({ "UPDATE_LAST_LOGIN": true }));
    let refresh = json!({ "refresh": token("refresh", &[]) });
    assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK);
    let wrong = json!({ "username": "ada", "password": "wrong" });
    assert_eq!(post(&app, "/api/token/", &wrong).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(site.query(last_login).await, None);
    log_in(&app).await;
    let recorded = site.query(last_login).await.unwrap();
    assert!(recorded.starts_with("2023-11-14 22:13:20"), "{recorded}");
}

#[tokio::test]
async fn verify_writes_nothing() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    for token in [token("access", &[]), token("refresh", &[]), token("odd", &[])] {
        for _ in 0..2 {
            let reply = post(&app, VERIFY, &json!({ "token": token })).await;
            assert_eq!((reply.status, &*reply.body), (StatusCode::OK, "{}"));
        }
    }
    assert_eq!(counts(&site).await, ("0".to_owned(), "0".to_owned()));
}

/// Such as those from before the app was installed.
#[tokio::test]
async fn rotates_and_blacklists_unrecorded_tokens() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    let refresh = json!({ "refresh": token("refresh", &[]) });
    assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK);
    assert_eq!(counts(&site).await, ("2".to_owned(), "1".to_owned()));
    let other = token("refresh", &[("jti", r#""other""#), ("user_id", r#""99""#)]);
    assert_eq!(post(&app, BLACKLIST, &json!({ "refresh": other })).await.status, StatusCode::OK);
    assert_eq!(counts(&site).await, ("3".to_owned(), "2".to_owned()));
}

#[tokio::test]
async fn a_sliding_token_blacklisted_during_its_refresh_is_rejected() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({}));
    let body = json!({ "username": "ada", "password": super::setup::PASSWORD });
    let sliding = member(&post(&app, SLIDING, &body).await, "token");
    site.run(
        "CREATE TRIGGER concurrently BEFORE UPDATE ON token_blacklist_outstandingtoken BEGIN
            INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
            VALUES ('2023-01-01', OLD.id);
        END",
    )
    .await;
    let reply = post(&app, SLIDE, &json!({ "token": sliding })).await;
    assert_eq!((reply.status.as_u16(), &*member(&reply, "detail")), (401, "Token is blacklisted"));
}

/// Django's rows contain the expiry of the first copy.
#[tokio::test]
async fn a_purge_waits_for_the_last_copy_of_a_sliding_token() {
    let site = Site::with_blacklist_app().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let store = jwt.blacklist_app().unwrap();
    let day = 24 * 60 * 60;
    site.run(&format!(
        "INSERT INTO token_blacklist_outstandingtoken (token, jti, expires_at)
        VALUES ('', 'first', datetime({NOW}, 'unixepoch'))"
    ))
    .await;
    for (now, purged) in [(NOW, 0), (NOW + day - 1, 0), (NOW + day, 1)] {
        let now = tower_jwt_auth::NumericDate::from_secs(now);
        assert_eq!(store.purge(now, 10).await.unwrap(), purged, "{now:?}");
    }
}
