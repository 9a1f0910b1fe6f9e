//! Row 25: several issuers, each with keys of its own from its own server.

use tower_jwt_auth::{AuthErrorKind, Verifier};

use super::{BAD_SIGNATURE, Scene, UNAVAILABLE, outcome};
use crate::support::{
    foreign::ForeignKey,
    provider::{Answer, JWKS, Provider},
};

#[tokio::test]
async fn keys_stay_with_their_issuer() {
    let (of_a, of_b) = (ForeignKey::generate("same"), ForeignKey::generate("same"));
    let (a, b) = (Scene::of(&[of_a.jwk()]).await, Scene::of(&[of_b.jwk()]).await);
    let both = Verifier::by_issuer([a.verifier.clone(), b.verifier.clone()]).unwrap();
    let ask =
        async |key: &ForeignKey, issuer: &str| outcome(both.verify_async(&key.token(issuer)).await);
    assert_eq!(ask(&of_a, &a.provider.issuer()).await, Ok(()));
    assert_eq!(ask(&of_b, &b.provider.issuer()).await, Ok(()));
    assert_eq!(ask(&of_a, &b.provider.issuer()).await, BAD_SIGNATURE);
    assert_eq!(ask(&of_b, &a.provider.issuer()).await, BAD_SIGNATURE);
    assert_eq!(ask(&of_a, "https://c.example").await, Err(AuthErrorKind::WrongIssuer));
    assert_eq!((a.fetches(), b.fetches()), (1, 1));

    // A new key is looked for at its own issuer only.
    let next = ForeignKey::generate("next");
    b.provider.publish(&[next.jwk()]);
    assert_eq!(ask(&next, &b.provider.issuer()).await, Ok(()));
    assert_eq!((a.fetches(), b.fetches()), (1, 2));
}

#[tokio::test]
async fn a_dead_issuer_takes_no_other_along() {
    let (of_a, of_b) = (ForeignKey::generate("a"), ForeignKey::generate("b"));
    let a = Scene::of(&[of_a.jwk()]).await;
    let dead = Provider::start();
    dead.answer(JWKS, Answer::Stall);
    let b = Scene::of_provider(dead, |keys| keys.timeout(std::time::Duration::from_millis(300)));
    let both = Verifier::by_issuer([b.verifier.clone(), a.verifier.clone()]).unwrap();
    let (token_a, token_b) = (a.token(&of_a), b.token(&of_b));
    for _ in 0..3 {
        assert_eq!(outcome(both.verify_async(&token_b).await), UNAVAILABLE);
        assert_eq!(outcome(both.verify(&token_a)), Ok(()));
    }
}
