//! The presets for identity providers, with documents and tokens in the form that each provider
//! documents.
//!
//! The tests cannot use the providers themselves, which require accounts and the internet. Instead, an
//! HTTP client returns documents like theirs for their real URLs.

mod auth0;
mod cognito;
mod entra;
mod firebase;
mod github_actions;
mod google;
mod keycloak;
mod kubernetes;
mod okta;
mod others;
mod settings;
mod supabase;

use std::{collections::BTreeMap, error::Error};

use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tower_jwt_auth::{Algorithm, Claims, Verifier, VerifyingKey, http_client::HttpClient};

use crate::support::{
    keys,
    mint::{Minter, NOW},
};

/// A refresh token in the form of most providers: an opaque string.
const OPAQUE: &str = "v1.Mr5tXqY8kq3vU0bQe1fH7cT2";
/// The start of an encrypted token.
const ENCRYPTED: &str =
    "eyJjdHkiOiJKV1QiLCJlbmMiOiJBMjU2R0NNIiwiYWxnIjoiUlNBLU9BRVAifQ.a2V5.aXY.Y2lwaGVy.dGFn";

/// The documents of a provider, by URL.
struct Documents(BTreeMap<String, String>);

impl Documents {
    fn new<const N: usize>(documents: [(&str, Value); N]) -> Self {
        Self(documents.map(|(url, document)| (url.to_owned(), document.to_string())).into())
    }

    /// Metadata at the place that OpenID Connect Discovery defines, and the keys that it names.
    fn of_issuer(issuer: &str, jwks_uri: &str, key: &Key) -> Self {
        let metadata = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        Self::new([
            (&metadata, json!({ "issuer": issuer, "jwks_uri": jwks_uri })),
            (jwks_uri, json!({ "keys": [key.jwk()] })),
        ])
    }
}

impl HttpClient for Documents {
    type Body = String;

    async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
        let document = self.0.get(&request.uri().to_string());
        let status = if document.is_some() { StatusCode::OK } else { StatusCode::NOT_FOUND };
        Ok(Response::builder().status(status).body(document.cloned().unwrap_or_default())?)
    }
}

/// The signing key of a provider.
struct Key {
    kid: &'static str,
    algorithm: Algorithm,
    minter: Minter,
}

impl Key {
    fn rs256(kid: &'static str) -> Self {
        Self { kid, algorithm: Algorithm::RS256, minter: minter(Algorithm::RS256, keys::RSA) }
    }

    fn es256(kid: &'static str) -> Self {
        Self { kid, algorithm: Algorithm::ES256, minter: minter(Algorithm::ES256, keys::P256) }
    }

    fn jwk(&self) -> Value {
        let pem = match self.algorithm {
            Algorithm::RS256 => keys::RSA_PUBLIC,
            _ => keys::P256_PUBLIC,
        };
        let key = VerifyingKey::from_pem(self.algorithm, pem).unwrap().with_kid(self.kid).unwrap();
        serde_json::from_str(&key.to_jwk().unwrap()).unwrap()
    }

    /// Signs `claims`. The header has `alg`, `kid` and `typ: JWT`.
    fn sign(&self, claims: &Value) -> String {
        self.sign_as(&json!({ "typ": "JWT" }), claims)
    }

    /// Signs `claims`. The header has `alg`, `kid` and these members.
    fn sign_as(&self, header: &Value, claims: &Value) -> String {
        let own = json!({ "alg": self.algorithm.to_string(), "kid": self.kid });
        self.minter.mint(changed(&own, header).to_string(), claims.to_string())
    }
}

fn minter(algorithm: Algorithm, key: &str) -> Minter {
    Minter::new(algorithm, key.as_bytes())
}

/// `object` with other members. `null` removes a member.
fn changed(object: &Value, changes: &Value) -> Value {
    let mut changed = object.clone();
    let members = changed.as_object_mut().unwrap();
    for (name, value) in changes.as_object().unwrap() {
        if value.is_null() {
            members.remove(name);
        } else {
            members.insert(name.clone(), value.clone());
        }
    }
    changed
}

async fn accept<C: DeserializeOwned>(verifier: &Verifier<C>, token: &str) -> Claims<C> {
    verifier.verify_async(token).await.unwrap()
}

async fn assert_accepted<C: DeserializeOwned>(verifier: &Verifier<C>, token: &str) {
    let _ = accept(verifier, token).await;
}

/// Why `token` is rejected: the kind of the error, and the claim or header member.
async fn rejection<C: DeserializeOwned>(verifier: &Verifier<C>, token: &str) -> String {
    let error = verifier.verify_async(token).await.map(drop).unwrap_err();
    format!("{:?} {}", error.kind(), error.member().unwrap_or_default()).trim_end().to_owned()
}
