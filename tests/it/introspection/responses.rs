//! What a response must look like, and the rules for its members.

use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{AuthErrorKind, introspection::IntrospectionErrorKind};

use super::{Server, TOKEN, active, builder, cause, json_response, outcome, outcome_of, strict};
use crate::support::mint::{NOW, clock};

const ADA: Result<&str, AuthErrorKind> = Ok("ada");

async fn assert_outcome(changes: Value, expected: Result<&str, AuthErrorKind>) {
    let outcome = outcome_of(active(&changes)).await;
    assert_eq!(outcome.as_deref(), expected.as_ref().map(|id| *id), "{changes}");
}

#[tokio::test]
async fn accepts_active_tokens() {
    assert_outcome(json!({}), ADA).await;
    assert_outcome(json!({ "aud": ["other", "https://api.example"] }), ADA).await;
    for omitted in ["exp", "iat", "jti", "scope", "client_id", "username", "token_type"] {
        assert_outcome(json!({ omitted: null }), ADA).await;
    }
    for token_type in ["Bearer", "bearer", "access_token", "access"] {
        assert_outcome(json!({ "token_type": token_type }), ADA).await;
    }
}

#[tokio::test]
async fn reads_claims_from_the_response() {
    #[derive(Deserialize)]
    struct Member {
        username: String,
        client_id: String,
    }

    let response = active(&json!({ "sid": "s1" }));
    let server = Server::new(response.clone());
    let introspection = builder(&server, &clock()).claims::<Member>().build().unwrap();
    let claims = introspection.introspect(TOKEN).await.unwrap();
    assert_eq!((&*claims.username, &*claims.client_id), ("Ada", "app"));
    assert_eq!(claims.user_id(), "ada");
    assert_eq!(claims.subject(), Some("ada"));
    assert_eq!(claims.jti(), Some("4c6a8b1f"));
    assert_eq!(claims.session_id(), Some("s1"));
    assert_eq!(claims.issuer(), Some("https://login.example"));
    assert_eq!(claims.expires_at().as_secs(), NOW + 100_000);
    assert!(claims.has_scope("read") && claims.has_scope("write") && !claims.has_scope("admin"));
    assert_eq!(serde_json::from_str::<Value>(claims.json()).unwrap(), response);

    server.respond_json(active(&json!({ "username": null })));
    let error = introspection.introspect("another").await.unwrap_err();
    assert_eq!((error.kind(), error.member()), (AuthErrorKind::InvalidClaims, Some("username")));
}

#[tokio::test]
async fn the_user_id_may_be_another_member_or_absent() {
    let server = Server::new(active(&json!({ "sub": null })));
    let by_name = builder(&server, &clock()).user_id_member("username").build().unwrap();
    assert_eq!(outcome(by_name.introspect(TOKEN).await), Ok("Ada".to_owned()));
    let optional = builder(&server, &clock()).optional_user_id().build().unwrap();
    assert_eq!(outcome(optional.introspect(TOKEN).await), Ok(String::new()));
    let required = builder(&server, &clock()).build().unwrap();
    let error = required.introspect(TOKEN).await.unwrap_err();
    assert_eq!((error.kind(), error.member()), (AuthErrorKind::InvalidClaims, Some("sub")));
}

#[tokio::test]
async fn rejects_inactive_tokens() {
    assert_eq!(outcome_of(json!({ "active": false })).await, Err(AuthErrorKind::Inactive));
    assert_outcome(json!({ "active": false }), Err(AuthErrorKind::Inactive)).await;
}

#[tokio::test]
async fn rejects_tokens_that_break_a_rule() {
    use AuthErrorKind::{
        Expired, InvalidClaims, NotYetValid, WrongAudience, WrongIssuer, WrongTokenType,
    };
    for (changes, kind) in [
        (json!({ "exp": NOW }), Expired),
        (json!({ "nbf": NOW + 61 }), NotYetValid),
        (json!({ "iat": NOW + 61 }), NotYetValid),
        (json!({ "iss": "https://other.example" }), WrongIssuer),
        (json!({ "iss": "https://login.example/" }), WrongIssuer),
        (json!({ "iss": null }), WrongIssuer),
        (json!({ "aud": "https://other.example" }), WrongAudience),
        (json!({ "aud": [] }), WrongAudience),
        (json!({ "aud": null }), WrongAudience),
        (json!({ "token_type": "refresh_token" }), WrongTokenType),
        (json!({ "token_use": "refresh_token" }), WrongTokenType),
        (json!({ "typ": "ID" }), WrongTokenType),
        (json!({ "nonce": "n", "token_type": null }), WrongTokenType),
        (json!({ "events": {} }), WrongTokenType),
        (json!({ "sub": null }), InvalidClaims),
        (json!({ "sub": "" }), InvalidClaims),
        (json!({ "cnf": { "jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I" } }), InvalidClaims),
        (json!({ "cnf": {} }), InvalidClaims),
    ] {
        assert_outcome(changes, Err(kind)).await;
    }
    for accepted in [json!({ "exp": NOW + 1 }), json!({ "nbf": NOW + 60 })] {
        assert_outcome(accepted, ADA).await;
    }
}

