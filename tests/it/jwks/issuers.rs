//! Several issuers, each with its own key server.

use tower_jwt_auth::{AuthErrorKind, Verifier};

use super::{Fixture, INVALID_SIGNATURE, UNAVAILABLE, outcome};
use crate::support::{
    foreign::ForeignKey,
    provider::{JWKS, Provider, Response},
};

#[tokio::test]
async fn keys_verify_tokens_of_their_issuer_only() {
    let (of_a, of_b) = (ForeignKey::generate("same"), ForeignKey::generate("same"));
    let (a, b) = (Fixture::with_keys(&[of_a.jwk()]).await, Fixture::with_keys(&[of_b.jwk()]).await);
    let both = Verifier::by_issuer([a.verifier.clone(), b.verifier.clone()]).unwrap();
    let verify =
        async |key: &ForeignKey, issuer: &str| outcome(both.verify_async(&key.token(issuer)).await);
    assert_eq!(verify(&of_a, &a.provider.issuer()).await, Ok(()));
    assert_eq!(verify(&of_b, &b.provider.issuer()).await, Ok(()));
    assert_eq!(verify(&of_a, &b.provider.issuer()).await, INVALID_SIGNATURE);
    assert_eq!(verify(&of_b, &a.provider.issuer()).await, INVALID_SIGNATURE);
    assert_eq!(verify(&of_a, "https://c.example").await, Err(AuthErrorKind::WrongIssuer));
    assert_eq!((a.fetches(), b.fetches()), (1, 1));

    // A new key is fetched from its own issuer only.
    let next = ForeignKey::generate("next");
    b.provider.publish(&[next.jwk()]);
    assert_eq!(verify(&next, &b.provider.issuer()).await, Ok(()));
    assert_eq!((a.fetches(), b.fetches()), (1, 2));
}

#[tokio::test]
async fn an_outage_of_one_issuer_does_not_affect_others() {
    let (of_a, of_b) = (ForeignKey::generate("a"), ForeignKey::generate("b"));
    let a = Fixture::with_keys(&[of_a.jwk()]).await;
    let hanging = Provider::start();
    hanging.respond(JWKS, Response::Stall);
    let b =
        Fixture::with_provider(hanging, |keys| keys.timeout(std::time::Duration::from_millis(300)));
    let both = Verifier::by_issuer([b.verifier.clone(), a.verifier.clone()]).unwrap();
    let (token_a, token_b) = (a.token(&of_a), b.token(&of_b));
    for _ in 0..3 {
        assert_eq!(outcome(both.verify_async(&token_b).await), UNAVAILABLE);
        assert_eq!(outcome(both.verify(&token_a)), Ok(()));
    }
}
