//! jwcrypto, the package `jose` of npm, and this crate read the keys and tokens of each other.
//!
//! The tests run if `TOWER_JWT_AUTH_PYTHON` names a Python that has jwcrypto, and if
//! `TOWER_JWT_AUTH_NODE` names a folder in which `jose` is installed. `tests/run` sets both.

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
};

use serde_json::{Value, json};
use tower_jwt_auth::{Issuer, KeySet, SigningKey, Verifier, VerifyingKey, token::Jws};

use super::{ALGORITHMS, key};
use crate::support::{
    login::{Profile, ada},
    mint::{NOW, clock},
    python,
};

/// Verifies each token with the published set, and writes keys and tokens of its own. One signature
/// has a context, which RFC 9964, section 5, requires to be empty.
const PYTHON: &str = r#"
import base64, json, sys
from cryptography.hazmat.primitives.asymmetric import mldsa
from jwcrypto import jwk, jws

case = json.load(sys.stdin)
keys = jwk.JWKSet.from_json(case["set"])


def read(token):
    signed = jws.JWS()
    signed.allowed_algs = case["algorithms"]
    signed.deserialize(token)
    signed.verify(keys.get_key(signed.jose_header["kid"]))
    return json.loads(signed.payload)


def encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def write(alg):
    key = jwk.JWK.generate(kty="AKP", alg=alg, use="sig")
    header = json.dumps({"alg": alg, "typ": "JWT"})
    signed = jws.JWS(json.dumps(case["claims"]))
    signed.add_signature(key, None, header, None)
    message = encode(header.encode()) + ".e30"
    sign = key.get_op_key("sign").sign
    return {
        "thumbprint": key.thumbprint(),
        "public": key.export_public(),
        "private": key.export_private(),
        "token": signed.serialize(compact=True),
        "pkcs8": key.export_to_pem(private_key=True, password=None).decode(),
        "spki": key.export_to_pem().decode(),
        "without_context": message + "." + encode(sign(message.encode())),
        "with_context": message + "." + encode(sign(message.encode(), context=b"JWT")),
    }


thumbprints = {key["kid"]: key.thumbprint() for key in keys}
json.dump({
    "private": any(key.has_private for key in keys),
    "read": [read(token) for token in case["tokens"]],
    "thumbprints": [thumbprints[key["kid"]] for key in json.loads(case["set"])["keys"]],
    "written": [write(alg) for alg in case["algorithms"]],
}, sys.stdout)
"#;

/// Like [`PYTHON`], without a context. Prints nothing if this version of Node.js has no ML-DSA.
const NODE: &str = r#"
import * as jose from "jose";

const input = JSON.parse(await new Response(process.stdin).text());
const set = JSON.parse(input.set);
const time = { currentDate: new Date(1_700_000_000_000) };
const results = { read: [], thumbprints: [], written: [] };
try {
  await jose.generateKeyPair("ML-DSA-65");
} catch (error) {
  if (error.name === "NotSupportedError") process.exit(0);
  throw error;
}
for (const token of input.tokens) {
  const { payload } = await jose.jwtVerify(token, jose.createLocalJWKSet(set), time);
  results.read.push(payload);
}
for (const key of set.keys) {
  results.thumbprints.push(await jose.calculateJwkThumbprint(key));
}
for (const alg of input.algorithms) {
  const { publicKey, privateKey } = await jose.generateKeyPair(alg, { extractable: true });
  const header = { alg, typ: "JWT" };
  const jwk = await jose.exportJWK(publicKey);
  results.written.push({
    thumbprint: await jose.calculateJwkThumbprint(jwk),
    public: JSON.stringify(jwk),
    private: JSON.stringify(await jose.exportJWK(privateKey)),
    token: await new jose.SignJWT(input.claims).setProtectedHeader(header).sign(privateKey),
    pkcs8: await jose.exportPKCS8(privateKey),
    spki: await jose.exportSPKI(publicKey),
  });
}
process.stdout.write(JSON.stringify(results));
"#;