#[tokio::test]
async fn requires_members_and_runs_checks() {
    let server = Server::new(active(&json!({})));
    let introspection = builder(&server, &clock()).require_member("tenant").build().unwrap();
    let error = introspection.introspect(TOKEN).await.unwrap_err();
    assert_eq!((error.kind(), error.member()), (AuthErrorKind::InvalidClaims, Some("tenant")));
    let check = |subject| {
        let builder = builder(&server, &clock());
        builder.check(move |claims| claims.subject() == Some(subject)).build().unwrap()
    };
    assert_eq!(outcome(check("ada").introspect(TOKEN).await), Ok("ada".to_owned()));
    let rejected = check("bob").introspect(TOKEN).await;
    assert_eq!(outcome(rejected), Err(AuthErrorKind::CheckFailed));
}

#[tokio::test]
async fn without_an_audience_any_is_accepted() {
    for aud in [json!(null), json!("https://other.example"), json!(["a", "b"])] {
        let server = Server::new(active(&json!({ "aud": aud })));
        let introspection = builder(&server, &clock()).build().unwrap();
        assert_eq!(outcome(introspection.introspect(TOKEN).await), Ok("ada".to_owned()));
    }
}

#[tokio::test]
async fn a_malformed_response_is_an_outage() {
    let malformed = [
        String::new(),
        "null".to_owned(),
        "true".to_owned(),
        "[]".to_owned(),
        json!([
            true,
            NOW + 60,
            NOW,
            NOW,
            "read",
            "aud",
            "client",
            "ada",
            "Bearer",
            "ada",
            "iss",
            "id"
        ])
        .to_string(),
        "{}".to_owned(),
        r#"{"active":true}{"active":true}"#.to_owned(),
        r#"{"active":true,"sub":"ada","sub":"bob"}"#.to_owned(),
        r#"{"active":true,"sub":"ada","x":1,"x":2}"#.to_owned(),
        r#"{"active":false,"active":true,"sub":"ada"}"#.to_owned(),
        r#"{"active":false,"\u0061ctive":true,"sub":"ada"}"#.to_owned(),
        r#"{"Active":true,"sub":"ada"}"#.to_owned(),
        active(&json!({ "active": "true" })).to_string(),
        active(&json!({ "active": 1 })).to_string(),
        active(&json!({ "active": [true] })).to_string(),
        active(&json!({ "active": null })).to_string(),
        active(&json!({ "exp": "soon" })).to_string(),
        active(&json!({ "exp": NOW.to_string() })).to_string(),
        active(&json!({ "iat": true })).to_string(),
        active(&json!({ "nbf": {} })).to_string(),
        active(&json!({ "sub": 42 })).to_string(),
        active(&json!({ "iss": ["https://login.example"] })).to_string(),
        active(&json!({ "aud": { "https://api.example": true } })).to_string(),
        active(&json!({ "scope": 7 })).to_string(),
        active(&json!({ "client_id": 7 })).to_string(),
        active(&json!({ "username": 7 })).to_string(),
        active(&json!({ "token_type": 7 })).to_string(),
        active(&json!({ "jti": 7 })).to_string(),
    ];
    for json in malformed {
        let server = Server::new(json!({}));
        let body = json.clone();
        server.respond(move || Ok(json_response(body.clone())));
        let introspected = strict(&server, &clock()).introspect(TOKEN).await;
        assert_eq!(cause(introspected), IntrospectionErrorKind::Malformed, "{json}");
    }
}

/// A JSON `null` counts as an absent member, except for `active`.
#[tokio::test]
async fn null_is_no_value() {
    let mut response = active(&json!({ "iat": null }));
    response["iat"] = Value::Null;
    assert_eq!(outcome_of(response).await, Err(AuthErrorKind::InvalidClaims));
    let mut response = active(&json!({}));
    response["aud"] = Value::Null;
    assert_eq!(outcome_of(response).await, Err(AuthErrorKind::InvalidClaims));
}

#[tokio::test]
async fn a_response_without_an_issuer_has_the_default_one() {
    for (iss, expected) in [
        (Value::Null, "https://default.example"),
        (json!("https://login.example"), "https://login.example"),
    ] {
        let server = Server::new(active(&json!({ "iss": iss })));
        let introspection = builder(&server, &clock()).default_issuer("https://default.example");
        let claims = introspection.build().unwrap().introspect(TOKEN).await.unwrap();
        assert_eq!(claims.issuer(), Some(expected));
    }
}
