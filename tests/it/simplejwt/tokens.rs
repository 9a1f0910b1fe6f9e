//! The claims of tokens, in SimpleJWT's order.

use http::StatusCode;
use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, Verifier, VerifyingKey};

use crate::support::{
    keys,
    mint::{Minter, NOW},
};

use super::setup::{
    HELLO, REFRESH, SLIDE, SLIDING, STATELESS, Site, get_bearer, log_in, member, payload, post,
    rotating, token,
};

/// The payload of a token with `ID` in place of its id, which must be a `uuid4().hex`.
fn shape(token: &str) -> String {
    let payload = payload(token);
    let claims: Value = serde_json::from_str(&payload).unwrap();
    let id = ["jti", "id"].into_iter().find_map(|name| claims[name].as_str());
    let Some(id) = id else { return payload };
    assert!(id.len() == 32 && id.bytes().all(|byte| b"0123456789abcdef".contains(&byte)), "{id}");
    assert!(&id[12..13] == "4" && "89ab".contains(&id[16..17]), "{id}");
    payload.replace(id, "ID")
}

async fn slide(app: &axum::Router, sliding: &str) -> String {
    member(&post(app, SLIDE, &json!({ "token": sliding })).await, "token")
}

async fn obtain_sliding(app: &axum::Router) -> String {
    let body = json!({ "username": "ada", "password": super::setup::PASSWORD });
    member(&post(app, SLIDING, &body).await, "token")
}

