//! Several sources of keys for one issuer.

use std::time::Duration;

use futures::FutureExt;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ConfigErrorKind, Verifier, VerifyingKey,
    token::{TokenProfile, VerifierBuilder},
};

use super::{
    Fixture, INVALID_SIGNATURE, Outcome, UNAVAILABLE, UNKNOWN_KEY, outcome, provider_with,
};
use crate::support::{
    foreign::{API, ForeignKey},
    keys,
    mint::{Minter, NOW, clock},
    provider::{JWKS, Response},
};

const EXPIRED: Outcome = Err(AuthErrorKind::Expired);

fn with_secret(issuer: &str) -> VerifierBuilder {
    let secret = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    Verifier::builder(secret)
        .issuer(issuer)
        .audience("old")
        .profile(TokenProfile::Plain)
        .clock(clock())
}

/// A verifier for the tokens of a shared secret and for those of published keys.
fn both(fixture: &Fixture) -> Verifier {
    let old = with_secret(&fixture.provider.issuer()).build().unwrap();
    Verifier::any_of([old, fixture.verifier.clone()]).unwrap()
}

/// A token signed with the secret.
fn old_token(issuer: &str, changes: &Value) -> String {
    let mut claims = json!({ "iss": issuer, "aud": "old", "sub": "ada", "exp": NOW + 300 });
    let changes = changes.as_object().unwrap().clone();
    claims.as_object_mut().unwrap().extend(changes);
    Minter::hs256().token(claims.to_string())
}

/// Supabase changes from HS256 to ES256 in this way.
#[tokio::test]
async fn each_token_is_verified_by_the_verifier_that_has_its_key() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let verifier = both(&fixture);
    let issuer = fixture.provider.issuer();
    let (old, new) = (old_token(&issuer, &json!({})), fixture.token(&key));
    for _ in 0..3 {
        assert_eq!(outcome(verifier.verify(&old)), Ok(()));
        assert_eq!(outcome(verifier.verify(&new)), Ok(()));
    }
    assert_eq!((verifier.cache_stats().hits, verifier.cache_stats().misses), (2, 1));
    // The rules of one verifier do not apply to the tokens of the other.
    for (token, expected) in [
        (old_token(&issuer, &json!({ "aud": API })), Err(AuthErrorKind::WrongAudience)),
        (old_token(&issuer, &json!({ "exp": NOW })), EXPIRED),
        (old_token(&issuer, &json!({ "iss": "other" })), Err(AuthErrorKind::WrongIssuer)),
        (key.token_with(&issuer, &json!({ "aud": "old" })), Err(AuthErrorKind::WrongAudience)),
        (key.token_with(&issuer, &json!({ "exp": NOW - 1, "iat": NOW - 2 })), EXPIRED),
        (key.token("other"), Err(AuthErrorKind::WrongIssuer)),
    ] {
        assert_eq!(outcome(verifier.verify_async(&token).await), expected);
    }
    assert_eq!(fixture.fetches(), 1);
}

/// The algorithm belongs to the key, whichever verifier has it.
#[tokio::test]
async fn no_key_is_used_with_the_algorithm_of_another() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let verifier = both(&fixture);
    let issuer = fixture.provider.issuer();
    let claims = json!({
        "iss": issuer, "aud": ["old", API], "sub": "ada", "client_id": "app", "jti": "1",
        "iat": NOW, "exp": NOW + 300,
    });
    let jwk = key.jwk().to_string();
    for public in [key.spki(), jwk.into_bytes()] {
        let minter = Minter::new(Algorithm::HS256, &public);
        for header in [
            json!({ "alg": "HS256", "kid": "one", "typ": "at+jwt" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "ES256", "kid": "one", "typ": "at+jwt" }),
            json!({ "alg": "none" }),
        ] {
            let token = minter.mint(header.to_string(), claims.to_string());
            let error = verifier.verify_async(&token).await.unwrap_err();
            assert_eq!(error.kind().status(), 401, "{header}");
        }
    }
    // The secret is not a key for ES256.
    let signed = Minter::hs256();
    let token = signed.mint(r#"{"alg":"ES256","kid":"one"}"#, claims.to_string());
    assert!(outcome(verifier.verify_async(&token).await).is_err());
    assert_eq!(fixture.fetches(), 1);
}

#[tokio::test]
async fn an_outage_of_one_source_does_not_affect_the_other() {
    let key = ForeignKey::generate("one");
    let down = provider_with(&[key.jwk()]);
    down.respond(JWKS, Response::status(500));
    let fixture = Fixture::with_provider(down, |keys| keys);
    assert!(fixture.keys.refresh().await.is_err());
    let fetches = fixture.fetches();
    let verifier = both(&fixture);
    let issuer = fixture.provider.issuer();
    assert_eq!(outcome(verifier.verify(&old_token(&issuer, &json!({})))), Ok(()));
    // The keys of the other source cannot verify these tokens, so they cause no fetch.
    let forged = Minter::new(Algorithm::HS256, &[3, 5].repeat(16));
    let claims = json!({ "iss": issuer, "aud": "old", "sub": "ada", "exp": NOW + 300 });
    let forged = forged.token(claims.to_string());
    assert_eq!(outcome(verifier.verify_async(&forged).await), INVALID_SIGNATURE);
    let expired = old_token(&issuer, &json!({ "exp": NOW }));
    assert_eq!(outcome(verifier.verify_async(&expired).await), EXPIRED);
    assert_eq!(fixture.fetches(), fetches);
    // These tokens may be valid.
    assert_eq!(outcome(verifier.verify_async(&fixture.token(&key)).await), UNAVAILABLE);
    fixture.provider.publish(&[key.jwk()]);
    fixture.keys.refresh().await.unwrap();
    assert_eq!(outcome(verifier.verify(&fixture.token(&key))), Ok(()));
}

