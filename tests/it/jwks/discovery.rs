//! Keys found by the name of their issuer.

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Verifier,
    jwks::{FetchErrorKind, RemoteKeys},
    token::TokenProfile,
};

use super::{outcome, publishing};
use crate::support::{
    foreign::{API, ForeignKey},
    mint::clock,
    provider::{Answer, JWKS, OAUTH, OPENID, Provider},
};

fn of(issuer: &str) -> RemoteKeys {
    RemoteKeys::from_issuer(issuer).insecure_loopback_http().clock(clock()).build().unwrap()
}

/// A verifier that was not told which issuer to require.
fn verifier(keys: &RemoteKeys) -> Verifier {
    Verifier::builder(keys)
        .audience(API)
        .profile(TokenProfile::Rfc9068)
        .clock(clock())
        .build()
        .unwrap()
}

async fn refused(provider: &Provider, metadata: &Value) -> FetchErrorKind {
    provider.answer(OPENID, Answer::json(metadata));
    of(&provider.issuer()).refresh().await.unwrap_err().kind()
}

#[tokio::test]
async fn keys_are_found_and_serve_their_issuer_only() {
    let key = ForeignKey::generate("one");
    let provider = publishing(&[key.jwk()]);
    provider.describe();
    let issuer = provider.issuer();
    let keys = of(&issuer);
    let verifier = verifier(&keys);
    assert_eq!(outcome(verifier.verify_async(&key.token(&issuer)).await), Ok(()));
    assert_eq!(provider.paths(), [OPENID, JWKS]);
    for other in ["https://other.example", &format!("{issuer}/"), ""] {
        let refused = outcome(verifier.verify_async(&key.token(other)).await);
        assert_eq!(refused, Err(AuthErrorKind::WrongIssuer));
    }
    let builder = Verifier::builder(&keys).issuer("https://other.example");
    assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Conflict);
    assert!(Verifier::builder(&keys).issuer(issuer).build().is_ok());
}

#[tokio::test]
async fn metadata_stand_where_the_standards_say() {
    for (path, slash) in [("", ""), ("", "/"), ("/tenant/a", ""), ("/tenant/a", "/")] {
        for (place, tried) in [(format!("{path}{OPENID}"), 1), (format!("{OAUTH}{path}"), 2)] {
            let provider = publishing(&[]);
            let issuer = format!("{}{path}{slash}", provider.issuer());
            let metadata = json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
            provider.answer(&place, Answer::json(&metadata));
            of(&issuer).refresh().await.unwrap();
            assert_eq!(provider.count(&place), 1, "{issuer}");
            assert_eq!(provider.paths().len(), tried + 1, "{issuer}");
        }
    }
}

#[tokio::test]
async fn only_what_is_missing_is_looked_for_elsewhere() {
    for status in [301, 500, 503] {
        let provider = publishing(&[]);
        provider.answer(OPENID, Answer::status(status));
        let metadata = json!({ "issuer": provider.issuer(), "jwks_uri": provider.url(JWKS) });
        provider.answer(OAUTH, Answer::json(&metadata));
        assert!(of(&provider.issuer()).refresh().await.is_err());
        assert_eq!(provider.count(OAUTH), 0, "{status}");
    }
    let nothing = Provider::start();
    let error = of(&nothing.issuer()).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Status(http::StatusCode::NOT_FOUND));
}

#[tokio::test]
async fn metadata_must_name_exactly_the_issuer() {
    let provider = publishing(&[]);
    let issuer = provider.issuer();
    let of_issuer = |issuer: &str| json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
    for other in [
        "https://other.example",
        &format!("{issuer}/"),
        &issuer.to_uppercase(),
        &issuer.replace("127.0.0.1", "localhost"),
        &format!("{issuer} "),
        "",
    ] {
        assert_eq!(refused(&provider, &of_issuer(other)).await, FetchErrorKind::WrongIssuer);
    }
    assert_eq!(provider.count(JWKS), 0);
}

#[tokio::test]
async fn keys_never_travel_over_unsafe_ways() {
    let provider = publishing(&[]);
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
        assert_eq!(refused(&provider, &metadata).await, FetchErrorKind::InsecureUrl, "{url}");
    }
    assert_eq!(provider.count(JWKS), 0);
}

#[tokio::test]
async fn what_is_no_metadata_is_refused() {
    let provider = publishing(&[]);
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
        let kind = refused(&provider, &metadata).await;
        assert_eq!(kind, FetchErrorKind::Malformed, "{metadata}");
    }
    let twice = format!(r#"{{"issuer":"x","issuer":{issuer:?},"jwks_uri":{url:?}}}"#);
    provider.answer(OPENID, Answer::text(twice));
    assert_eq!(of(&issuer).refresh().await.unwrap_err().kind(), FetchErrorKind::Malformed);
    provider.answer(OPENID, Answer::Endless(" "));
    assert_eq!(of(&issuer).refresh().await.unwrap_err().kind(), FetchErrorKind::TooLarge);
}

/// Also to where a document has the tag that the old one had.
#[tokio::test]
async fn keys_may_move() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let provider = publishing(&[]);
    let tagged = |key: &ForeignKey| {
        Answer::Tagged("\"1\"", json!({ "keys": [key.jwk()] }).to_string().into_bytes())
    };
    provider.answer(JWKS, tagged(&one));
    provider.describe();
    let issuer = provider.issuer();
    let verifier = verifier(&of(&issuer));
    assert_eq!(outcome(verifier.verify_async(&one.token(&issuer)).await), Ok(()));
    let moved = json!({ "issuer": issuer, "jwks_uri": provider.url("/moved") });
    provider.answer(OPENID, Answer::json(&moved));
    provider.answer("/moved", tagged(&two));
    assert_eq!(outcome(verifier.verify_async(&two.token(&issuer)).await), Ok(()));
}
