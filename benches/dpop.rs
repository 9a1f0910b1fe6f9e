//! The cost of a request with a token that is bound to a key, compared with the signatures that it
//! contains: `cargo bench --bench dpop`. An argument sets the number of rounds.
//!
//! A request has an access token with HS256 and a proof with ES256 that was not used before. The
//! baseline verifies one ES256 signature with a key that is ready, and computes one HMAC of the same
//! length. Both run in each round, in turn. The figures are nanoseconds a request, as medians of the
//! rounds, and the ratio is the median of the ratios of the rounds.

use std::{convert::Infallible, env, error::Error, hint::black_box, time::Instant};

use aws_lc_rs::{
    digest, hmac,
    rand::SystemRandom,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair,
        ParsedPublicKey,
    },
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use futures::FutureExt;
use http::{Request, Response};
use serde_json::json;
use tower::{Layer, Service, service_fn};
use tower_jwt_auth::{
    Algorithm, Clock, JwtAuthLayer, MemoryStore, Verifier, VerifyingKey, possession::Dpop,
};

const ROUNDS: usize = 201;
const REQUESTS: usize = 100;
const SECRET: [u8; 32] = *b"a secret of 32 bytes for a bench";
const PUBLIC_URL: &str = "https://api.example";

fn main() -> Result<(), Box<dyn Error>> {
    let is_bench = env::args().any(|argument| argument == "--bench");
    let rounds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    let rounds = if is_bench { rounds } else { 1 };
    let client = Client::generate()?;
    let key = VerifyingKey::from_secret(Algorithm::HS256, SECRET)?;
    let layer = |dpop: Option<Dpop>| -> Result<JwtAuthLayer, Box<dyn Error>> {
        let layer = JwtAuthLayer::new(Verifier::builder(key.clone()).build()?);
        Ok(match dpop {
            Some(dpop) => layer.with_dpop(dpop),
            None => layer,
        })
    };
    let dpop = Dpop::builder(PUBLIC_URL).store(MemoryStore::new()).build()?;
    let replayable = Dpop::builder(PUBLIC_URL).insecure_allow_replay().build()?;
    let bound = client.token(true);
    let unbound = client.token(false);

    let mut times: [Vec<f64>; 5] = Default::default();
    for _ in 0..rounds {
        let proofs = client.proofs(&bound)?;
        let bound_requests = || proofs.iter().map(|proof| request("DPoP", &bound, Some(proof)));
        let bearer_requests = || (0..REQUESTS).map(|_| request("Bearer", &unbound, None));
        times[0].push(client.time_baseline(&proofs, &bound)?);
        times[1].push(time(&layer(Some(dpop.clone()))?, bound_requests().collect()));
        times[2].push(time(&layer(Some(replayable.clone()))?, bound_requests().collect()));
        times[3].push(time(&layer(None)?, bearer_requests().collect()));
        times[4].push(time(&layer(Some(dpop.clone()))?, bearer_requests().collect()));
    }
    let names = [
        "one ES256 verification and one HMAC",
        "DPoP, each proof once",
        "DPoP, replay allowed",
        "Bearer, without DPoP",
        "Bearer, with DPoP accepted",
    ];
    println!("{rounds} rounds of {REQUESTS} requests\n\n{:<40} {:>8} {:>7}", "", "median", "ratio");
    for (index, name) in names.into_iter().enumerate() {
        let baseline = if index < 3 { 0 } else { 3 };
        let ratios = times[index].iter().zip(&times[baseline]).map(|(time, base)| time / base);
        let ratio = median(ratios.collect());
        println!("{name:<40} {:>8.0} {ratio:>7.3}", median(times[index].clone()));
    }
    Ok(())
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn request(scheme: &str, token: &str, proof: Option<&String>) -> Request<()> {
    let request = Request::get("/notes").header("authorization", format!("{scheme} {token}"));
    let request = match proof {
        Some(proof) => request.header("dpop", proof),
        None => request,
    };
    request.body(()).expect("a valid request")
}

/// Nanoseconds for each of `requests`.
fn time(layer: &JwtAuthLayer, requests: Vec<Request<()>>) -> f64 {
    let mut service = layer.layer(service_fn(|_: Request<()>| async {
        Ok::<_, Infallible>(Response::new(String::new()))
    }));
    let start = Instant::now();
    for request in requests {
        let response = service.call(request).now_or_never().expect("no waiting");
        assert_eq!(response.map(|response| response.status().as_u16()), Ok(200));
    }
    start.elapsed().as_nanos() as f64 / REQUESTS as f64
}

struct Client {
    pair: EcdsaKeyPair,
    parsed: ParsedPublicKey,
    jwk: serde_json::Value,
    jkt: String,
}

impl Client {
    fn generate() -> Result<Self, Box<dyn Error>> {
        let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING)?;
        let point = pair.public_key().as_ref();
        let (x, y) = (encode(&point[1..33]), encode(&point[33..]));
        let canonical = format!(r#"{{"crv":"P-256","kty":"EC","x":"{x}","y":"{y}"}}"#);
        let parsed = ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)?;
        Ok(Self { parsed, jwk: serde_json::from_str(&canonical)?, jkt: hash(&canonical), pair })
    }

    fn token(&self, is_bound: bool) -> String {
        let now = Clock::system().now().as_secs();
        let mut claims = json!({
            "token_type": "access", "exp": now + 3600, "iat": now, "jti": "9f1c", "user_id": "42",
        });
        if is_bound {
            claims["cnf"] = json!({ "jkt": self.jkt });
        }
        let input =
            format!("{}.{}", encode(r#"{"alg":"HS256","typ":"JWT"}"#), encode(claims.to_string()));
        let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
        format!("{input}.{}", encode(hmac::sign(&key, input.as_bytes())))
    }

    fn proofs(&self, token: &str) -> Result<Vec<String>, Box<dyn Error>> {
        let (now, rng) = (Clock::system().now().as_secs(), SystemRandom::new());
        let header = json!({ "typ": "dpop+jwt", "alg": "ES256", "jwk": self.jwk }).to_string();
        let proof = |_| {
            let mut id = [0; 16];
            aws_lc_rs::rand::fill(&mut id)?;
            let claims = json!({
                "jti": encode(id), "htm": "GET", "htu": format!("{PUBLIC_URL}/notes"),
                "iat": now, "ath": hash(token),
            });
            let input = format!("{}.{}", encode(&header), encode(claims.to_string()));
            let signature = self.pair.sign(&rng, input.as_bytes())?;
            Ok(format!("{input}.{}", encode(signature)))
        };
        (0..REQUESTS).map(proof).collect()
    }

    fn time_baseline(&self, proofs: &[String], token: &str) -> Result<f64, Box<dyn Error>> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, &SECRET);
        let signed: Result<Vec<_>, _> = proofs
            .iter()
            .map(|proof| {
                let (input, signature) = proof.rsplit_once('.').expect("a signature");
                BASE64_URL_SAFE_NO_PAD.decode(signature).map(|signature| (input, signature))
            })
            .collect();
        let signed = signed?;
        let start = Instant::now();
        for (input, signature) in &signed {
            self.parsed.verify_sig(input.as_bytes(), signature)?;
            black_box(hmac::sign(&key, token.as_bytes()));
        }
        Ok(start.elapsed().as_nanos() as f64 / REQUESTS as f64)
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

fn hash(bytes: impl AsRef<[u8]>) -> String {
    encode(digest::digest(&digest::SHA256, bytes.as_ref()))
}
