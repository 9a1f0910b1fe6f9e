//! PyJWT and djangorestframework-simplejwt read tokens of this crate.
//!
//! Runs if `TOWER_JWT_AUTH_PYTHON` is the path of a Python with both packages. `tests/run` sets it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, Issuer, SigningKey, user::User};

use crate::support::{keys, python};

/// Reads each token with PyJWT and with SimpleJWT's class for its type. Returns the claims, or the
/// name of the exception.
const READ: &str = r#"
import json, sys
import django, jwt
from django.conf import settings

settings.configure(
    SECRET_KEY="unused",
    INSTALLED_APPS=["django.contrib.contenttypes", "django.contrib.auth"],
)
django.setup()

from rest_framework_simplejwt import backends, tokens

CLASSES = {"access": tokens.AccessToken, "refresh": tokens.RefreshToken}
OPTIONS = {"require": ["exp", "iat", "jti"], "verify_aud": True}


def attempt(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


def read(case):
    key, algorithm, token = case["key"], case["algorithm"], case["token"]
    names = {"audience": case["audience"], "issuer": case["issuer"]}
    backend = backends.TokenBackend(algorithm, key, key, **names)
    tokens.Token._token_backend = backend
    return {
        "header": attempt(lambda: jwt.get_unverified_header(token)),
        "pyjwt": attempt(lambda: jwt.decode(token, key, [algorithm], options=OPTIONS, **names)),
        "simplejwt": attempt(lambda: CLASSES[case["type"]](token).payload),
    }


json.dump([read(case) for case in json.load(sys.stdin)], sys.stdout)
"#;

#[derive(Debug, Clone, Serialize, Deserialize)]
struct Profile {
    username: String,
    groups: Vec<String>,
}

enum Expected {
    /// Both read these claims.
    Claims(String),
    /// Both read the same claims of a refresh token.
    Refresh,
    /// SimpleJWT rejects the type.
    WrongType,
    InvalidSignature,
}

#[tokio::test]
async fn python_reads_issued_tokens() {
    let secret = |algorithm, secret: &'static [u8]| {
        let key = SigningKey::from_secret(algorithm, secret).unwrap();
        (key, str::from_utf8(secret).unwrap())
    };
    let pair =
        |algorithm, private, public| (SigningKey::from_pem(algorithm, private).unwrap(), public);
    let keys = [
        secret(Algorithm::HS256, keys::SECRET),
        secret(Algorithm::HS384, keys::SECRET),
        secret(Algorithm::HS512, keys::LONG_SECRET),
        pair(Algorithm::RS256, keys::RSA, keys::RSA_PUBLIC),
        pair(Algorithm::RS512, keys::RSA, keys::RSA_PUBLIC),
        pair(Algorithm::PS256, keys::RSA, keys::RSA_PUBLIC),
        pair(Algorithm::ES256, keys::P256, keys::P256_PUBLIC),
        pair(Algorithm::ES384, keys::P384, keys::P384_PUBLIC),
        pair(Algorithm::EdDSA, keys::ED25519, keys::ED25519_PUBLIC),
    ];
    let user = User::new(
        42,
        Profile { username: "zoë \"🔑\"\n".to_owned(), groups: vec!["staff".to_owned()] },
    );

    let mut cases = Vec::new();
    let mut expected = Vec::new();
    for (key, verifying) in keys {
        for names in [None, Some(("https://issuer.example", "api"))] {
            let mut builder = Issuer::builder(key.clone()).claims::<Profile>();
            if let Some((issuer, audience)) = names {
                builder = builder.issuer(issuer).audience(audience);
            }
            let issuer = builder.build().unwrap();
            let tokens = issuer.login(&user).await.unwrap();
            let access = issuer.verifier().verify(tokens.access()).unwrap();
            let refresh = tokens.refresh().unwrap();
            let forged = format!("{}AAAA", &refresh[..refresh.len() - 4]);
            for (token_type, token, reading) in [
                ("access", tokens.access(), Expected::Claims(access.json().to_owned())),
                ("refresh", refresh, Expected::Refresh),
                ("access", refresh, Expected::WrongType),
                ("refresh", &forged, Expected::InvalidSignature),
            ] {
                cases.push(json!({
                    "algorithm": key.algorithm().as_str(),
                    "key": verifying,
                    "type": token_type,
                    "token": token,
                    "issuer": names.map(|(issuer, _)| issuer),
                    "audience": names.map(|(_, audience)| audience),
                }));
                expected.push((key.clone(), reading));
            }
        }
    }

    let Some(outcomes) = python::run(READ, &json!(cases)) else { return };
    let outcomes = outcomes.as_array().unwrap();
    assert_eq!(outcomes.len(), cases.len());
    for ((outcome, case), (key, expected)) in outcomes.iter().zip(&cases).zip(expected) {
        let what = format!("{case} {outcome}");
        assert_eq!(outcome["header"]["alg"].as_str(), Some(key.algorithm().as_str()), "{what}");
        assert_eq!(outcome["header"]["typ"], "JWT", "{what}");
        assert_eq!(outcome["header"]["kid"].as_str(), key.kid(), "{what}");
        let (pyjwt, simplejwt) = (&outcome["pyjwt"], &outcome["simplejwt"]);
        match expected {
            Expected::Claims(claims) => {
                let claims: Value = serde_json::from_str(&claims).unwrap();
                assert_eq!((pyjwt, simplejwt), (&claims, &claims), "{what}");
                assert_eq!(claims["user_id"], "42");
            }
            Expected::Refresh => {
                assert_eq!(pyjwt, simplejwt, "{what}");
                assert_eq!(pyjwt["token_type"], "refresh", "{what}");
                assert_eq!(pyjwt["user_id"], "42", "{what}");
            }
            Expected::WrongType => assert_eq!(simplejwt, "TokenError", "{what}"),
            Expected::InvalidSignature => {
                assert_eq!(pyjwt, "InvalidSignatureError", "{what}");
                assert_eq!(simplejwt, "TokenError", "{what}");
            }
        }
    }
}
