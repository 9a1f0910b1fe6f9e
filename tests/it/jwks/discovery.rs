//! Keys found through the metadata of their issuer.

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Verifier,
    jwks::{FetchErrorKind, RemoteKeys},
    token::TokenProfile,
};

use super::{outcome, provider_with};
use crate::support::{
    foreign::{API, ForeignKey},
    mint::clock,
    provider::{JWKS, OAUTH, OPENID, Provider, Response},
};

fn keys_of(issuer: &str) -> RemoteKeys {
    RemoteKeys::from_issuer(issuer).insecure_loopback_http().clock(clock()).build().unwrap()
}

/// A verifier without an issuer setting of its own.
fn verifier(keys: &RemoteKeys) -> Verifier {
    Verifier::builder(keys)
        .audience(API)
        .profile(TokenProfile::Rfc9068)
        .clock(clock())
        .build()
        .unwrap()
}

async fn rejected(provider: &Provider, metadata: &Value) -> FetchErrorKind {
    provider.respond(OPENID, Response::json(metadata));
    keys_of(&provider.issuer()).refresh().await.unwrap_err().kind()
}

#[tokio::test]
async fn discovered_keys_verify_tokens_of_their_issuer_only() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    provider.publish_metadata();
    let issuer = provider.issuer();
    let keys = keys_of(&issuer);
    let verifier = verifier(&keys);
    assert_eq!(outcome(verifier.verify_async(&key.token(&issuer)).await), Ok(()));
    assert_eq!(provider.requested_paths(), [OPENID, JWKS]);
    for other in ["https://other.example", &format!("{issuer}/"), ""] {
        let rejected = outcome(verifier.verify_async(&key.token(other)).await);
        assert_eq!(rejected, Err(AuthErrorKind::WrongIssuer));
    }
    let builder = Verifier::builder(&keys).issuer("https://other.example");
    assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Conflict);
    assert!(Verifier::builder(&keys).issuer(issuer).build().is_ok());
}

#[tokio::test]
async fn metadata_is_fetched_from_both_standard_locations() {
    for (path, slash) in [("", ""), ("", "/"), ("/tenant/a", ""), ("/tenant/a", "/")] {
        for (location, requests) in [(format!("{path}{OPENID}"), 1), (format!("{OAUTH}{path}"), 2)]
        {
            let provider = provider_with(&[]);
            let issuer = format!("{}{path}{slash}", provider.issuer());
            let metadata = json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
            provider.respond(&location, Response::json(&metadata));
            keys_of(&issuer).refresh().await.unwrap();
            assert_eq!(provider.count(&location), 1, "{issuer}");
            assert_eq!(provider.requested_paths().len(), requests + 1, "{issuer}");
        }
    }
}

#[tokio::test]
async fn the_second_location_is_used_only_if_the_first_is_missing() {
    for status in [301, 500, 503] {
        let provider = provider_with(&[]);
        provider.respond(OPENID, Response::status(status));
        let metadata = json!({ "issuer": provider.issuer(), "jwks_uri": provider.url(JWKS) });
        provider.respond(OAUTH, Response::json(&metadata));
        assert!(keys_of(&provider.issuer()).refresh().await.is_err());
        assert_eq!(provider.count(OAUTH), 0, "{status}");
    }
    let empty = Provider::start();
    let error = keys_of(&empty.issuer()).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Status(http::StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn metadata_must_name_exactly_the_issuer() {
    let provider = provider_with(&[]);
    let issuer = provider.issuer();
    let metadata = |issuer: &str| json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
    for other in [
        "https://other.example",
        &format!("{issuer}/"),
        &issuer.to_uppercase(),
        &issuer.replace("127.0.0.1", "localhost"),
        &format!("{issuer} "),
        "",
    ] {
        assert_eq!(rejected(&provider, &metadata(other)).await, FetchErrorKind::WrongIssuer);
    }
    assert_eq!(provider.count(JWKS), 0);
}

#[tokio::test]
async fn rejects_insecure_jwks_urls() {
    let provider = provider_with(&[]);
    for url in [
        "http://keys.example/jwks",
        "http://127.0.0.1.example/jwks",
        "http://10.0.0.1/jwks",
        "ftp://127.0.0.1/jwks",
        "file:///etc/keys.json",
        "/jwks",
        "jwks",
        "",
        "https:///jwks",
        "https://user:password@keys.example/jwks",
        "https://keys.example/jwks#one",
    ] {
        let metadata = json!({ "issuer": provider.issuer(), "jwks_uri": url });
        assert_eq!(rejected(&provider, &metadata).await, FetchErrorKind::InsecureUrl, "{url}");
    }
    assert_eq!(provider.count(JWKS), 0);
}

#[tokio::test]
async fn rejects_malformed_metadata() {
    let provider = provider_with(&[]);
    let (issuer, url) = (provider.issuer(), provider.url(JWKS));
    for metadata in [
        Value::Null,
        json!([]),
        json!([issuer, url]),
        json!({}),
        json!({ "issuer": issuer }),
        json!({ "jwks_uri": url }),
        json!({ "issuer": [issuer], "jwks_uri": url }),
        json!({ "issuer": issuer, "jwks_uri": null }),
    ] {
        let kind = rejected(&provider, &metadata).await;
        assert_eq!(kind, FetchErrorKind::Malformed, "{metadata}");
    }
    let duplicate = format!(r#"{{"issuer":"x","issuer":{issuer:?},"jwks_uri":{url:?}}}"#);
    provider.respond(OPENID, Response::text(duplicate));
    assert_eq!(keys_of(&issuer).refresh().await.unwrap_err().kind(), FetchErrorKind::Malformed);
    provider.respond(OPENID, Response::Endless(" "));
    assert_eq!(keys_of(&issuer).refresh().await.unwrap_err().kind(), FetchErrorKind::TooLarge);
}

/// Even if the document at the new URL has the entity tag of the old one.
#[tokio::test]
async fn follows_a_changed_jwks_url() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let provider = provider_with(&[]);
    let tagged = |key: &ForeignKey| {
        Response::Tagged("\"1\"", json!({ "keys": [key.jwk()] }).to_string().into_bytes())
    };
    provider.respond(JWKS, tagged(&one));
    provider.publish_metadata();
    let issuer = provider.issuer();
    let verifier = verifier(&keys_of(&issuer));
    assert_eq!(outcome(verifier.verify_async(&one.token(&issuer)).await), Ok(()));
    let moved = json!({ "issuer": issuer, "jwks_uri": provider.url("/moved") });
    provider.respond(OPENID, Response::json(&moved));
    provider.respond("/moved", tagged(&two));
    assert_eq!(outcome(verifier.verify_async(&two.token(&issuer)).await), Ok(()));
}