/// A published set with a key of each algorithm, a token of each key, and claims for another token.
async fn case() -> Value {
    let (mut set, mut tokens) = (KeySet::builder(), Vec::new());
    for (algorithm, ..) in ALGORITHMS {
        let issuer = Issuer::builder(key(algorithm)).claims::<Profile>().clock(clock());
        let tokens_of_ada = issuer.build().unwrap().login(&ada()).await.unwrap();
        tokens.push(tokens_of_ada.access().to_owned());
        set = set.verifying_key(key(algorithm).verifying_key());
    }
    json!({
        "set": set.build().unwrap().to_jwks(),
        "tokens": tokens,
        "claims": {
            "token_type": "access", "exp": NOW + 300, "iat": NOW, "jti": "9f1c", "user_id": "42",
        },
        "algorithms": ALGORITHMS.map(|(algorithm, ..)| algorithm.as_str()),
    })
}

/// Checks what the other library read of `case`, and reads what it wrote.
fn check(case: &Value, results: &Value) {
    for (index, (algorithm, ..)) in ALGORITHMS.into_iter().enumerate() {
        let key = key(algorithm);
        assert_eq!(results["thumbprints"][index].as_str(), key.kid(), "{algorithm}");
        let token = case["tokens"][index].as_str().unwrap();
        let verifier = Verifier::builder(key.verifying_key()).claims::<Value>().clock(clock());
        let claims = verifier.build().unwrap().verify(token).unwrap();
        assert_eq!(*claims, results["read"][index], "{algorithm}");

        let written = &results["written"][index];
        let text = |name: &str| written[name].as_str().unwrap();
        let signing = SigningKey::from_jwk(text("private"), None).unwrap();
        let verifying = VerifyingKey::from_jwk(text("public"), None).unwrap();
        assert_eq!(verifying.kid(), Some(text("thumbprint")));
        assert_eq!(signing.verifying_key().to_jwk(), verifying.to_jwk());
        let verifier = Verifier::builder(verifying.clone()).claims::<Value>().clock(clock());
        let claims = verifier.build().unwrap().verify(text("token")).unwrap();
        assert_eq!(*claims, case["claims"], "{algorithm}");
        assert_eq!(SigningKey::from_pem(algorithm, text("pkcs8")).unwrap().kid(), verifying.kid());
        assert_eq!(VerifyingKey::from_pem(algorithm, text("spki")).unwrap().kid(), verifying.kid());
    }
}

#[tokio::test]
async fn jwcrypto_and_this_crate_read_the_keys_and_tokens_of_each_other() {
    let case = case().await;
    let Some(results) = python::run(PYTHON, &case) else { return };
    assert_eq!(results["private"], false);
    check(&case, &results);
    for (index, (algorithm, ..)) in ALGORITHMS.into_iter().enumerate() {
        let written = &results["written"][index];
        let key = VerifyingKey::from_jwk(written["public"].as_str().unwrap(), None).unwrap();
        let verify = |name: &str| Jws::verify(written[name].as_str().unwrap(), &key, 8192);
        assert!(verify("without_context").is_ok(), "{algorithm}");
        assert!(verify("with_context").is_err(), "{algorithm}");
    }
}

/// Node.js has ML-DSA since version 24.7.
#[tokio::test]
async fn jose_and_this_crate_read_the_keys_and_tokens_of_each_other() {
    let Some(packages) = env::var_os("TOWER_JWT_AUTH_NODE") else {
        eprintln!("skipped: TOWER_JWT_AUTH_NODE is not set (tests/run sets it)");
        return;
    };
    let case = case().await;
    let mut node = Command::new("node")
        .args(["--input-type=module", "-e", NODE])
        .current_dir(packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    node.stdin.take().unwrap().write_all(case.to_string().as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: are the packages installed?");
    if output.stdout.is_empty() {
        eprintln!("skipped: this version of Node.js has no ML-DSA");
        return;
    }
    check(&case, &serde_json::from_slice(&output.stdout).unwrap());
}
