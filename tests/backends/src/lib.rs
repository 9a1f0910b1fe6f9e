//! Tests with features of shared dependencies that another crate of the program may enable.

#[cfg(test)]
mod tests {
    use tower_jwt_auth::{
        Algorithm, Issuer, SigningKey, Verifier, VerifyingKey,
        token::{NoClaims, TokenType, UserId},
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
        let jwk = r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#;
        let key = VerifyingKey::from_jwk(jwk, Algorithm::EdDSA).unwrap();
        // RFC 8037 appendix A.3.
        assert_eq!(key.kid(), Some("kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"));
    }

    /// With serde_json's `arbitrary_precision`, numbers are deserialized as maps.
    #[test]
    fn reads_numbers_as_user_ids() {
        let key = SigningKey::generate(Algorithm::HS256).unwrap();
        let issuer = Issuer::builder(key).build().unwrap();
        let claims = serde_json::json!({ "uid": 42 });
        let token_type = TokenType::from("numbered");
        let lifetime = std::time::Duration::from_secs(60);
        let token =
            issuer.issue(&token_type, lifetime, &UserId::from("other"), &claims).unwrap();
        let names = tower_jwt_auth::token::ClaimNames::default().with_user_id("uid");
        let verifier: Verifier<NoClaims> = issuer
            .verifier_builder()
            .token_type(token_type)
            .claim_names(names)
            .build()
            .unwrap();
        assert_eq!(verifier.verify(&token).unwrap().user_id(), "42");
    }
}
