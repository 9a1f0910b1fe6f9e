//! Responses to rejected requests.

use tower_jwt_auth::{
    AuthErrorKind::{self, Malformed},
    Claims, ConfigErrorKind, JwtAuthLayer, MemoryStore, NumericDate, Verifier,
    store::{Revocation, TokenStore, scoped_user_id},
    token::UserId,
};

use crate::support::{
    app::{bearer, layer, request, send, token, verifier_builder},
    mint::{Minter, NOW, claims},
    slow_store::{SlowStore, Verdict},
};

use super::{USER_42, assert_complete};

#[tokio::test]
async fn responds_to_every_kind_of_error() {
    let verifier: Verifier = verifier_builder()
        .issuer("https://login.example")
        .audience("shop")
        .check(|claims: &Claims| claims.user_id() != "66")
        .build()
        .unwrap();
    let store = MemoryStore::new();
    let user_id = &scoped_user_id("https://login.example", &UserId::from(42));
    let (now, keep_until) = (NumericDate::from_secs(NOW), NumericDate::from_secs(NOW + 600));
    store.revoke(&Revocation::Token { jti: "dead", user_id, keep_until }, now).await.unwrap();
    let checked = JwtAuthLayer::new(verifier.clone()).with_revocation_check(store);
    let failing = SlowStore::released(Verdict::Fails("postgres://user:hunter2@db"));
    let failing = JwtAuthLayer::new(verifier).with_revocation_check(failing);

    let defaults = [("iss", r#""https://login.example""#), ("aud", r#""shop""#)];
    let with = |changes: &[(&'static str, &'static str)]| {
        let kept =
            defaults.iter().filter(|(name, _)| !changes.iter().any(|(other, _)| other == name));
        token(&kept.chain(changes).copied().collect::<Vec<_>>())
    };
    let forged = with(&[("user_id", r#""1""#)]);
    let forged = forged.rsplit_once('.').unwrap().0.to_owned() + ".AAAA";
    let of_another_algorithm = Minter::hs256().mint(r#"{"alg":"ES256"}"#, claims(&defaults));
    let cases = [
        (with(&[]), USER_42),
        ("not-a-token".to_owned(), Err(Malformed)),
        (of_another_algorithm, Err(AuthErrorKind::UnknownKey)),
        (forged, Err(AuthErrorKind::InvalidSignature)),
        (with(&[("exp", "1700000000")]), Err(AuthErrorKind::Expired)),
        (with(&[("nbf", "1700000061")]), Err(AuthErrorKind::NotYetValid)),
        (with(&[("token_type", r#""refresh""#)]), Err(AuthErrorKind::WrongTokenType)),
        (with(&[("iss", r#""https://evil.example""#)]), Err(AuthErrorKind::WrongIssuer)),
        (with(&[("aud", r#""bank""#)]), Err(AuthErrorKind::WrongAudience)),
        (with(&[("jti", "")]), Err(AuthErrorKind::InvalidClaims)),
        (with(&[("cnf", r#"{"jkt":"x"}"#)]), Err(AuthErrorKind::InvalidClaims)),
        (with(&[("user_id", r#""66""#)]), Err(AuthErrorKind::CheckFailed)),
        (with(&[("jti", r#""dead""#)]), Err(AuthErrorKind::Revoked)),
    ];
    for (token, expected) in cases {
        let response = send(&checked, bearer(&token)).await;
        assert_eq!(response.outcome(), expected);
        assert_complete(&response, &format!("{expected:?}"));
    }
    let response = send(&failing, bearer(&with(&[]))).await;
    assert_eq!(response.outcome(), Err(AuthErrorKind::Unavailable));
    assert_complete(&response, "failing store");
}

#[tokio::test]
async fn challenges_contain_the_realm() {
    for realm in ["api", "my app", "a!#b[c]d~", "x"] {
        let layer = layer().with_realm(realm).unwrap();
        let response = send(&layer, request()).await;
        assert_eq!(response.challenges(), [format!("Bearer realm=\"{realm}\"")]);
        let response = send(&layer, bearer("x")).await;
        let challenge = response.challenges()[0].to_owned();
        assert!(challenge.starts_with(&format!("Bearer realm=\"{realm}\", error=")), "{challenge}");
    }
    for realm in ["", "a\"b", "a\\b", "a\nb", "a\r\nb", "a\tb", "é", "\0", "\u{7f}"] {
        let error = layer().with_realm(realm).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{realm:?}");
    }
}
