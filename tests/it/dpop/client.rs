//! A client with a key, whose proofs can have any content.

use std::sync::atomic::{AtomicU64, Ordering};

use axum::body::Body;
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, SigningKey, VerifyingKey};

use crate::support::{
    keys,
    mint::{Minter, NOW, claims, encode},
};

pub(crate) const PUBLIC_URL: &str = "https://api.example";

pub(crate) struct Client {
    algorithm: Algorithm,
    minter: Minter,
    /// The public key.
    pub(crate) jwk: Value,
    /// Its thumbprint.
    pub(crate) jkt: String,
}

impl Client {
    pub(crate) fn new(algorithm: Algorithm) -> Self {
        let (_, pem) = keys::PAIRS.into_iter().find(|(other, _)| *other == algorithm).unwrap();
        Self::with_key(algorithm, pem)
    }

    pub(crate) fn with_key(algorithm: Algorithm, pem: &str) -> Self {
        let key = SigningKey::from_pem(algorithm, pem).unwrap().verifying_key();
        let jkt = key.kid().unwrap().to_owned();
        let mut jwk: Value = serde_json::from_str(&key.to_jwk().unwrap()).unwrap();
        let members = jwk.as_object_mut().unwrap();
        members.retain(|name, _| !["alg", "kid", "use"].contains(&&**name));
        Self { algorithm, minter: Minter::new(algorithm, pem.as_bytes()), jwk, jkt }
    }

    pub(crate) fn es256() -> Self {
        Self::new(Algorithm::ES256)
    }

    /// An access token that is bound to the key.
    pub(crate) fn token(&self) -> String {
        token(&json!({ "jkt": self.jkt }).to_string())
    }

    /// A valid proof for `GET` of `path` with `token`, with an id of its own.
    pub(crate) fn proof(&self, path: &str, token: &str) -> Proof<'_> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let id = COUNT.fetch_add(1, Ordering::Relaxed);
        Proof {
            client: self,
            header: json!({ "typ": "dpop+jwt", "alg": self.algorithm.as_str(), "jwk": self.jwk }),
            payload: json!({
                "jti": format!("proof {id}"),
                "htm": "GET",
                "htu": format!("{PUBLIC_URL}{path}"),
                "iat": NOW,
                "ath": encode(sha256(token)),
            }),
        }
    }

    pub(crate) fn mint(&self, header: &str, payload: &str) -> String {
        self.minter.mint(header, payload)
    }
}

/// A proof before it is signed.
pub(crate) struct Proof<'a> {
    client: &'a Client,
    pub(crate) header: Value,
    pub(crate) payload: Value,
}

impl Proof<'_> {
    /// Sets or, with `null`, removes a claim.
    pub(crate) fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.payload, name, value.into());
        self
    }

    /// Sets or, with `null`, removes a header member.
    pub(crate) fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        set(&mut self.header, name, value.into());
        self
    }

    pub(crate) fn sign(&self) -> String {
        self.client.mint(&self.header.to_string(), &self.payload.to_string())
    }
}

fn set(object: &mut Value, name: &str, value: Value) {
    let object = object.as_object_mut().unwrap();
    match value {
        Value::Null => object.remove(name),
        value => object.insert(name.to_owned(), value),
    };
}

/// An access token whose `cnf` is this JSON, or that has none.
pub(crate) fn token(cnf: &str) -> String {
    Minter::hs256().token(claims(&[("cnf", cnf)]))
}

pub(crate) fn sha256(bytes: impl AsRef<[u8]>) -> Vec<u8> {
    use aws_lc_rs::digest::{SHA256, digest};
    digest(&SHA256, bytes.as_ref()).as_ref().to_vec()
}

/// The key that verifies access tokens.
pub(crate) fn access_key() -> VerifyingKey {
    VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap()
}

/// A `GET` with these credentials and proofs.
pub(crate) fn get<'a>(
    path: &str,
    authorization: &str,
    proofs: impl IntoIterator<Item = &'a str>,
) -> Request<Body> {
    let mut request = Request::get(path).header("authorization", authorization);
    for proof in proofs {
        request = request.header("dpop", proof);
    }
    request.body(Body::empty()).unwrap()
}