#[tokio::test]
async fn an_unknown_key_is_fetched_from_every_source_once_per_cooldown() {
    let (of_a, of_b) = (ForeignKey::generate("a"), ForeignKey::generate("b"));
    let (a, b) = (Fixture::with_keys(&[of_a.jwk()]).await, Fixture::with_keys(&[of_b.jwk()]).await);
    let issuer = "https://login.example";
    let of = |fixture: &Fixture| super::verifier(&fixture.keys, issuer, &fixture.clock);
    let verifier = Verifier::any_of([of(&a), of(&b)]).unwrap();
    let next = ForeignKey::generate("next");
    b.provider.publish(&[of_b.jwk(), next.jwk()]);
    assert_eq!(outcome(verifier.verify_async(&next.token(issuer)).await), Ok(()));
    assert_eq!((a.fetches(), b.fetches()), (2, 2));
    let unknown = ForeignKey::generate("unknown").token(issuer);
    assert_eq!(outcome(verifier.verify_async(&unknown).await), UNKNOWN_KEY);
    assert_eq!(verifier.verify_async(&unknown).now_or_never().map(outcome), Some(UNKNOWN_KEY));
    assert_eq!((a.fetches(), b.fetches()), (2, 2));
    // The outage of one source leaves it open whether a token is valid.
    a.clock.advance(Duration::from_secs(31));
    a.provider.respond(JWKS, Response::HangUp);
    a.clock.advance(Duration::from_secs(48 * 3600));
    let late = json!({ "exp": NOW + 72 * 3600 });
    let token = ForeignKey::generate("other").token_with(issuer, &late);
    assert_eq!(outcome(verifier.verify_async(&token).await), UNAVAILABLE);
    assert_eq!(outcome(verifier.verify_async(&of_b.token_with(issuer, &late)).await), Ok(()));
}

/// Its error is more informative than that of a verifier that does not know the key.
#[tokio::test]
async fn the_error_is_that_of_the_verifier_with_the_key() {
    let key = ForeignKey::generate("one");
    let fixture = Fixture::with_keys(&[key.jwk()]).await;
    let issuer = fixture.provider.issuer();
    let typed = with_secret(&issuer).header_typ("special").build().unwrap();
    let orders =
        [[typed.clone(), fixture.verifier.clone()], [fixture.verifier.clone(), typed.clone()]];
    for order in orders {
        let verifier = Verifier::any_of(order).unwrap();
        let expired = key.token_with(&issuer, &json!({ "exp": NOW - 1, "iat": NOW - 2 }));
        assert_eq!(outcome(verifier.verify(&expired)), EXPIRED);
        let without_client = key.token_with(&issuer, &json!({ "client_id": null }));
        let error = verifier.verify(&without_client).unwrap_err();
        assert_eq!(
            (error.kind(), error.member()),
            (AuthErrorKind::InvalidClaims, Some("client_id"))
        );
        let forged = super::token_naming(&ForeignKey::generate("x"), "one", &issuer);
        let kind = verifier.verify(&forged).unwrap_err().kind();
        assert!(kind == AuthErrorKind::InvalidSignature || kind == AuthErrorKind::WrongTokenType);
        assert_eq!(outcome(verifier.verify("a.b")), Err(AuthErrorKind::Malformed));
    }
}

#[tokio::test]
async fn verifiers_of_several_issuers_can_have_several_sources() {
    let (one, two) = (ForeignKey::generate("one"), ForeignKey::generate("two"));
    let fixture = Fixture::with_keys(&[one.jwk()]).await;
    let issuer = fixture.provider.issuer();
    let other = Fixture::with_keys(&[two.jwk()]).await;
    let verifier = Verifier::by_issuer([both(&fixture), other.verifier.clone()]).unwrap();
    for (token, expected) in [
        (old_token(&issuer, &json!({})), Ok(())),
        (fixture.token(&one), Ok(())),
        (other.token(&two), Ok(())),
        (old_token(&other.provider.issuer(), &json!({})), Err(AuthErrorKind::WrongTokenType)),
        (one.token(&other.provider.issuer()), UNKNOWN_KEY),
        (two.token(&issuer), UNKNOWN_KEY),
        (one.token("https://c.example"), Err(AuthErrorKind::WrongIssuer)),
    ] {
        assert_eq!(outcome(verifier.verify_async(&token).await), expected);
    }

    let kind = |result: Result<Verifier, _>| {
        result.map(drop).map_err(|error: tower_jwt_auth::ConfigError| error.kind())
    };
    let twice = Verifier::by_issuer([both(&fixture), fixture.verifier.clone()]);
    assert_eq!(kind(twice), Err(ConfigErrorKind::Conflict));
    let twice = Verifier::by_issuer([fixture.verifier.clone(), both(&fixture)]);
    assert_eq!(kind(twice), Err(ConfigErrorKind::Conflict));
    assert_eq!(kind(Verifier::any_of([])), Err(ConfigErrorKind::Ineffective));
    let secret = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let any_issuer = Verifier::builder(secret).build().unwrap();
    let open = Verifier::any_of([fixture.verifier.clone(), any_issuer]).unwrap();
    assert_eq!(kind(Verifier::by_issuer([open])), Err(ConfigErrorKind::Ineffective));
}
