//! Opaque tokens in the layer, beside JWTs.

use std::time::Duration;

use http::{Request, header};
use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, JwtAuthLayer, MemoryStore, NumericDate,
    middleware::InvalidToken,
    store::{Consume, Revocation, TokenStore, scoped_user_id},
    token::UserId,
    transport::TokenSource,
};

use super::{Server, TOKEN, active, builder, strict};
use crate::support::{
    app::{
        bearer, layer, request, send, send_once, token, valid_token, with_authorization, with_lines,
    },
    mint::{NOW, clock},
};

fn opaque(server: &Server) -> JwtAuthLayer {
    JwtAuthLayer::from_introspection(strict(server, &clock()))
}

fn both(server: &Server) -> JwtAuthLayer {
    layer().with_introspection(strict(server, &clock())).unwrap()
}

#[tokio::test]
async fn jwts_are_verified_and_other_tokens_introspected() {
    let server = Server::new(active(&json!({})));
    let layer = both(&server);
    let jwt = valid_token();
    assert_eq!(send(&layer, bearer(&jwt)).await.outcome(), Ok("42"));
    let expired = token(&[("exp", "1")]);
    assert_eq!(send(&layer, bearer(&expired)).await.outcome(), Err(AuthErrorKind::Expired));
    let forged = format!("{}AAAA", &jwt[..jwt.len() - 4]);
    assert_eq!(send(&layer, bearer(&forged)).await.outcome(), Err(AuthErrorKind::InvalidSignature));
    assert_eq!(server.calls(), 0);

    let long = "x".repeat(8192);
    let padded = format!("{TOKEN}==");
    let encrypted = "eyJhbGciOiJkaXIiLCJlbmMiOiJBMTI4R0NNIn0..48V1_ALb6US04U3b.5eym8TW_c8SuK0lt.XF";
    let versioned = "v4.public.eyJzdWIiOiJhZGEifQ";
    let tokens = [TOKEN, &long, &padded, encrypted, versioned, "a.b", "eyJhbGciOiJub25lIn0", "-"];
    for (index, opaque) in tokens.into_iter().enumerate() {
        assert_eq!(send(&layer, bearer(opaque)).await.outcome(), Ok("ada"), "{opaque}");
        assert_eq!(server.calls(), index + 1, "{opaque}");
    }
    let too_long = "x".repeat(8193);
    assert_eq!(send(&layer, bearer(&too_long)).await.outcome(), Err(AuthErrorKind::TooLong));
    assert_eq!(server.calls(), tokens.len());
}

#[tokio::test]
async fn all_tokens_may_be_introspected() {
    let server = Server::new(active(&json!({})));
    let layer = opaque(&server);
    assert_eq!(send(&layer, bearer(&valid_token())).await.outcome(), Ok("ada"));
    assert_eq!(send(&layer, bearer(TOKEN)).await.outcome(), Ok("ada"));
    assert_eq!(server.calls(), 2);
    let missing = send(&layer, request()).await;
    assert_eq!(missing.outcome(), Err(AuthErrorKind::MissingCredentials));
}

/// What the grammar of credentials forbids is never sent to the server.
#[tokio::test]
async fn malformed_credentials_are_not_introspected() {
    let server = Server::new(active(&json!({})));
    let spaces = "Bearer a b".to_owned();
    let quoted = "Bearer \"token\"".to_owned();
    let long = format!("Bearer {}!", "x".repeat(100));
    let only_padding = "Bearer ==".to_owned();
    let non_ascii = "Bearer tökén".to_owned();
    for credentials in [spaces, quoted, long, only_padding, non_ascii] {
        for layer in [opaque(&server), both(&server)] {
            let response = send(&layer, with_authorization(&[&credentials])).await;
            assert_eq!(response.outcome(), Err(AuthErrorKind::InvalidRequest), "{credentials}");
        }
    }
    assert_eq!(server.calls(), 0);
}

#[tokio::test]
async fn responses_are_those_of_jwts() {
    let server = Server::new(json!({ "active": false }));
    let rejected = send(&opaque(&server), bearer(TOKEN)).await;
    assert_eq!((rejected.status.as_u16(), rejected.kind()), (401, Some(AuthErrorKind::Inactive)));
    assert_eq!(
        rejected.challenges(),
        ["Bearer realm=\"api\", error=\"invalid_token\", \
          error_description=\"the token is not active\""]
    );
    for status in [401, 403, 404, 500, 503, 302] {
        server.respond(move || Ok(super::status(status)));
        let response = send(&opaque(&server), bearer(TOKEN)).await;
        assert_eq!(response.status, 503);
        assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
        assert_eq!(response.headers[header::RETRY_AFTER], "1");
        assert!(response.challenges().is_empty());
    }
}

#[tokio::test]
async fn tokens_may_be_in_other_places() {
    let server = Server::new(active(&json!({})));
    let name = header::HeaderName::from_static("x-token");
    let sent = with_lines(&name, &[&"x".repeat(100)]);
    let before = layer().with_source(TokenSource::header(name.clone()));
    let before = before.with_introspection(strict(&server, &clock())).unwrap();
    assert_eq!(send(&before, sent.clone()).await.outcome(), Ok("ada"));
    let after = both(&server).with_source(TokenSource::header(name.clone()));
    assert_eq!(send(&after, sent.clone()).await.outcome(), Ok("ada"));
    let added = both(&server).with_additional_source(TokenSource::header(name));
    assert_eq!(send(&added, sent).await.outcome(), Ok("ada"));
}

