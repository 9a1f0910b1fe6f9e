//! How the user was authenticated (RFC 8176).

use serde_json::{Value, json};
use tower_jwt_auth::{AuthErrorKind, Claims, issue::Tokens, testing::TestToken};

use crate::support::login::{
    HEADER, MINUTE, NOW, Profile, SECRET, Setup, ada, error_kind, mint, payload, refresh_of,
};

/// The `amr` of the access token and of the refresh token.
fn amr_of(tokens: &Tokens) -> [Value; 2] {
    [tokens.access(), refresh_of(tokens)].map(|token| payload(token)["amr"].clone())
}

fn methods(claims: &Claims<Profile>) -> Vec<&str> {
    claims.amr().collect()
}

#[tokio::test]
async fn logins_name_the_methods_that_they_used() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let start = issuer.start_login().await.unwrap();
    let tokens = issuer.finish_login(start.with_amr(&["hwk", "user"]), &ada(), None).await.unwrap();
    assert_eq!(amr_of(&tokens), [json!(["hwk", "user"]), json!(["hwk", "user"])]);
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    assert_eq!(methods(&claims), ["hwk", "user"]);
    assert!(claims.has_amr("hwk") && !claims.has_amr("hw"));
}

#[tokio::test]
async fn other_logins_name_no_methods() {
    let setup = Setup::new();
    let issuer = setup.builder().password_amr(true).build().unwrap();
    let start = issuer.start_login().await.unwrap();
    let tokens = issuer.finish_login(start, &ada(), None).await.unwrap();
    assert_eq!(amr_of(&tokens), [Value::Null, Value::Null]);
    assert_eq!(methods(&issuer.verifier().verify(tokens.access()).unwrap()), [""; 0]);
    let refreshed = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(amr_of(&refreshed), [Value::Null, Value::Null]);
}

#[tokio::test]
async fn refreshes_keep_the_methods_of_the_login() {
    let setup = Setup::new();
    let grace = setup.builder().reuse_grace(MINUTE).build().unwrap();
    let start = grace.start_login().await.unwrap().with_amr(&["pwd", "otp"]);
    let first = grace.finish_login(start, &ada(), None).await.unwrap();
    let mut tokens = first.clone();
    for _ in 0..3 {
        tokens = grace.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        assert_eq!(amr_of(&tokens), [json!(["pwd", "otp"]), json!(["pwd", "otp"])]);
    }
    let start = grace.start_login().await.unwrap().with_amr(&["pwd", "otp"]);
    let first = grace.finish_login(start, &ada(), None).await.unwrap();
    for _ in 0..2 {
        // The second time, the token is spent.
        let tokens = grace.refresh(refresh_of(&first), &setup.users).await.unwrap();
        assert_eq!(amr_of(&tokens), [json!(["pwd", "otp"]), json!(["pwd", "otp"])]);
    }
    let unrotated = setup.plain_builder().build().unwrap();
    let tokens = unrotated.refresh(refresh_of(&first), &setup.users).await.unwrap();
    assert_eq!(payload(tokens.access())["amr"], json!(["pwd", "otp"]));
}

#[tokio::test]
async fn a_malformed_amr_counts_as_none() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    for amr in ["1", "true", "null", r#"{"otp":true}"#, r#"["otp",1]"#, r#"[["otp"]]"#] {
        let token = |token_type: &str| {
            let exp = NOW + 600;
            let payload = format!(
                r#"{{"token_type":"{token_type}","exp":{exp},"iat":{NOW},"jti":"x","user_id":"1",
                    "username":"ada","sid":"s","amr":{amr}}}"#
            );
            mint(SECRET, HEADER, &payload)
        };
        let claims = issuer.verifier().verify(&token("access")).unwrap();
        assert_eq!(methods(&claims), [""; 0], "{amr}");
        assert!(!claims.has_amr("otp"), "{amr}");
        // The tokens that it is exchanged for would have lost the methods.
        let refreshed = issuer.refresh(&token("refresh"), &setup.users).await;
        assert_eq!(error_kind(refreshed), AuthErrorKind::InvalidClaims, "{amr}");
    }
}

#[test]
fn test_tokens_have_methods() {
    let claims = TestToken::new(1).with_amr(["pwd", "otp"]).into_claims();
    assert_eq!(claims.amr().collect::<Vec<_>>(), ["pwd", "otp"]);
}
