//! The examples of RFC 7515, appendix A, and of RFC 8037, appendix A.

use serde::Deserialize;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ManualClock, NumericDate, SigningKey, Verifier, VerifyingKey,
    token::Jws,
};

use crate::support::{
    keys::{RFC_EC, RFC_OCT, RFC_OKP, RFC_RSA},
    mint::encode,
};

const A1: &str = "eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const A2: &str = "eyJhbGciOiJSUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5\
    jujGbds9uJdbF9CUAr7t1dnZcAcQjbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb\
    1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqtFZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QO\
    YEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw";
const A3: &str = "eyJhbGciOiJFUzI1NiJ9.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.\
    DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q";
/// RFC 7515, appendix A.5: an unsecured JWS, without a signature.
const A5: &str = "eyJhbGciOiJub25lIn0.\
    eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ.";
/// RFC 7515, appendix E: an unknown critical header member.
const E: &str = "eyJhbGciOiJub25lIiwNCiAiY3JpdCI6WyJodHRwOi8vZXhhbXBsZS5jb20vVU5ERUZJTkVEIl0sDQogImh0dHA6\
    Ly9leGFtcGxlLmNvbS9VTkRFRklORUQiOnRydWUNCn0.RkFJTA.";
/// RFC 8037, appendix A.4.
const ED25519: &str = "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.\
    hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg";

const CLAIMS: &str =
    "{\"iss\":\"joe\",\r\n \"exp\":1300819380,\r\n \"http://example.com/is_root\":true}";

const EXAMPLES: [(Algorithm, &str, &str, &str, &str); 4] = [
    (Algorithm::HS256, RFC_OCT, A1, "{\"typ\":\"JWT\",\r\n \"alg\":\"HS256\"}", CLAIMS),
    (Algorithm::RS256, RFC_RSA, A2, r#"{"alg":"RS256"}"#, CLAIMS),
    (Algorithm::ES256, RFC_EC, A3, r#"{"alg":"ES256"}"#, CLAIMS),
    (Algorithm::EdDSA, RFC_OKP, ED25519, r#"{"alg":"EdDSA"}"#, "Example of Ed25519 signing"),
];

fn kind(message: &str, key: &VerifyingKey) -> Option<AuthErrorKind> {
    Jws::verify(message, key, 8192).err().map(|error| error.kind())
}

#[test]
fn verifies_the_examples() {
    for (algorithm, jwk, message, header, payload) in EXAMPLES {
        let keys = [
            VerifyingKey::from_jwk(jwk, algorithm).unwrap(),
            SigningKey::from_jwk(jwk, algorithm).unwrap().verifying_key(),
        ];
        for key in keys {
            let jws = Jws::verify(message, &key, message.len()).unwrap();
            assert_eq!(jws.header(), header.as_bytes());
            assert_eq!(jws.payload(), payload.as_bytes());
            assert!(!format!("{jws:?}").contains("joe"));

            let too_long = Jws::verify(message, &key, message.len() - 1).unwrap_err();
            assert_eq!(too_long.kind(), AuthErrorKind::TooLong);
        }
    }
}

#[test]
fn rejects_changed_examples() {
    for (algorithm, jwk, message, _, _) in EXAMPLES {
        let key = VerifyingKey::from_jwk(jwk, algorithm).unwrap();
        let (signed, signature) = message.rsplit_once('.').unwrap();
        let (header, payload) = signed.split_once('.').unwrap();

        for at in 0..message.len() {
            for character in ["A", "z", "-"] {
                let mut changed = message.to_owned();
                changed.replace_range(at..=at, character);
                assert!(changed == message || kind(&changed, &key).is_some(), "{changed}");
            }
        }
        let invalid = Some(AuthErrorKind::InvalidSignature);
        let payload_of_another = format!("{header}.{}.{signature}", encode("{}"));
        assert_eq!(kind(&payload_of_another, &key), invalid);
        assert_eq!(kind(&format!("{signed}."), &key), invalid);
        assert_eq!(kind(&format!("{signed}.{}", encode([0; 64])), &key), invalid);
        for (other, _, of_another, _, _) in EXAMPLES {
            let (signed_by_another, of_another) = of_another.rsplit_once('.').unwrap();
            if other != algorithm {
                assert_eq!(kind(&format!("{signed}.{of_another}"), &key), invalid);
                let message = format!("{signed_by_another}.{signature}");
                assert_eq!(kind(&message, &key), Some(AuthErrorKind::UnknownKey));
            }
        }
        assert_eq!(kind(&format!("{message}."), &key), Some(AuthErrorKind::Malformed));
        assert_eq!(kind(&format!("{header}.{payload}"), &key), Some(AuthErrorKind::Malformed));
    }
}

#[test]
fn rejects_the_unsecured_and_the_critical_example() {
    for (algorithm, jwk, _, _, _) in EXAMPLES {
        let key = VerifyingKey::from_jwk(jwk, algorithm).unwrap();
        assert_eq!(kind(A5, &key), Some(AuthErrorKind::UnknownKey));
        assert_eq!(kind(E, &key), Some(AuthErrorKind::Malformed));
    }
}

#[derive(Debug, Deserialize)]
struct IsRoot {
    #[serde(rename = "http://example.com/is_root")]
    is_root: bool,
}

/// Three of the examples are tokens. They expire on the 22nd of March 2011.
#[test]
fn accepts_the_example_claims_until_they_expire() {
    for (algorithm, jwk, token, _, _) in &EXAMPLES[..3] {
        let clock = ManualClock::new(NumericDate::from_secs(1_300_819_379));
        let key = VerifyingKey::from_jwk(jwk, *algorithm).unwrap();
        let verifier = Verifier::builder(key.clone())
            .claims::<IsRoot>()
            .issuer("joe")
            .any_token_type()
            .optional_jti()
            .optional_user_id()
            .clock(&clock)
            .build()
            .unwrap();
        let claims = verifier.verify(token).unwrap();
        assert_eq!(claims.issuer(), Some("joe"));
        assert_eq!(claims.expires_at().as_secs(), 1_300_819_380);
        assert!(claims.is_root);
        assert_eq!(claims.json(), CLAIMS);
        assert_eq!(
            (claims.user_id().as_str(), claims.jti(), claims.token_type()),
            ("", None, None)
        );

        clock.set(NumericDate::from_secs(1_300_819_380));
        assert_eq!(verifier.verify(token).unwrap_err().kind(), AuthErrorKind::Expired);

        // By default a token requires a type, a token id and a user id.
        clock.set(NumericDate::from_secs(0));
        let strict: Verifier = Verifier::builder(key).clock(&clock).build().unwrap();
        assert_eq!(strict.verify(token).unwrap_err().kind(), AuthErrorKind::WrongTokenType);
    }
}