#[tokio::test]
async fn has_simplejwts_claims_by_default() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let tokens = log_in(&app).await;
    assert!(tokens.body.starts_with(r#"{"refresh":""#), "{tokens:?}");
    let (refresh, access) = (member(&tokens, "refresh"), member(&tokens, "access"));
    let header = refresh.split('.').next().unwrap();
    assert_eq!(header, "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9", r#"{{"alg":"HS256","typ":"JWT"}}"#);
    let (day, minutes) = (NOW + 86_400, NOW + 300);
    let expected =
        format!(r#"{{"token_type":"refresh","exp":{day},"iat":{NOW},"jti":"ID","user_id":"1"}}"#);
    assert_eq!(shape(&refresh), expected);
    let expected = format!(
        r#"{{"token_type":"access","exp":{minutes},"iat":{NOW},"jti":"ID","user_id":"1"}}"#
    );
    assert_eq!(shape(&access), expected);
    let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
    assert!(reply.json().get("refresh").is_none());
    assert_eq!(shape(&member(&reply, "access")), expected);
    assert_ne!(payload(&member(&reply, "access")), payload(&access), "the id is new");
}

#[tokio::test]
async fn sliding_tokens_keep_their_id_and_refresh_exp() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let first = obtain_sliding(&app).await;
    let (minutes, day) = (NOW + 300, NOW + 86_400);
    let expected = format!(
        r#"{{"token_type":"sliding","exp":{minutes},"iat":{NOW},"jti":"ID","refresh_exp":{day},"user_id":"1"}}"#
    );
    assert_eq!(shape(&first), expected);
    site.clock.advance(std::time::Duration::from_secs(100));
    let second = slide(&app, &first).await;
    let expected = payload(&first)
        .replace(&format!("\"exp\":{minutes}"), &format!("\"exp\":{}", minutes + 100))
        .replace(&format!("\"iat\":{NOW}"), &format!("\"iat\":{}", NOW + 100));
    assert_eq!(payload(&second), expected);
}

#[tokio::test]
async fn rotation_replaces_claims_in_place() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&rotating());
    // Numbers and strings are copied unchanged.
    let custom = [
        ("big", "123456789012345678901234567890"),
        ("real", "1.10"),
        ("text", r#""\u00e9""#),
        ("list", r#"[{"b":1,"a":2}]"#),
        ("user_id", "1"),
    ];
    site.clock.advance(std::time::Duration::from_secs(60));
    let reply = post(&app, REFRESH, &json!({ "refresh": token("refresh", &custom) })).await;
    let tail = r#""big":123456789012345678901234567890,"real":1.10,"text":"\u00e9","list":[{"b":1,"a":2}],"user_id":1}"#;
    let (now, end) = (NOW + 60, NOW + 60 + 86_400);
    let expected = format!(r#"{{"token_type":"refresh","exp":{end},"iat":{now},"jti":"ID",{tail}"#);
    assert_eq!(shape(&member(&reply, "refresh")), expected);
    let end = now + 300;
    let expected = format!(r#"{{"token_type":"access","exp":{end},"iat":{now},"jti":"ID",{tail}"#);
    assert_eq!(shape(&member(&reply, "access")), expected);
}

#[tokio::test]
async fn writes_and_requires_audience_and_issuer() {
    let site = Site::new().await;
    let settings = |audience: Value| json!({ "AUDIENCE": audience, "ISSUER": "me" });
    for (audience, written) in [(json!("api"), r#""api""#), (json!(["x", "api"]), r#"["x","api"]"#)]
    {
        let app = site.app(&settings(audience));
        let tokens = log_in(&app).await;
        for name in ["refresh", "access"] {
            let payload = payload(&member(&tokens, name));
            assert!(payload.ends_with(&format!(r#","aud":{written},"iss":"me"}}"#)), "{payload}");
        }
        let access = member(&tokens, "access");
        assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::OK);
        for (aud, iss, expected) in [
            (r#""api""#, r#""me""#, 200),
            (r#"["api","other"]"#, r#""me""#, 200),
            (r#""other""#, r#""me""#, 401),
            ("", r#""me""#, 401),
            (r#""api""#, r#""other""#, 401),
            (r#""api""#, "", 401),
        ] {
            let token = token("access", &[("aud", aud), ("iss", iss)]);
            assert_eq!(
                get_bearer(&app, HELLO, &token).await.status.as_u16(),
                expected,
                "{aud}{iss}"
            );
        }
    }
    // Without these settings, any audience and issuer is accepted.
    let app = site.app(&json!({}));
    let token = token("access", &[("aud", r#""other""#), ("iss", r#""other""#)]);
    assert_eq!(get_bearer(&app, HELLO, &token).await.status, StatusCode::OK);
}

#[tokio::test]
async fn claims_can_be_renamed_or_left_out() {
    let site = Site::new().await;
    let app = site.app(&json!({
        "USER_ID_FIELD": "username",
        "USER_ID_CLAIM": "sub",
        "TOKEN_TYPE_CLAIM": "kind",
        "JTI_CLAIM": "id",
        "SLIDING_TOKEN_REFRESH_EXP_CLAIM": "until",
        "AUTH_TOKEN_CLASSES": "rest_framework_simplejwt.tokens.SlidingToken",
    }));
    let sliding = obtain_sliding(&app).await;
    let (minutes, day) = (NOW + 300, NOW + 86_400);
    let expected = format!(
        r#"{{"kind":"sliding","exp":{minutes},"iat":{NOW},"id":"ID","until":{day},"sub":"ada"}}"#
    );
    assert_eq!(shape(&sliding), expected);
    assert_eq!(get_bearer(&app, HELLO, &sliding).await.body, "ada");
    assert_eq!(payload(&slide(&app, &sliding).await), payload(&sliding));
    let refresh = json!({ "refresh": member(&log_in(&app).await, "refresh") });
    let reply = post(&app, REFRESH, &refresh).await;
    let expected =
        format!(r#"{{"kind":"access","exp":{minutes},"iat":{NOW},"id":"ID","sub":"ada"}}"#);
    assert_eq!(shape(&member(&reply, "access")), expected);

    let app = site.app(&json!({ "TOKEN_TYPE_CLAIM": null, "JTI_CLAIM": null }));
    let tokens = log_in(&app).await;
    let expected = format!(r#"{{"exp":{minutes},"iat":{NOW},"user_id":"1"}}"#);
    assert_eq!(payload(&member(&tokens, "access")), expected);
    // Then access and refresh tokens are indistinguishable.
    for name in ["access", "refresh"] {
        assert_eq!(get_bearer(&app, HELLO, &member(&tokens, name)).await.body, "ada");
    }
    // SimpleJWT's claim `null` is not copied.
    let refresh = token("refresh", &[("token_type", ""), ("jti", ""), ("null", r#""x""#)]);
    let reply = post(&app, REFRESH, &json!({ "refresh": refresh })).await;
    assert_eq!(payload(&member(&reply, "access")), expected);
}

#[tokio::test]
async fn writes_the_digest_of_the_password_hash() {
    let site = Site::new().await;
    site.run("UPDATE auth_user SET password = 'md5$salt$0123'  WHERE id = 1").await;
    let jwt = site
        .builder(&json!({ "CHECK_REVOKE_TOKEN": true, "REVOKE_TOKEN_CLAIM": "digest" }))
        .build()
        .unwrap();
    let user = site.user("1").await;
    let tokens = jwt.tokens_for(&user).await.unwrap();
    // echo -n 'md5$salt$0123' | md5sum
    let tail = r#","user_id":"1","digest":"BF3D17712E64FB92A34E6F6D1009D27E"}"#;
    for token in [&tokens.refresh, &tokens.access] {
        assert!(payload(token).ends_with(tail), "{}", payload(token));
    }
    assert!(payload(&jwt.sliding_token_for(&user).await.unwrap()).ends_with(tail));
}

/// The views send no code, and blacklist the token.
#[tokio::test]
async fn a_password_change_revokes_refresh_tokens() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({ "CHECK_REVOKE_TOKEN": true }));
    let refresh = json!({ "refresh": member(&log_in(&app).await, "refresh") });
    let sliding = obtain_sliding(&app).await;
    assert_eq!(post(&app, REFRESH, &refresh).await.status, StatusCode::OK);

    site.run("UPDATE auth_user SET password = 'pbkdf2_sha256$1000$salt$new' WHERE id = 1").await;
    for (path, body) in [(REFRESH, refresh.clone()), (SLIDE, json!({ "token": sliding }))] {
        let reply = post(&app, path, &body).await;
        let expected = r#"{"detail":"The user's password has been changed."}"#;
        assert_eq!((reply.status.as_u16(), &*reply.body), (401, expected), "{path}");
        let reply = post(&app, path, &body).await;
        assert_eq!(member(&reply, "detail"), "Token is blacklisted");
    }
    // Also if the rotation itself asks the blacklist.
    let mut settings = rotating();
    settings["CHECK_REVOKE_TOKEN"] = true.into();
    let reply = post(&site.app(&settings), REFRESH, &refresh).await;
    assert_eq!(member(&reply, "detail"), "Token is blacklisted");
}

/// Django writes such tokens if a claim has no name.
#[tokio::test]
async fn accepts_duplicate_null_claims_if_a_claim_has_no_name() {
    let site = Site::new().await;
    for (settings, is_accepted) in [
        (json!({}), false),
        (json!({ "JTI_CLAIM": null }), true),
        (json!({ "TOKEN_TYPE_CLAIM": null }), true),
    ] {
        let app = site.app(&settings);
        let nulls = |name| token("refresh", &[("null", "1"), (name, "2"), ("null", "3")]);
        let refresh = post(&app, REFRESH, &json!({ "refresh": nulls("null") })).await;
        assert_eq!(refresh.status.is_success(), is_accepted, "{settings}");
        for name in ["exp", "user_id"] {
            let reply = post(&app, REFRESH, &json!({ "refresh": nulls(name) })).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "{settings} {name}");
        }
    }
    // As in Python, the last of duplicates is copied.
    let mut settings = json!({ "TOKEN_TYPE_CLAIM": null, "ROTATE_REFRESH_TOKENS": true });
    let twice = json!({ "refresh": token("refresh", &[("null", "1"), ("null", "2")]) });
    let reply = post(&site.app(&settings), REFRESH, &twice).await;
    let successor = payload(&member(&reply, "refresh"));
    assert!(successor.contains(r#""null":2"#) && !successor.contains(r#""null":1"#), "{successor}");
    settings["TOKEN_TYPE_CLAIM"] = "token_type".into();
    let reply = post(&site.app(&settings), REFRESH, &twice).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_verifier_accepts_the_types_of_protected_routes() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let verifier = jwt.verifier::<tower_jwt_auth::token::NoClaims>().unwrap();
    assert!(verifier.verify(&token("access", &[])).is_ok());
    for other in ["refresh", "sliding", "other"] {
        assert!(verifier.verify(&token(other, &[])).is_err(), "{other}");
    }
}

#[tokio::test]
async fn signs_with_key_pairs() {
    let site = Site::new().await;
    for (name, private, public, algorithm) in [
        ("RS256", keys::RSA, keys::RSA_PUBLIC, Algorithm::RS256),
        ("PS512", keys::RSA, keys::RSA_PUBLIC, Algorithm::PS512),
        ("ES256", keys::P256, keys::P256_PUBLIC, Algorithm::ES256),
        ("EdDSA", keys::ED25519, keys::ED25519_PUBLIC, Algorithm::EdDSA),
    ] {
        let signing = json!({
            "ALGORITHM": name, "SIGNING_KEY": private, "VERIFYING_KEY": public,
        });
        let app = site.app(&signing);
        let access = member(&log_in(&app).await, "access");
        let header = format!(r#"{{"alg":"{name}","typ":"JWT"}}"#);
        assert_eq!(access.split('.').next().unwrap(), crate::support::mint::encode(header));
        let verifier: Verifier =
            Verifier::builder(VerifyingKey::from_pem(algorithm, public).unwrap())
                .clock(&site.clock)
                .build()
                .unwrap();
        assert_eq!(verifier.verify(&access).unwrap().user_id(), "1");
        assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::OK);

        // A service that only has the public key.
        let jwt = site.builder(&json!({ "ALGORITHM": name, "VERIFYING_KEY": public }));
        let jwt = jwt.build().unwrap();
        jwt.views().unwrap_err();
        assert_eq!(
            jwt.verifier::<tower_jwt_auth::token::NoClaims>()
                .unwrap()
                .verify(&access)
                .unwrap()
                .user_id(),
            "1"
        );
        let theirs = Minter::new(algorithm, private.as_bytes()).token(payload(&access));
        assert_eq!(get_bearer(&app, STATELESS, &theirs).await.body, "1");
        // The public key is not an HMAC secret.
        let forged = token("access", &[]);
        assert_eq!(get_bearer(&app, STATELESS, &forged).await.status, StatusCode::UNAUTHORIZED);
    }
}
