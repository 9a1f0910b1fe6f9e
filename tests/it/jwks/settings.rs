//! Settings that `build` rejects, and what logs and `Debug` show.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, KeySet, SigningKey,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    routes::WellKnownRoutes,
};

use super::{Fixture, UNKNOWN_KEY};
use crate::support::{
    foreign::ForeignKey,
    log::Log,
    provider::{JWKS, Response},
};

fn keys() -> RemoteKeysBuilder {
    RemoteKeys::from_url("https://login.example/keys")
}

#[test]
fn accepts_only_secure_urls() {
    let out_of_range = |builder: RemoteKeysBuilder, what: &str| {
        assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange, "{what}");
    };
    for url in [
        "http://login.example",
        "http://127.0.0.1",
        "login.example",
        "https://",
        "",
        "/keys",
        "https://user@login.example",
        "https://user:password@login.example",
        "https://login.example#fragment",
        "https://login example",
        "https://login.example:port",
        "https://login.example:65536",
        "https://login.example:",
        "ftp://login.example",
    ] {
        out_of_range(RemoteKeys::from_url(url), url);
        out_of_range(RemoteKeys::from_issuer(url), url);
        out_of_range(RemoteKeys::from_certificates_url(url), url);
        out_of_range(RemoteKeys::from_issuer("https://login.example").metadata_url(url), url);
    }
    out_of_range(RemoteKeys::from_issuer("https://login.example?tenant=a"), "query");
    assert!(RemoteKeys::from_url("https://login.example/keys?tenant=a").build().is_ok());
    for (host, is_loopback) in [
        ("127.0.0.1:1", true),
        ("127.1.2.3", true),
        ("[::1]:80", true),
        ("localhost:3000", true),
        ("LOCALHOST", true),
        ("localhost.example", false),
        ("127.0.0.1.example", false),
        ("10.0.0.1", false),
        ("0.0.0.0", false),
        ("[::2]", false),
    ] {
        let builder = RemoteKeys::from_issuer(format!("http://{host}")).insecure_loopback_http();
        assert_eq!(builder.build().is_ok(), is_loopback, "{host}");
    }
}

#[test]
fn rejects_settings_out_of_range() {
    let second = Duration::from_secs(1);
    for (what, builder, kind) in [
        (
            "metadata of a JWK set",
            keys().metadata_url("https://login.example/metadata"),
            ConfigErrorKind::Conflict,
        ),
        (
            "metadata of certificates",
            RemoteKeys::from_certificates_url("https://login.example/keys")
                .metadata_url("https://login.example/metadata"),
            ConfigErrorKind::Conflict,
        ),
        (
            "a malformed metadata URL",
            RemoteKeys::from_issuer("https://login.example").metadata_url("metadata"),
            ConfigErrorKind::OutOfRange,
        ),
        (
            "an empty issuer",
            RemoteKeys::from_issuer("").metadata_url("https://login.example/metadata"),
            ConfigErrorKind::OutOfRange,
        ),
        (
            "JWT-SVID keys in certificates",
            RemoteKeys::from_certificates_url("https://login.example/keys").accept_jwt_svid_keys(),
            ConfigErrorKind::Ineffective,
        ),
        ("no algorithm", keys().algorithms([]), ConfigErrorKind::Ineffective),
        (
            "a shared secret",
            keys().algorithms([Algorithm::ES256, Algorithm::HS256]),
            ConfigErrorKind::Conflict,
        ),
        (
            "refresh_every of zero",
            keys().refresh_every(Duration::ZERO),
            ConfigErrorKind::OutOfRange,
        ),
        ("max_stale below a second", keys().max_stale(second / 2), ConfigErrorKind::OutOfRange),
        ("timeout of zero", keys().timeout(Duration::ZERO), ConfigErrorKind::OutOfRange),
        ("timeout above 30 seconds", keys().timeout(31 * second), ConfigErrorKind::OutOfRange),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{what}");
    }
    let largest = keys()
        .refresh_every(Duration::MAX)
        .max_stale(Duration::MAX)
        .cooldown(Duration::MAX)
        .timeout(30 * second);
    assert!(largest.build().is_ok());
}

#[test]
fn debug_redacts_the_user_and_the_query_of_urls() {
    for url in [
        "https://user:hunter2@login.example/keys",
        "https://hunter2@login.example:8443/keys",
        "https://login.example/keys?key=hunter2",
        "https://us@er:hunter2@login.example/keys",
        "https://login.example:hunter2@/keys",
        "https://user:hunter2@login example/keys",
        "user:hunter2@login.example/keys",
        "hunter2",
    ] {
        for builder in [
            RemoteKeys::from_url(url),
            RemoteKeys::from_issuer(url),
            RemoteKeys::from_certificates_url(url),
            RemoteKeys::from_issuer("https://login.example").metadata_url(url),
        ] {
            let shown = format!("{builder:?} {builder:#?}");
            assert!(!shown.contains("hunter2"), "{shown}");
        }
    }
    let shown = format!("{:?}", RemoteKeys::from_url("https://a:b@login.example:8443/keys?c"));
    assert!(shown.contains("https://login.example:8443/keys\""), "{shown}");
    // The built handle shows its server only.
    let built = RemoteKeys::from_url("https://login.example/keys?key=hunter2").build().unwrap();
    assert!(!format!("{built:?}").contains("hunter2"));
}

#[test]
fn fetched_keys_cannot_be_replaced() {
    let keys = KeySet::from(keys().build().unwrap());
    let signing = SigningKey::generate(Algorithm::ES256).unwrap();
    let error = keys.replace(KeySet::builder().signing_key(signing)).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Conflict);
}

/// Other services would trust this server for the tokens of another issuer.
#[tokio::test]
async fn fetched_keys_are_never_published() {
    let fixture = Fixture::with_keys(&[ForeignKey::generate("one").jwk()]).await;
    let keys = KeySet::from(&fixture.keys);
    assert_eq!(keys.to_jwks(), r#"{"keys":[]}"#);
    let error = WellKnownRoutes::builder(keys).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Ineffective);
}

/// The `kid` of a token is chosen by its sender, so it is neither logged nor shown.
#[tokio::test]
async fn events_describe_fetches_and_never_tokens() {
    let (log, _guard) = Log::collect();
    let key = ForeignKey::generate("kid-of-the-server");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let stranger = ForeignKey::generate("kid-of-a-stranger");
    let token = fixture.token(&stranger);
    assert_eq!(fixture.verify(&token).await, UNKNOWN_KEY);
    fixture.provider.respond(JWKS, Response::status(500));
    assert!(fixture.keys.refresh().await.is_err());
    let lines: Vec<_> =
        log.take().into_iter().filter(|line| line.contains("@tower_jwt_auth")).collect();
    for expected in
        ["the keys have changed", "the keys have not changed", "responded with status 500"]
    {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    let shown =
        format!("{:?} {:?} {:?}", fixture.keys, fixture.verifier, KeySet::from(&fixture.keys));
    for line in lines.iter().chain([&shown]) {
        assert!(!line.contains("stranger") && !line.contains("eyJ"), "{line}");
        assert!(!line.contains("kid-of"), "{line}");
    }
    assert!(shown.contains(&fixture.provider.port().to_string()), "{shown}");
}
