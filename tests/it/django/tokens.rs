//! Tokens of every kind at every endpoint.

use serde_json::Value;
use tower_jwt_auth::Algorithm;

use crate::support::mint::{Minter, encode};

use super::{
    endpoints::Endpoint,
    minting::Mint,
    odd_tokens::{NOT_UNDERSTOOD, Odd, WRONG_TYPE, odd_payloads},
    pair::{Deviation, Pair},
};

const LOOSE: &str = "padding in base64url";
const ENCODING: &str = "claims with a byte order mark";

pub(super) fn compare(pair: &Pair, mint: &Mint) {
    let alice = pair.user("alice");
    for endpoint in Endpoint::ALL {
        let token_type = endpoint.token_type(pair);
        for Odd { changes, deviation } in odd_payloads(mint.began) {
            let changes: Vec<_> = changes.iter().map(|(name, value)| (*name, &**value)).collect();
            pair.case(format!("{endpoint:?} {changes:?}"))
                .differs_as(deviation.and_then(|deviation| deviation(pair, endpoint)))
                .send(|_| endpoint.request(pair, &mint.token(token_type, &alice, &changes)));
        }
        for token_type in ["access", "refresh", "sliding", "untyped", "other"] {
            pair.compare(format!("{endpoint:?} type {token_type}"), |_| {
                endpoint.request(pair, &mint.token(token_type, &alice, &[]))
            });
        }
        malformed(pair, mint, endpoint, &alice);
        headers(pair, mint, endpoint, &alice);
        payloads(pair, mint, endpoint);
    }
}

/// Malformed tokens and wrong signatures.
fn malformed(pair: &Pair, mint: &Mint, endpoint: Endpoint, alice: &Value) {
    let token_type = endpoint.token_type(pair);
    let valid = mint.token(token_type, alice, &[]);
    let payload = mint.payload(token_type, alice, &[]);
    let [header, claims, signature] = [0, 1, 2].map(|part| valid.split('.').nth(part).unwrap());
    let alg = mint.algorithm.as_str();
    let other_signature = mint.token(token_type, alice, &[]).rsplit('.').next().unwrap().to_owned();
    let secret = mint.public.as_bytes();
    for text in [
        String::new(),
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        "...".to_owned(),
        "a.b.c".to_owned(),
        "☃.☃.☃".to_owned(),
        format!("{header}.{claims}"),
        format!("{header}.{claims}."),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{valid}.{signature}"),
        format!("{header}.{claims}.{other_signature}"),
        format!("{header}.{claims}.{}", &signature[1..]),
        format!("{header}.{claims}.{signature}!"),
        format!("{header}.{claims}x.{signature}"),
        format!("{header}.{}.{signature}", encode(&payload)),
        // Without a signature.
        format!("{}.{claims}.", encode(r#"{"alg":"none","typ":"JWT"}"#)),
        format!("{}.{claims}.{signature}", encode(r#"{"alg":"None","typ":"JWT"}"#)),
        // The public key, or the secret, with other algorithms.
        Minter::new(Algorithm::HS256, secret).mint(r#"{"alg":"HS384","typ":"JWT"}"#, &payload),
        Minter::new(Algorithm::HS384, secret).mint(r#"{"alg":"HS384","typ":"JWT"}"#, &payload),
        Minter::new(Algorithm::HS384, secret).mint(format!(r#"{{"alg":"{alg}"}}"#), &payload),
    ] {
        pair.compare(format!("{endpoint:?} {text}"), |_| endpoint.request(pair, &text));
    }
    // Python accepts the padding only if it is complete.
    let is_loose = signature.len() % 4 == 3;
    pair.case(format!("{endpoint:?} with padding"))
        .differs_if(is_loose, LOOSE, 401, "Token is invalid")
        .send(|_| endpoint.request(pair, &format!("{}=", mint.token(token_type, alice, &[]))));
}

/// Valid claims with other headers.
fn headers(pair: &Pair, mint: &Mint, endpoint: Endpoint, alice: &Value) {
    let alg = mint.algorithm.as_str();
    let rejected = |name| Some(Deviation { name, status: 401, text: "Token is invalid" });
    for (header, deviation) in [
        ("{}".to_owned(), None),
        ("[]".to_owned(), None),
        ("null".to_owned(), None),
        ("x".to_owned(), None),
        (r#"{"alg":null}"#.to_owned(), None),
        (r#"{"alg":12}"#.to_owned(), None),
        (format!(r#"{{"alg":"{}"}}"#, alg.to_lowercase()), None),
        (format!(r#"{{"alg":"{alg}"}}"#), None),
        (format!(r#"{{"typ":"JWT","alg":"{alg}"}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"at+jwt"}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":12}}"#), rejected(WRONG_TYPE)),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","kid":"some key"}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","kid":12}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","jku":"https://evil.example"}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","cty":"JWT"}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","crit":["exp"],"exp":1}}"#), None),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","zip":"DEF"}}"#), rejected(NOT_UNDERSTOOD)),
        (format!(r#"{{"alg":"{alg}","typ":"JWT","enc":"A128GCM"}}"#), rejected(NOT_UNDERSTOOD)),
    ] {
        pair.case(format!("{endpoint:?} {header}")).differs_as(deviation).send(|_| {
            let payload = mint.payload(endpoint.token_type(pair), alice, &[]);
            endpoint.request(pair, &mint.minter.mint(&header, payload))
        });
    }
}

/// Signed payloads that are not objects with claims.
fn payloads(pair: &Pair, mint: &Mint, endpoint: Endpoint) {
    // If these claims are required, both sides only report their absence.
    let configuration = &pair.configuration;
    let is_bare = configuration.get("AUDIENCE").is_null() && configuration.get("ISSUER").is_null();
    let no_id = endpoint.requires_id(pair, "Token has no 'exp' claim");
    for (payload, deviation) in [
        ("", None),
        ("x", None),
        ("{}", no_id),
        ("[]", None),
        ("null", None),
        ("12", None),
        ("\"text\"", None),
        ("{", None),
        ("{\"exp\":NaN}", None),
        ("\u{feff}{}", Some(Deviation { name: ENCODING, status: 401, text: "Token is invalid" })),
    ] {
        pair.case(format!("{endpoint:?} {payload:?}"))
            .differs_as(deviation.filter(|_| is_bare))
            .send(|_| endpoint.request(pair, &mint.minter.token(payload)));
    }
    let long = |_| {
        endpoint.request(pair, &mint.minter.token(format!("{{\"x\":\"{}\"}}", "x".repeat(7000))))
    };
    let deviation = Deviation { name: NOT_UNDERSTOOD, status: 401, text: "Token is invalid" };
    // gunicorn rejects the header as too long.
    let is_header = matches!(endpoint, Endpoint::Hello | Endpoint::Stateless);
    pair.case(format!("{endpoint:?} a long token"))
        .differs_as(Some(deviation).filter(|_| is_bare || is_header))
        .send(long);
}