/// RFC 6750 section 2.3: the query is form-encoded.
#[tokio::test]
async fn a_token_in_the_query_is_decoded() {
    for layer in [opaque, both] {
        let server = Server::new(active(&json!({})));
        let source = TokenSource::insecure_query("access_token").unwrap();
        let layer = layer(&server).with_additional_source(source);
        let uri = |token: &str| Request::get(format!("/?access_token={token}")).body(String::new());
        for token in ["a%2Bb%2fc%3D%3d", "a+b/c==", "%61%2Bb/c%3D="] {
            let response = send(&layer, uri(token).unwrap()).await;
            assert_eq!(response.outcome(), Ok("ada"), "{token}");
        }
        // It is one token, which is introspected once and then known.
        assert_eq!(server.calls(), 1);
        for token in ["a%", "a%2", "a%2G", "a%+2", "a%20b", "a%00", "a%C3%A9", "%3D"] {
            let response = send(&layer, uri(token).unwrap()).await;
            assert_eq!(response.outcome(), Err(AuthErrorKind::InvalidRequest), "{token}");
        }
        // Only the query is encoded.
        let response = send(&layer, bearer("a%2Bb")).await;
        assert_eq!(response.outcome(), Err(AuthErrorKind::InvalidRequest));
        assert_eq!(server.calls(), 1);
    }
}

#[tokio::test]
async fn optional_authentication_and_scopes_work_as_with_jwts() {
    let server = Server::new(json!({ "active": false }));
    let optional = opaque(&server).with_optional(InvalidToken::Ignore);
    assert_eq!(send(&optional, bearer(TOKEN)).await.status, 200);
    server.respond_json(active(&json!({})));
    let write = opaque(&server).with_required_scope("write").unwrap();
    assert_eq!(send(&write, bearer(TOKEN)).await.outcome(), Ok("ada"));
    let admin = opaque(&server).with_required_scope("admin").unwrap();
    let rejected = send(&admin, bearer(TOKEN)).await;
    assert_eq!(rejected.outcome(), Err(AuthErrorKind::InsufficientScope));
}

/// Users are those of the `iss` of the response, also beside an issuer's own tokens.
#[tokio::test]
async fn a_revocation_in_the_store_rejects_cached_tokens() {
    let (now, keep_until) = (NumericDate::from_secs(NOW), NumericDate::from_secs(NOW + 100_000));
    let ada = scoped_user_id("https://login.example", &UserId::from("ada"));
    let revoked = Err(AuthErrorKind::Revoked);
    for layer in [opaque, both] {
        let (server, store) = (Server::new(active(&json!({}))), MemoryStore::new());
        let layer = layer(&server).with_revocation_check(store.clone());
        assert_eq!(send(&layer, bearer(TOKEN)).await.outcome(), Ok("ada"));
        let other = scoped_user_id("https://other.example", &UserId::from("ada"));
        let revocation = Revocation::User { user_id: &other, except: None, keep_until };
        store.revoke(&revocation, now).await.unwrap();
        assert_eq!(send(&layer, bearer(TOKEN)).await.outcome(), Ok("ada"));
        let token = Consume::token("4c6a8b1f", &ada, now, keep_until);
        store.consume(&token, now).await.unwrap();
        assert_eq!(send(&layer, bearer(TOKEN)).await.outcome(), revoked);

        server.respond_json(active(&json!({ "jti": null })));
        assert_eq!(send(&layer, bearer("another")).await.outcome(), Ok("ada"));
        let revocation = Revocation::User { user_id: &ada, except: None, keep_until };
        store.revoke(&revocation, now).await.unwrap();
        assert_eq!(send(&layer, bearer("another")).await.outcome(), revoked);
        // A response without `iat` counts as older than every revocation.
        server.respond_json(active(&json!({ "jti": null, "iat": null })));
        assert_eq!(
            send(&layer, bearer("without iat".split(' ').next().unwrap())).await.outcome(),
            revoked
        );
    }
}

/// A user of an authorization server without `iss` must not be confused with one that has it.
#[tokio::test]
async fn a_response_without_iss_is_that_of_no_issuer() {
    let (now, keep_until) = (NumericDate::from_secs(NOW), NumericDate::from_secs(NOW + 100_000));
    let (server, store) = (Server::new(active(&json!({ "iss": null }))), MemoryStore::new());
    let introspection = builder(&server, &clock()).build().unwrap();
    let layer = JwtAuthLayer::from_introspection(introspection);
    let layer = layer.with_revocation_check(store.clone());
    let ada = scoped_user_id("https://login.example", &UserId::from("ada"));
    let revocation = Revocation::User { user_id: &ada, except: None, keep_until };
    store.revoke(&revocation, now).await.unwrap();
    assert_eq!(send(&layer, bearer(TOKEN)).await.outcome(), Ok("ada"));
    let ada = UserId::from("ada");
    let revocation = Revocation::User { user_id: &ada, except: None, keep_until };
    store.revoke(&revocation, now).await.unwrap();
    let outcome = send(&layer, bearer(TOKEN)).await;
    assert_eq!(outcome.outcome(), Err(AuthErrorKind::Revoked));
}

#[tokio::test]
async fn a_request_waits_for_the_server() {
    let server = Server::holding(active(&json!({})));
    let layer = opaque(&server);
    let waiting = send_once(&layer, bearer(TOKEN));
    let release = async {
        tokio::time::sleep(Duration::from_millis(1)).await;
        server.release(1);
    };
    let (response, ()) = futures::join!(waiting, release);
    assert_eq!(response.outcome(), Ok("ada"));
}
