//! Keys found through the metadata of their issuer.

use std::error::Error;

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Verifier,
    jwks::{FetchErrorKind, RemoteKeys},
    token::TokenProfile,
};

use super::{outcome, provider_with};
use crate::support::{
    foreign::{API, ForeignKey},
    log::Log,
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

/// The locations of the metadata of an issuer with this path, in the order of the requests.
fn locations(path: &str) -> Vec<String> {
    let mut all = vec![format!("{path}{OPENID}"), format!("{OAUTH}{path}")];
    if !path.is_empty() {
        all.push(format!("{OPENID}{path}"));
    }
    all
}

#[tokio::test]
async fn metadata_is_fetched_from_the_standard_locations() {
    for (path, slash) in [("", ""), ("", "/"), ("/tenant/a", ""), ("/tenant/a", "/")] {
        for (index, location) in locations(path).iter().enumerate() {
            let provider = provider_with(&[ForeignKey::generate("one").jwk()]);
            let issuer = format!("{}{path}{slash}", provider.issuer());
            let metadata = json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
            provider.respond(location, Response::json(&metadata));
            keys_of(&issuer).refresh().await.unwrap();
            let mut expected = locations(path)[..=index].to_vec();
            expected.push(JWKS.to_owned());
            assert_eq!(provider.requested_paths(), expected, "{issuer}");
        }
    }
}

/// Applications respond with their start page to unknown paths, gateways with a redirect or an error.
#[tokio::test]
async fn a_response_without_metadata_is_a_miss() {
    let html = "<!doctype html><title>Shop</title>";
    let misses = [
        Response::text(html),
        Response::text(html.repeat(20_000)),
        Response::with_headers("content-encoding: gzip\r\n", &json!({})),
        Response::json(&json!({})),
        Response::json(&json!([])),
        Response::json(&json!({ "issuer": "https://other.example", "jwks_uri": "https://a" })),
        Response::status(204),
        Response::status(301),
        Response::Complete(302, "location: /login\r\n".to_owned(), Vec::new()),
        Response::status(401),
        Response::status(404),
        Response::status(500),
        Response::status(503),
    ];
    for (number, miss) in misses.into_iter().enumerate() {
        let provider = provider_with(&[ForeignKey::generate("one").jwk()]);
        let issuer = provider.url("/a");
        let [first, second, third] = <[_; 3]>::try_from(locations("/a")).unwrap();
        provider.respond(&first, miss.clone());
        provider.respond(&second, miss);
        let metadata = json!({ "issuer": issuer, "jwks_uri": provider.url(JWKS) });
        provider.respond(&third, Response::json(&metadata));
        let refreshed = keys_of(&issuer).refresh().await;
        assert!(refreshed.is_ok(), "miss {number}: {refreshed:?}");
    }
}

#[tokio::test]
async fn the_most_specific_error_is_returned() {
    let html = Response::text("<!doctype html>");
    let of_other = Response::json(&json!({ "issuer": "https://b", "jwks_uri": "https://b" }));
    let missing = Response::status(404);
    let status = |status| FetchErrorKind::Status(http::StatusCode::from_u16(status).unwrap());
    for (first, second, kind) in [
        (missing.clone(), missing.clone(), status(404)),
        (missing.clone(), Response::status(403), status(404)),
        (missing.clone(), Response::status(500), status(500)),
        (html.clone(), missing.clone(), FetchErrorKind::Malformed),
        (Response::status(500), html.clone(), FetchErrorKind::Malformed),
        (html.clone(), of_other.clone(), FetchErrorKind::WrongIssuer),
        (of_other.clone(), html.clone(), FetchErrorKind::WrongIssuer),
    ] {
        let provider = Provider::start();
        provider.respond(OPENID, first);
        provider.respond(OAUTH, second);
        let error = keys_of(&provider.issuer()).refresh().await.unwrap_err();
        assert_eq!(error.kind(), kind);
        assert_eq!(provider.requested_paths(), [OPENID, OAUTH]);
    }
    // A server that hangs up does so at every location.
    let provider = Provider::start();
    provider.respond(OPENID, Response::HangUp);
    let error = keys_of(&provider.issuer()).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Connection);
    assert_eq!(provider.requested_paths(), [OPENID]);
}

