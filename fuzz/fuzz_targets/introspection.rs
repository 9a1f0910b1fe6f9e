//! Introspection responses.

#![no_main]

use std::{
    error::Error,
    sync::{
        Arc, LazyLock, Mutex,
        atomic::{AtomicU64, Ordering},
    },
};

use axum::body::Bytes;
use fuzz::{NOW, block_on, clock, has_duplicates, members, mutate_json};
use http::{Request, Response, header::CONTENT_TYPE};
use http_body_util::Full;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value};
use tower_jwt_auth::{
    AuthError, Claims,
    http_client::HttpClient,
    introspection::{ClientAuth, Introspection},
};

const ISSUER: &str = "https://login.example";

/// An authorization server in this process.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Bytes>>);

impl HttpClient for Server {
    type Body = Full<Bytes>;

    async fn send(
        &self,
        _: Request<Vec<u8>>,
    ) -> Result<Response<Full<Bytes>>, Box<dyn Error + Send + Sync>> {
        let body = self.0.lock().unwrap().clone();
        Ok(Response::builder().header(CONTENT_TYPE, "application/json").body(body.into())?)
    }
}

struct Resource {
    server: Server,
    strict: Introspection,
    map: Introspection<Map<String, Value>>,
    /// Without an issuer, an audience and a required user.
    lenient: Introspection,
}

static RESOURCE: LazyLock<Resource> = LazyLock::new(|| {
    let server = Server::default();
    let builder = || {
        let auth = ClientAuth::basic("api", "secret");
        let builder = Introspection::builder("https://login.example/introspect", auth);
        builder.client(server.clone()).clock(clock())
    };
    let strict = || builder().issuer(ISSUER).audience("api");
    Resource {
        strict: strict().build().unwrap(),
        map: strict().claims().build().unwrap(),
        lenient: builder().optional_user_id().build().unwrap(),
        server,
    }
});

fn check_accepted(response: &[u8], claims: &Claims) {
    assert_eq!(claims.json().as_bytes(), response);
    assert!(!has_duplicates(&members(response).expect("an object")));
    let Ok(read) = serde_json::from_slice::<Map<String, Value>>(response) else { return };
    assert_eq!(read["active"], true);
    assert_eq!(read["iss"], ISSUER);
    let is_ours = |audience: &Value| audience == "api";
    assert!(is_ours(&read["aud"]) || read["aud"].as_array().unwrap().iter().any(is_ours));
    assert!(read.get("exp").is_none_or(|date| date.as_f64().unwrap().trunc() > NOW as f64));
    assert_eq!(read["sub"], claims.user_id().as_str());
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

/// An opaque token that was not used before.
fn new_token() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("opaque-{}", COUNT.fetch_add(1, Ordering::Relaxed))
}

fuzz_target!(|response: &[u8]| {
    let Resource { server, strict, map, lenient } = &*RESOURCE;
    *server.0.lock().unwrap() = response.to_vec().into();
    let token = new_token();
    let outcome = block_on(strict.introspect(&token));
    if let Ok(claims) = &outcome {
        check_accepted(response, claims);
    }
    let typed = block_on(map.introspect(&token));
    let expected = serde_json::from_slice::<Map<_, _>>(response).ok().filter(|_| outcome.is_ok());
    assert_eq!(typed.as_deref().ok(), expected.as_ref());

    let first = block_on(lenient.introspect(&token));
    assert!(first.is_ok() || outcome.is_err());
    // The second time from the cache.
    let kind = |result: Result<Claims, AuthError>| result.err().map(|error| error.kind());
    assert_eq!(kind(block_on(lenient.introspect(&token))), kind(first));
});
