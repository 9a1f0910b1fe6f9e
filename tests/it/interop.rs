//! Reads tokens of djangorestframework-simplejwt and PyJWT, minted by `tests/fixtures/mint.py`.

use std::collections::HashMap;

use serde::Deserialize;
use serde_json::Value;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ManualClock, NumericDate, Verifier, VerifyingKey,
    token::{TokenType, VerifierBuilder},
};

#[derive(Deserialize)]
struct Fixtures {
    issued_at: u64,
    keys: HashMap<String, String>,
    tokens: Vec<Minted>,
}

#[derive(Deserialize)]
struct Minted {
    by: String,
    name: String,
    algorithm: String,
    token: String,
    /// The claims that the other library reads.
    claims: Value,
}

impl Fixtures {
    fn read() -> Self {
        serde_json::from_str(include_str!("../fixtures/tokens.json")).unwrap()
    }

    fn clock(&self) -> ManualClock {
        ManualClock::new(NumericDate::from_secs(self.issued_at))
    }

    fn verifier_of(&self, minted: &Minted) -> VerifierBuilder<Value> {
        let algorithm: Algorithm = minted.algorithm.parse().unwrap();
        let key = &self.keys[&minted.algorithm];
        let key = if algorithm.is_symmetric() {
            VerifyingKey::from_secret(algorithm, key)
        } else {
            VerifyingKey::from_pem(algorithm, key)
        };
        Verifier::builder(key.unwrap()).claims().clock(self.clock())
    }
}

impl Minted {
    fn what(&self) -> String {
        format!("{} {}: {}", self.by, self.algorithm, self.name)
    }

    fn token_type(&self) -> TokenType {
        self.claims["token_type"].as_str().unwrap().into()
    }
}

#[test]
fn reads_the_same_claims_as_the_other_library() {
    let fixtures = Fixtures::read();
    assert_eq!(fixtures.tokens.len(), 4 * (10 + 7));
    for minted in &fixtures.tokens {
        let what = minted.what();
        let verifier =
            fixtures.verifier_of(minted).token_type(minted.token_type()).build().unwrap();
        let claims =
            verifier.verify(&minted.token).unwrap_or_else(|error| panic!("{what}: {error}"));

        let theirs = &minted.claims;
        assert_eq!(*claims, *theirs, "{what}");
        assert_eq!(claims.token_type(), Some(&minted.token_type()), "{what}");
        assert_eq!(claims.jti(), theirs["jti"].as_str(), "{what}");
        assert_eq!(claims.session_id(), theirs["sid"].as_str(), "{what}");
        assert_eq!(claims.issuer(), theirs["iss"].as_str(), "{what}");
        assert_eq!(claims.subject(), theirs["sub"].as_str(), "{what}");
        assert_eq!(claims.expires_at().as_secs(), whole_seconds(&theirs["exp"]), "{what}");
        assert_eq!(claims.issued_at().unwrap().as_secs(), whole_seconds(&theirs["iat"]), "{what}");
        let user_id = match &theirs["user_id"] {
            Value::String(string) => string.clone(),
            number => number.to_string(),
        };
        assert_eq!(claims.user_id().as_str(), user_id, "{what}");
        let scopes = theirs["scope"].as_str().unwrap_or_default();
        assert!(claims.scopes().eq(scopes.split_whitespace()), "{what}");
    }
}

fn whole_seconds(date: &Value) -> u64 {
    date.as_u64().unwrap_or_else(|| date.as_f64().unwrap() as u64)
}

#[test]
fn rejects_expired_tokens_and_other_types() {
    let fixtures = Fixtures::read();
    for minted in &fixtures.tokens {
        let what = minted.what();
        let kind = |verifier: VerifierBuilder<Value>| {
            verifier.build().unwrap().verify(&minted.token).map(drop).map_err(|error| error.kind())
        };
        let clock = fixtures.clock();
        clock.set(NumericDate::from_secs(whole_seconds(&minted.claims["exp"])));
        let later = fixtures.verifier_of(minted).token_type(minted.token_type()).clock(&clock);
        assert_eq!(kind(later), Err(AuthErrorKind::Expired), "{what}");

        for other in [TokenType::Access, TokenType::Refresh, TokenType::Sliding] {
            let expected = if other == minted.token_type() {
                Ok(())
            } else {
                Err(AuthErrorKind::WrongTokenType)
            };
            assert_eq!(kind(fixtures.verifier_of(minted).token_type(other)), expected, "{what}");
        }
    }
}

#[test]
fn checks_audience_issuer_and_header_type() {
    let fixtures = Fixtures::read();
    let (mut with_audience, mut with_issuer, mut with_typ) = (0, 0, 0);
    for minted in &fixtures.tokens {
        let accepts = |rule: fn(VerifierBuilder<Value>) -> VerifierBuilder<Value>| {
            let verifier = rule(fixtures.verifier_of(minted).any_token_type());
            usize::from(verifier.build().unwrap().verify(&minted.token).is_ok())
        };
        with_audience += accepts(|verifier| verifier.audience("api"));
        with_issuer += accepts(|verifier| verifier.issuer("https://issuer.example"));
        with_typ += accepts(|verifier| verifier.header_typ("at+jwt"));
    }
    assert_eq!((with_audience, with_issuer, with_typ), (4 * 2, 4 * 2, 4));
}

#[test]
fn rejects_tokens_of_other_algorithms() {
    let fixtures = Fixtures::read();
    for minted in &fixtures.tokens {
        for other in fixtures.tokens.iter().filter(|other| other.algorithm != minted.algorithm) {
            let verifier = fixtures.verifier_of(other).any_token_type().build().unwrap();
            let error = verifier.verify(&minted.token).unwrap_err();
            assert_eq!(error.kind(), AuthErrorKind::UnknownKey, "{}", minted.what());
        }
    }
}
