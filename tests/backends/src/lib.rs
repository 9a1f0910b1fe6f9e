//! Tests with features of shared dependencies that another crate of the program may enable.

#[cfg(test)]
mod tests {
    use aws_lc_rs::hmac;
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    use serde_json::Value;
    use tower_jwt_auth::{
        Algorithm, AuthErrorKind, Issuer, SigningKey, Verifier, VerifyingKey, token::NoClaims,
        user::User,
    };

    #[tokio::test]
    async fn signs_and_verifies_with_every_algorithm() {
        for algorithm in [
            Algorithm::HS256,
            Algorithm::HS384,
            Algorithm::HS512,
            Algorithm::RS256,
            Algorithm::PS384,
            Algorithm::ES256,
            Algorithm::ES384,
            Algorithm::EdDSA,
        ] {
            let key = SigningKey::generate(algorithm).unwrap();
            let issuer = Issuer::builder(key).build().unwrap();
            let user: User = User::new(42, NoClaims::default());
            let tokens = issuer.login(&user).await.unwrap();
            let claims = issuer.verifier().verify(tokens.access()).unwrap();
            assert_eq!(claims.user_id(), "42", "{algorithm}");
        }
    }

    #[test]
    fn reads_a_jwk() {
        let jwk =
            r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = VerifyingKey::from_jwk(jwk, Algorithm::EdDSA).unwrap();
        // RFC 8037 appendix A.3.
        assert_eq!(key.kid(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }

    /// The feature `ml-dsa` is disabled here.
    #[test]
    fn rejects_keys_of_disabled_algorithms() {
        let jwk = format!(r#"{{"kty":"AKP","alg":"ML-DSA-44","pub":"{}"}}"#, "A".repeat(1750));
        for algorithm in [None, Some(Algorithm::EdDSA)] {
            assert!(VerifyingKey::from_jwk(&jwk, algorithm).is_err());
        }
        assert!("ML-DSA-44".parse::<Algorithm>().is_err());
    }

    const SECRET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";

    /// A token with this payload and a valid signature.
    fn mint(payload: &str) -> String {
        let [header, payload] = [r#"{"alg":"HS256","typ":"JWT"}"#, payload]
            .map(|json| BASE64_URL_SAFE_NO_PAD.encode(json));
        let key = hmac::Key::new(hmac::HMAC_SHA256, SECRET);
        let tag = hmac::sign(&key, format!("{header}.{payload}").as_bytes());
        format!("{header}.{payload}.{}", BASE64_URL_SAFE_NO_PAD.encode(tag))
    }

    /// The payload of a valid token with another value of `name`.
    fn claims(name: &str, value: &str) -> String {
        let valid = [
            ("token_type", r#""access""#),
            ("exp", "4102444800"),
            ("iat", "1700000000"),
            ("jti", r#""9f1c""#),
            ("user_id", r#""42""#),
        ];
        let members = valid.into_iter().filter(|(other, _)| *other != name);
        let members = members.chain([(name, value)]);
        let members: Vec<_> = members.map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
        format!("{{{}}}", members.join(","))
    }

    /// The user id of a token, verified with and without a type of the application's claims.
    fn verify(name: &str, value: &str) -> Result<String, AuthErrorKind> {
        let token = mint(&claims(name, value));
        let key = || VerifyingKey::from_secret(Algorithm::HS256, SECRET).unwrap();
        let plain = Verifier::builder(key()).build().unwrap();
        let any = Verifier::builder(key()).claims::<Value>().build().unwrap();
        let plain = plain.verify(&token).map(|claims| claims.user_id().to_string());
        let any = any.verify(&token).map(|claims| claims.user_id().to_string());
        let [plain, any] = [plain, any].map(|outcome| outcome.map_err(|error| error.kind()));
        assert_eq!(plain, any, "{name}: {value}");
        plain
    }

    /// With `arbitrary_precision`, numbers are deserialized as maps.
    #[test]
    fn reads_numbers_as_user_ids() {
        for (value, expected) in [
            ("42", "42"),
            ("0", "0"),
            ("-7", "-7"),
            ("18446744073709551615", "18446744073709551615"),
            ("-9223372036854775808", "-9223372036854775808"),
        ] {
            assert_eq!(verify("user_id", value).as_deref(), Ok(expected));
        }
        let invalid = ["-0", "1.0", "1e2", "18446744073709551616", "-9223372036854775809", "1e400"];
        for value in invalid {
            assert_eq!(verify("user_id", value), Err(AuthErrorKind::InvalidClaims), "{value}");
        }
    }

    #[test]
    fn reads_numbers_as_dates() {
        for value in ["4102444800", "4102444800.5", "4.1024448e9", "253402300799"] {
            assert!(verify("exp", value).is_ok(), "{value}");
        }
        for value in ["-0", "0", "1700000000"] {
            assert_eq!(verify("exp", value), Err(AuthErrorKind::Expired), "{value}");
        }
        for value in ["-1", "253402300800", "18446744073709551616", "1e300", "1e400"] {
            assert_eq!(verify("exp", value), Err(AuthErrorKind::InvalidClaims), "{value}");
        }
    }

    /// serde_json deserializes an object with the name of a private marker as a number or as JSON.
    #[test]
    fn rejects_private_markers() {
        for marker in [
            r#"{"$serde_json::private::Number":"4102444800"}"#,
            r#"{"$serde_json::private::RawValue":"4102444800"}"#,
            r#"{"\u0024serde_json::private::Number":"4102444800"}"#,
        ] {
            for name in ["exp", "user_id", "token_type", "role"] {
                assert_eq!(verify(name, marker), Err(AuthErrorKind::InvalidClaims), "{marker}");
            }
        }
    }
}
