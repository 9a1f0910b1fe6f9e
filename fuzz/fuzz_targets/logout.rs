//! Logout tokens, at the route that receives them. The payload is signed.

#![no_main]

use std::sync::LazyLock;

use axum::{Router, body::Body};
use fuzz::{NOW, clock, has_duplicates, key, member, members, mint, mutate_json, send};
use http::{Request, header::CONTENT_TYPE};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value};
use tower_jwt_auth::{MemoryStore, Verifier, routes::BackChannelLogoutRoutes, token::TokenProfile};

const ISSUER: &str = "https://login.example";
const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

static VERIFIER: LazyLock<Verifier> = LazyLock::new(|| {
    let builder = Verifier::builder(key()).issuer(ISSUER).audience("app").clock(clock());
    builder.profile(TokenProfile::LogoutToken).build().unwrap()
});

/// The response to a logout token, sent twice.
fn log_out(token: &str) -> [u16; 2] {
    let routes = BackChannelLogoutRoutes::builder(VERIFIER.clone(), MemoryStore::new());
    let app: Router = routes.clock(clock()).build().unwrap().into_router();
    [(); 2].map(|()| {
        let request = Request::post("/backchannel-logout")
            .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(Body::from(format!("logout_token={token}")));
        send(&app, request.unwrap()).0.as_u16()
    })
}

fn check_accepted(payload: &[u8]) {
    let read = members(payload).expect("an object");
    assert!(!has_duplicates(&read));
    for name in ["nonce", "at_hash", "c_hash", "cnf"] {
        assert!(member(&read, name).is_none(), "{name}");
    }
    assert!(member(&read, "sub").or(member(&read, "sid")).is_some());
    assert!(member(&read, "jti").is_some());
    let events = members(member(&read, "events").expect("events")).expect("an object");
    assert!(members(member(&events, EVENT).expect("the event")).is_some());
    let Ok(read) = serde_json::from_slice::<Map<String, Value>>(payload) else { return };
    assert_eq!(read["iss"], ISSUER);
    let age = NOW as f64 - read["iat"].as_f64().unwrap().trunc();
    assert!((-60.0..=120.0).contains(&age));
    assert!(read.get("exp").is_none_or(|date| date.as_f64().unwrap().trunc() > NOW as f64));
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|payload: &[u8]| {
    let token = mint(r#"{"alg":"HS256","typ":"logout+jwt"}"#, payload);
    match VERIFIER.verify(&token) {
        Ok(_) => {
            check_accepted(payload);
            assert_eq!(log_out(&token), [200, 400]);
        }
        Err(_) => assert_eq!(log_out(&token), [400, 400]),
    }
});
