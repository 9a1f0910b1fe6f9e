//! Row 60: settings that are unsafe, contradict each other or protect nothing; and what is shown.

use std::time::Duration;

use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, KeySet, SigningKey,
    jwks::{RemoteKeys, RemoteKeysBuilder},
};

use super::{Scene, UNKNOWN_KEY};
use crate::support::{
    foreign::ForeignKey,
    log::Log,
    provider::{Answer, JWKS},
};

fn keys() -> RemoteKeysBuilder {
    RemoteKeys::from_url("https://login.example/keys")
}

#[test]
fn only_safe_urls_are_accepted() {
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
        "ftp://login.example",
    ] {
        out_of_range(RemoteKeys::from_url(url), url);
        out_of_range(RemoteKeys::from_issuer(url), url);
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
fn settings_without_sense_are_refused() {
    let second = Duration::from_secs(1);
    for (what, builder, kind) in [
        ("no algorithm", keys().algorithms([]), ConfigErrorKind::Ineffective),
        (
            "a shared secret",
            keys().algorithms([Algorithm::ES256, Algorithm::HS256]),
            ConfigErrorKind::Conflict,
        ),
        ("no refresh", keys().refresh_every(Duration::ZERO), ConfigErrorKind::OutOfRange),
        ("no use", keys().max_stale(second / 2), ConfigErrorKind::OutOfRange),
        ("no time", keys().timeout(Duration::ZERO), ConfigErrorKind::OutOfRange),
        ("much time", keys().timeout(31 * second), ConfigErrorKind::OutOfRange),
    ] {
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{what}");
    }
    let widest = keys()
        .refresh_every(Duration::MAX)
        .max_stale(Duration::MAX)
        .cooldown(Duration::MAX)
        .timeout(30 * second);
    assert!(widest.build().is_ok());
}

#[test]
fn fetched_keys_are_not_replaced_by_hand() {
    let keys = KeySet::from(keys().build().unwrap());
    let signing = SigningKey::generate(Algorithm::ES256).unwrap();
    let error = keys.replace(KeySet::builder().signing_key(signing)).unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Conflict);
}

/// Which key a token names is its sender's choice, and never logged or shown.
#[tokio::test]
async fn events_tell_of_fetches_and_of_nothing_in_tokens() {
    let (log, _guard) = Log::collect();
    let key = ForeignKey::generate("kid-of-the-server");
    let scene = Scene::of(&[key.jwk()]).await;
    let stranger = ForeignKey::generate("kid-of-a-stranger");
    let token = scene.token(&stranger);
    assert_eq!(scene.ask(&token).await, UNKNOWN_KEY);
    scene.provider.answer(JWKS, Answer::status(500));
    assert!(scene.keys.refresh().await.is_err());
    let lines: Vec<_> =
        log.take().into_iter().filter(|line| line.contains("@tower_jwt_auth")).collect();
    for expected in
        ["the keys have changed", "the keys have not changed", "responded with status 500"]
    {
        assert!(lines.iter().any(|line| line.contains(expected)), "{expected}: {lines:#?}");
    }
    let shown = format!("{:?} {:?} {:?}", scene.keys, scene.verifier, KeySet::from(&scene.keys));
    for line in lines.iter().chain([&shown]) {
        assert!(!line.contains("stranger") && !line.contains("eyJ"), "{line}");
        assert!(!line.contains("kid-of"), "{line}");
    }
    assert!(shown.contains(&scene.provider.port().to_string()), "{shown}");
}
