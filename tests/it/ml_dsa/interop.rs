//! jwcrypto and this crate read the keys and tokens of each other.
//!
//! Runs if `TOWER_JWT_AUTH_PYTHON` names a Python that has jwcrypto. `tests/run` sets it.

use serde_json::{Value, json};
use tower_jwt_auth::{Issuer, KeySet, SigningKey, Verifier, VerifyingKey, token::Jws};

use super::{ALGORITHMS, key};
use crate::support::{
    login::{Profile, ada},
    mint::clock,
    python,
};

/// Verifies each token with the published set, and signs one with a new key and one with a context,
/// which RFC 9964 requires to be empty.
const SCRIPT: &str = r#"
import base64, json, sys
from cryptography.hazmat.primitives.asymmetric import mldsa
from cryptography.hazmat.primitives import serialization
from jwcrypto import jwk, jws

case = json.load(sys.stdin)
keys = jwk.JWKSet.from_json(case["set"])


def read(token):
    signed = jws.JWS()
    signed.allowed_algs = ["ML-DSA-44", "ML-DSA-65", "ML-DSA-87"]
    signed.deserialize(token)
    signed.verify(keys.get_key(signed.jose_header["kid"]))
    return signed.payload.decode()


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def write(alg):
    key = jwk.JWK.generate(kty="AKP", alg=alg, kid="key of " + alg, use="sig")
    header = json.dumps({"alg": alg, "kid": key["kid"], "typ": "JWT"})
    signed = jws.JWS(json.dumps(case["claims"]))
    signed.add_signature(key, None, header, None)
    seed = bytes(range(32))
    private = getattr(mldsa, alg.replace("-", "") + "PrivateKey").from_seed_bytes(seed)
    message = encode(header.encode()) + ".e30"
    pkcs8 = private.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    spki = private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    return {
        "thumbprint": key.thumbprint(),
        "public": key.export_public(),
        "private": key.export_private(),
        "token": signed.serialize(compact=True),
        "pkcs8": pkcs8.decode(),
        "spki": spki.decode(),
        "signed": message + "." + encode(private.sign(message.encode())),
        "with_context": message + "." + encode(private.sign(message.encode(), context=b"JWT")),
    }


json.dump({
    "private": any(key.has_private for key in keys),
    "read": [read(token) for token in case["tokens"]],
    "thumbprints": [key.thumbprint() for key in keys],
    "written": [write(alg) for alg in case["algorithms"]],
}, sys.stdout)
"#;

#[tokio::test]
async fn jwcrypto_and_this_crate_read_the_keys_and_tokens_of_each_other() {
    let mut set = KeySet::builder();
    let (mut tokens, mut claims) = (Vec::new(), Vec::new());
    for (algorithm, ..) in ALGORITHMS {
        let issuer = Issuer::builder(key(algorithm)).claims::<Profile>().clock(clock());
        let issuer = issuer.build().unwrap();
        let access = issuer.login(&ada()).await.unwrap().access().to_owned();
        claims.push(issuer.verifier().verify(&access).unwrap().json().to_owned());
        tokens.push(access);
        set = set.verifying_key(key(algorithm).verifying_key());
    }
    let theirs = json!({
        "token_type": "access", "exp": 1_700_000_300, "iat": 1_700_000_000, "jti": "9f1c",
        "user_id": "42",
    });
    let case = json!({
        "set": set.build().unwrap().to_jwks(),
        "tokens": tokens,
        "claims": theirs,
        "algorithms": ALGORITHMS.map(|(algorithm, ..)| algorithm.as_str()),
    });
    let Some(outcome) = python::run(SCRIPT, &case) else { return };
    assert_eq!(outcome["private"], false);
    assert_eq!(outcome["read"], json!(claims));
    let mut thumbprints: Vec<_> =
        outcome["thumbprints"].as_array().unwrap().iter().map(|print| print.as_str()).collect();
    let signers = ALGORITHMS.map(|(algorithm, ..)| key(algorithm));
    let mut kids: Vec<_> = signers.iter().map(SigningKey::kid).collect();
    thumbprints.sort_unstable();
    kids.sort_unstable();
    assert_eq!(thumbprints, kids);

    for (written, (algorithm, ..)) in outcome["written"].as_array().unwrap().iter().zip(ALGORITHMS)
    {
        let text = |name: &str| written[name].as_str().unwrap();
        let signing = SigningKey::from_jwk(text("private"), None).unwrap();
        let verifying = VerifyingKey::from_jwk(text("public"), None).unwrap();
        assert_eq!(signing.verifying_key().to_jwk(), verifying.to_jwk());
        let verifier = Verifier::builder(verifying.clone()).claims::<Value>().clock(clock());
        let verifier = verifier.build().unwrap();
        assert_eq!(*verifier.verify(text("token")).unwrap(), theirs, "{algorithm}");
        // The thumbprint of a key without id.
        let mut unnamed: Value = serde_json::from_str(text("public")).unwrap();
        unnamed.as_object_mut().unwrap().remove("kid");
        let unnamed = VerifyingKey::from_jwk(&unnamed.to_string(), None).unwrap();
        assert_eq!(unnamed.kid(), Some(text("thumbprint")));

        let signing = SigningKey::from_pem(algorithm, text("pkcs8")).unwrap();
        let verifying = VerifyingKey::from_pem(algorithm, text("spki")).unwrap();
        assert_eq!(signing.kid(), verifying.kid());
        assert!(Jws::verify(text("signed"), &verifying, 8192).is_ok(), "{algorithm}");
        assert!(Jws::verify(text("with_context"), &verifying, 8192).is_err(), "{algorithm}");
    }
}
