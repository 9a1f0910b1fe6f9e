//! Documents of other issuers: metadata, JWK sets and certificates. The first line is a field
//! `Cache-Control`, the second one the metadata, the rest the document with the keys.

#![no_main]

use std::{
    error::Error,
    sync::{Arc, LazyLock, Mutex},
};

use fuzz::{block_on, clock, has_duplicates, members, mutate_json, parts, string_member};
use http::{Request, Response, Uri, header::CACHE_CONTROL};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use tower_jwt_auth::{
    Algorithm,
    http_client::HttpClient,
    jwks::{RemoteKeys, RemoteKeysBuilder},
};

const ISSUER: &str = "https://login.example/realm";
const TEMPLATE: &str = "https://login.example/{tenantid}/v2.0";

/// The servers of the issuer, in this process.
#[derive(Clone, Default)]
struct Servers(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    cache_control: Vec<u8>,
    metadata: String,
    keys: String,
    /// Requests for other documents than the metadata.
    requested: Vec<Uri>,
}

impl HttpClient for Servers {
    type Body = String;

    async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
        let mut state = self.0.lock().unwrap();
        assert_eq!(request.uri().scheme_str(), Some("https"));
        let document = if request.uri().path().contains("/.well-known/") {
            state.metadata.clone()
        } else {
            state.requested.push(request.uri().clone());
            state.keys.clone()
        };
        Ok(Response::builder().header(CACHE_CONTROL, &state.cache_control[..]).body(document)?)
    }
}

/// Keys of one source, with the servers that they are fetched from.
struct Source {
    keys: RemoteKeys,
    servers: Servers,
    /// The issuer in its metadata.
    issuer: Option<&'static str>,
}

static SOURCES: LazyLock<[Source; 3]> = LazyLock::new(|| {
    const METADATA: &str = "https://login.example/common/.well-known/openid-configuration";
    const CERTIFICATES: &str = "https://login.example/certificates";
    let build = |builder: RemoteKeysBuilder, issuer| {
        let servers = Servers::default();
        let builder = builder.client(servers.clone()).clock(clock());
        Source { keys: builder.build().unwrap(), servers, issuer }
    };
    block_on(async {
        let certificates = RemoteKeys::from_certificates_url(CERTIFICATES);
        let sources = [
            build(RemoteKeys::from_issuer(ISSUER), Some(ISSUER)),
            build(RemoteKeys::from_issuer_template(TEMPLATE, METADATA), Some(TEMPLATE)),
            build(certificates.algorithms([Algorithm::RS256, Algorithm::ES256]), None),
        ];
        // The fetch at the start, after which the clock stands still.
        for source in &sources {
            source.keys.refresh().await.unwrap_err();
        }
        sources
    })
});

fn check_discovered(metadata: &str, issuer: &str, requested: &[Uri]) {
    let metadata = members(metadata).expect("an object");
    assert!(!has_duplicates(&metadata));
    assert_eq!(string_member(&metadata, "issuer").as_deref(), Some(issuer));
    let url: Uri = string_member(&metadata, "jwks_uri").expect("a URL").parse().expect("a URL");
    assert!(requested.iter().all(|uri| uri.host() == url.host() && uri.path() == url.path()));
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|input: &str| {
    let [cache_control, metadata, keys] = parts(input.as_bytes());
    if http::HeaderValue::from_bytes(cache_control).is_err() {
        return;
    }
    let (metadata, keys) = (String::from_utf8_lossy(metadata), String::from_utf8_lossy(keys));
    for Source { keys: source, servers, issuer } in &*SOURCES {
        *servers.0.lock().unwrap() = State {
            cache_control: cache_control.into(),
            metadata: (&*metadata).into(),
            keys: (&*keys).into(),
            requested: Vec::new(),
        };
        let fetched = block_on(source.refresh());
        let status = source.status();
        assert_eq!(status.last_error.is_none(), fetched.is_ok());
        assert!(status.keys <= 100);
        let requested = std::mem::take(&mut servers.0.lock().unwrap().requested);
        if let Some(issuer) = issuer.filter(|_| !requested.is_empty()) {
            check_discovered(&metadata, issuer, &requested);
        }
        if fetched.is_ok() {
            assert!(status.is_usable && !requested.is_empty() && members(&*keys).is_some());
        }
    }
});
