//! Keys and tokens of other issuers.

use aws_lc_rs::{
    encoding::AsBigEndian,
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair},
};
use serde_json::{Value, json};

use super::mint::{NOW, encode};

/// The audience of all tokens.
pub(crate) const API: &str = "https://api.example";

/// A key pair for ES256.
pub(crate) struct ForeignKey {
    kid: String,
    pair: EcdsaKeyPair,
}

impl ForeignKey {
    pub(crate) fn generate(kid: &str) -> Self {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
        Self { kid: kid.to_owned(), pair }
    }

    /// The public key as JWK.
    pub(crate) fn jwk(&self) -> Value {
        let point = self.pair.public_key().as_ref();
        json!({
            "kty": "EC", "crv": "P-256", "x": encode(&point[1..33]), "y": encode(&point[33..]),
            "kid": self.kid, "use": "sig", "alg": "ES256",
        })
    }

    /// The JWK with changed members. `null` omits a member.
    pub(crate) fn jwk_with(&self, changes: &Value) -> Value {
        let mut jwk = self.jwk();
        merge(&mut jwk, changes);
        jwk
    }

    /// The public key as `SubjectPublicKeyInfo` in DER (RFC 5480).
    pub(crate) fn spki(&self) -> Vec<u8> {
        const P256: [u8; 26] = [
            0x30, 0x59, 0x30, 0x13, 0x06, 7, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 8,
            0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
        ];
        [&P256[..], self.pair.public_key().as_ref()].concat()
    }

    /// The private key as JWK.
    pub(crate) fn private_jwk(&self) -> Value {
        let private = self.pair.private_key();
        let scalar = AsBigEndian::<aws_lc_rs::encoding::EcPrivateKeyBin<'_>>::as_be_bytes(&private);
        self.jwk_with(&json!({ "d": encode(scalar.unwrap().as_ref()) }))
    }

    /// A valid access token of `issuer`, issued at [`NOW`].
    pub(crate) fn token(&self, issuer: &str) -> String {
        self.token_with(issuer, &json!({}))
    }

    /// A token with changed claims. `null` omits a claim.
    pub(crate) fn token_with(&self, issuer: &str, changes: &Value) -> String {
        self.mint(&json!({ "kid": self.kid }), issuer, changes)
    }

    /// A token whose header has these members. `alg` and `typ` have default values.
    pub(crate) fn mint(&self, header: &Value, issuer: &str, changes: &Value) -> String {
        let mut full = json!({ "alg": "ES256", "typ": "at+jwt" });
        merge(&mut full, header);
        let mut claims = json!({
            "iss": issuer, "aud": API, "sub": "ada", "client_id": "app",
            "iat": NOW, "exp": NOW + 100_000, "jti": "4c6a8b1f",
        });
        merge(&mut claims, changes);
        let signing_input = format!("{}.{}", encode(full.to_string()), encode(claims.to_string()));
        let signature = self.pair.sign(&SystemRandom::new(), signing_input.as_bytes()).unwrap();
        format!("{signing_input}.{}", encode(signature.as_ref()))
    }
}

fn merge(object: &mut Value, changes: &Value) {
    let object = object.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            object.remove(name);
        } else {
            object.insert(name.clone(), value.clone());
        }
    }
}
