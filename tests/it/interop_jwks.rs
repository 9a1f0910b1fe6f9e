//! PyJWT and jwcrypto verify tokens of this crate with the published keys. This crate verifies
//! tokens of jwcrypto with its keys.
//!
//! Runs if `TOWER_JWT_AUTH_PYTHON` names a Python that has both. `tests/run` sets it.

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_jwt_auth::{
    Algorithm, Issuer, KeySet, SigningKey, Verifier, VerifyingKey,
    routes::WellKnownRoutes,
    token::{NoClaims, TokenProfile},
    user::User,
};

use crate::support::{keys, python};

const ISSUER: &str = "http://127.0.0.1";

/// Fetches the JWK set and verifies each token with its key, using each library.
const READ: &str = r#"
import json, sys, urllib.request
import jwt
from jwcrypto import jwk, jwt as jwcrypto_jwt

case = json.load(sys.stdin)
names = {"audience": case["audience"], "issuer": case["issuer"]}
client = jwt.PyJWKClient(case["url"])
reply = urllib.request.urlopen(case["url"])
keys = jwk.JWKSet.from_json(reply.read().decode())


def attempt(read):
    try:
        return read()
    except Exception as error:
        return type(error).__name__


def pyjwt(token):
    key = client.get_signing_key_from_jwt(token)
    options = {"require": ["exp", "iat", "jti", "sub", "client_id"]}
    return jwt.decode(token, key, [jwt.get_unverified_header(token)["alg"]], options=options, **names)


def jwcrypto(token):
    checked = {"iss": case["issuer"], "aud": case["audience"], "exp": None}
    algs = [jwt.get_unverified_header(token)["alg"]]
    return json.loads(jwcrypto_jwt.JWT(jwt=token, key=keys, algs=algs, check_claims=checked).claims)


json.dump({
    "type": reply.headers["content-type"],
    "private": any(key.has_private or key["kty"] == "oct" for key in keys),
    "tokens": [[attempt(lambda: read(token)) for read in (pyjwt, jwcrypto)] for token in case["tokens"]],
}, sys.stdout)
"#;

/// Generates a key of each type, and an RFC 9068 token signed with it.
const WRITE: &str = r#"
import json, sys
from jwcrypto import jwk, jwt

KINDS = {
    "RS256": {"kty": "RSA", "size": 2048},
    "RS512": {"kty": "RSA", "size": 3072},
    "PS256": {"kty": "RSA", "size": 2048},
    "ES256": {"kty": "EC", "crv": "P-256"},
    "ES384": {"kty": "EC", "crv": "P-384"},
    "EdDSA": {"kty": "OKP", "crv": "Ed25519"},
    "HS256": {"kty": "oct", "size": 256},
}


def write(alg, kind):
    key = jwk.JWK.generate(kid="key of " + alg, alg=alg, use="sig", **kind)
    header = {"alg": alg, "kid": key["kid"], "typ": "at+jwt"}
    token = jwt.JWT(header=header, claims=case["claims"])
    token.make_signed_token(key)
    public = key.export() if alg == "HS256" else key.export_public()
    return {"alg": alg, "public": public, "private": key.export(), "token": token.serialize()}


case = json.load(sys.stdin)
json.dump([write(alg, kind) for alg, kind in KINDS.items()], sys.stdout)
"#;

fn pairs() -> Vec<SigningKey> {
    let named = keys::PAIRS.map(|(algorithm, pem)| {
        // Five of them have the same key, so that their thumbprints would be ambiguous.
        let key = SigningKey::from_pem(algorithm, pem).unwrap();
        key.with_kid(&format!("key of {algorithm}")).unwrap()
    });
    named.into()
}

#[tokio::test(flavor = "multi_thread")]
async fn python_verifies_tokens_with_the_published_keys() {
    let mut tokens = Vec::new();
    let mut keys = KeySet::builder()
        .verifying_key(VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap());
    for pair in pairs() {
        keys = keys.verifying_key(pair.verifying_key());
        let issuer = Issuer::builder(pair)
            .issuer(ISSUER)
            .audience("api")
            .rfc9068_access_tokens("web")
            .build()
            .unwrap();
        let login = issuer.login(&User::new(42, NoClaims::default())).await.unwrap();
        tokens.push(login.access().to_owned());
    }
    let valid = tokens.len();
    let (message, signature) = tokens[0].rsplit_once('.').unwrap();
    tokens.push(format!("{message}.{}", signature.chars().rev().collect::<String>()));
    let stranger = SigningKey::generate(Algorithm::ES256).unwrap();
    let issuer = Issuer::builder(stranger).issuer(ISSUER).audience("api");
    let issuer = issuer.rfc9068_access_tokens("web").build().unwrap();
    let login = issuer.login(&User::new(42, NoClaims::default())).await.unwrap();
    tokens.push(login.access().to_owned());

    let app = WellKnownRoutes::builder(keys.build().unwrap()).issuer(ISSUER).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/.well-known/jwks.json", listener.local_addr().unwrap());
    let serving = tokio::spawn(async { axum::serve(listener, app.into_router()).await });
    let case = json!({ "url": url, "tokens": tokens, "issuer": ISSUER, "audience": "api" });
    let output = tokio::task::spawn_blocking(move || python::run(READ, &case)).await.unwrap();
    serving.abort();
    let Some(output) = output else { return };

    assert_eq!(output["type"], "application/jwk-set+json");
    assert_eq!(output["private"], false);
    let readings = output["tokens"].as_array().unwrap();
    assert_eq!(readings.len(), tokens.len());
    for (index, (readings, token)) in readings.iter().zip(&tokens).enumerate() {
        let claims: Value = crate::support::login::payload(token);
        for reading in readings.as_array().unwrap() {
            if index < valid {
                assert_eq!(*reading, claims, "{token}");
            } else {
                assert!(reading.is_string(), "{token} was read as {reading}");
            }
        }
    }
}

#[test]
fn tokens_of_python_are_verified_with_its_keys() {
    let now = crate::support::api::now();
    let claims = json!({
        "iss": ISSUER, "aud": ["other", "api"], "sub": "42", "client_id": "web", "jti": "1",
        "iat": now, "exp": now + 300, "scope": "read write",
    });
    let Some(output) = python::run(WRITE, &json!({ "claims": claims })) else { return };
    let cases = output.as_array().unwrap();
    assert_eq!(cases.len(), 7);
    for case in cases {
        let string = |name: &str| case[name].as_str().unwrap();
        let verifying = VerifyingKey::from_jwk(string("public"), None).unwrap();
        assert_eq!(verifying.algorithm().as_str(), string("alg"));
        let verifier: Verifier = Verifier::builder(verifying.clone())
            .issuer(ISSUER)
            .audience("api")
            .profile(TokenProfile::Rfc9068)
            .build()
            .unwrap();
        let read = verifier.verify(string("token")).unwrap();
        assert_eq!(serde_json::from_str::<Value>(read.json()).unwrap(), claims);
        assert!(read.has_scope("write"));

        // This crate publishes the same JWK as Python.
        let private = SigningKey::from_jwk(string("private"), None).unwrap();
        assert_eq!(private.kid(), verifying.kid());
        let published = private.verifying_key().to_jwk();
        if string("alg") == "HS256" {
            assert_eq!(published, None);
        } else {
            let theirs: Value = serde_json::from_str(string("public")).unwrap();
            assert_eq!(serde_json::from_str::<Value>(&published.unwrap()).unwrap(), theirs);
        }
    }
}