/// Auth0's issuers end with a slash, and their metadata is at the same URL without it.
#[tokio::test]
async fn the_error_for_another_issuer_names_both() {
    let (log, _guard) = Log::collect();
    let provider = Provider::start();
    let issuer = provider.issuer();
    let found = format!("{issuer}/");
    let metadata = json!({ "issuer": found, "jwks_uri": provider.url(JWKS) });
    provider.respond(OPENID, Response::json(&metadata));
    let error = keys_of(&issuer).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::WrongIssuer);
    let cause = error.source().unwrap().to_string();
    let both = format!("expected the issuer {issuer:?}, but the metadata names {found:?}");
    assert_eq!(cause, both);
    assert!(log.take().iter().any(|line| line.contains(&both)));
    // What the server sends is cut and escaped.
    let metadata = json!({ "issuer": format!("\n{}", "x".repeat(9999)), "jwks_uri": "https://a" });
    provider.respond(OPENID, Response::json(&metadata));
    let error = keys_of(&issuer).refresh().await.unwrap_err();
    let cause = error.source().unwrap().to_string();
    assert!(cause.contains(r#""\nxxx"#) && cause.len() < 500, "{cause}");
}

/// For example an issuer that browsers know by another name than this service.
#[tokio::test]
async fn metadata_can_be_at_another_url_than_the_issuer() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    for issuer in ["https://login.example/realms/shop", "http://localhost:8080", "accounts.example"]
    {
        let at = |named: &str| {
            let metadata = json!({ "issuer": named, "jwks_uri": provider.url(JWKS) });
            provider.respond("/metadata", Response::json(&metadata));
            RemoteKeys::from_issuer(issuer)
                .metadata_url(provider.url("/metadata"))
                .insecure_loopback_http()
                .clock(clock())
                .build()
                .unwrap()
        };
        let verifier = verifier(&at(issuer));
        assert_eq!(outcome(verifier.verify_async(&key.token(issuer)).await), Ok(()));
        let other = outcome(verifier.verify(&key.token(&provider.issuer())));
        assert_eq!(other, Err(AuthErrorKind::WrongIssuer));
        // The metadata must still name the issuer.
        let error = at(&provider.issuer()).refresh().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::WrongIssuer);
    }
    assert!(!provider.requested_paths().iter().any(|path| path.contains(".well-known")));
}

/// `0.0.0.0` is another name of this machine that is not a loopback address.
#[tokio::test]
async fn insecure_http_allows_every_host() {
    let key = ForeignKey::generate("one");
    let provider = provider_with(&[key.jwk()]);
    let base = format!("http://0.0.0.0:{}", provider.port());
    let issuer = "http://localhost:8080/realms/shop";
    let metadata = json!({ "issuer": issuer, "jwks_uri": format!("{base}{JWKS}") });
    provider.respond("/metadata", Response::json(&metadata));
    for builder in [
        RemoteKeys::from_url(format!("{base}{JWKS}")),
        RemoteKeys::from_issuer(issuer).metadata_url(format!("{base}/metadata")),
    ] {
        let keys = builder.insecure_http().insecure_loopback_http().clock(clock()).build().unwrap();
        let verifier = super::verifier(&keys, issuer, &clock());
        assert_eq!(outcome(verifier.verify_async(&key.token(issuer)).await), Ok(()));
    }
    let strict = [
        RemoteKeys::from_url(format!("{base}{JWKS}")),
        RemoteKeys::from_issuer(&*base),
        RemoteKeys::from_certificates_url(&*base),
        RemoteKeys::from_issuer("https://login.example").metadata_url(&*base),
    ];
    for builder in strict {
        let error = builder.insecure_loopback_http().build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
    // The metadata may name an insecure URL only with the same setting.
    let keys = RemoteKeys::from_issuer(issuer)
        .metadata_url(provider.url("/metadata"))
        .insecure_loopback_http()
        .build()
        .unwrap();
    assert_eq!(keys.refresh().await.unwrap_err().kind(), FetchErrorKind::InsecureUrl);
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
