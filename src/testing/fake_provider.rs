use std::{
    convert::Infallible,
    fmt, io,
    net::SocketAddr,
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use http_body_util::Full;
use hyper::{body::Bytes, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use serde::Serialize;
use tokio::{
    net::TcpListener,
    task::{AbortHandle, JoinSet},
};

use crate::token::{Algorithm, KeySet, SigningKey, VerifyingKey};

use super::test_token::TestToken;

const JWKS: &str = "/jwks.json";
const METADATA: &str = "/.well-known/openid-configuration";

/// An OpenID Connect provider on a free port of this machine, for tests of services that trust one.
///
/// It publishes its metadata and its keys, signs tokens, rotates its keys and can be made
/// unavailable. It stops when it is dropped.
///
/// ```
/// use tower_jwt_auth::{
///     Verifier,
///     jwks::RemoteKeys,
///     testing::{FakeProvider, TestToken},
///     token::TokenProfile,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let provider = FakeProvider::start().await?;
/// let keys = RemoteKeys::from_issuer(provider.issuer()).insecure_loopback_http().build()?;
/// let verifier: Verifier = Verifier::builder(&keys)
///     .issuer(provider.issuer())
///     .audience("https://api.example")
///     .profile(TokenProfile::Rfc9068)
///     .build()?;
///
/// let token = TestToken::new("ada").rfc9068("app").with_audience("https://api.example");
/// let claims = verifier.verify_async(&provider.sign(token)).await?;
/// assert_eq!(claims.subject(), Some("ada"));
/// # Ok(())
/// # }
/// ```
pub struct FakeProvider {
    address: SocketAddr,
    state: Arc<State>,
    serving: AbortHandle,
}

struct State {
    keys: Mutex<PublishedKeys>,
    is_available: AtomicBool,
    requests: AtomicUsize,
}

struct PublishedKeys {
    current: SigningKey,
    earlier: Vec<VerifyingKey>,
}

impl FakeProvider {
    /// Starts a provider with one key for ES256.
    ///
    /// # Errors
    ///
    /// An error if this machine has no free port.
    ///
    /// # Panics
    ///
    /// If it is not called in a runtime of tokio with I/O enabled.
    pub async fn start() -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State {
            keys: Mutex::new(PublishedKeys { current: new_key(), earlier: Vec::new() }),
            is_available: AtomicBool::new(true),
            requests: AtomicUsize::new(0),
        });
        let serving = tokio::spawn(serve(listener, Arc::clone(&state))).abort_handle();
        Ok(Self { address, state, serving })
    }

    /// Returns its issuer identifier, which is also its URL. It has no `/` at the end.
    #[must_use]
    pub fn issuer(&self) -> String {
        issuer(self.address)
    }

    /// Returns the URL of its keys.
    #[must_use]
    pub fn jwks_url(&self) -> String {
        format!("{}{JWKS}", self.issuer())
    }

    /// Signs `token` with the current key, as a token of this issuer.
    ///
    /// # Panics
    ///
    /// As [`TestToken::sign`].
    #[must_use]
    pub fn sign<C: Serialize>(&self, token: TestToken<C>) -> String {
        token.with_issuer(self.issuer()).sign(&self.state.keys().current)
    }

    /// Signs with a new key from now on. The earlier keys stay published, as they do at a provider
    /// whose tokens are still valid.
    pub fn rotate(&self) {
        let mut keys = self.state.keys();
        let earlier = std::mem::replace(&mut keys.current, new_key());
        keys.earlier.push(earlier.verifying_key());
    }

    /// No longer publishes any key but the current one.
    pub fn withdraw_earlier_keys(&self) {
        self.state.keys().earlier.clear();
    }

    /// Sets whether the provider is available. Otherwise each response is `503`.
    pub fn set_available(&self, is_available: bool) {
        self.state.is_available.store(is_available, Ordering::SeqCst);
    }

    /// Returns how many requests it has received.
    #[must_use]
    pub fn requests(&self) -> usize {
        self.state.requests.load(Ordering::SeqCst)
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl fmt::Debug for FakeProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FakeProvider").field("issuer", &self.issuer()).finish_non_exhaustive()
    }
}

impl State {
    fn keys(&self) -> MutexGuard<'_, PublishedKeys> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn respond(&self, path: &str, address: SocketAddr) -> Response<Full<Bytes>> {
        self.requests.fetch_add(1, Ordering::SeqCst);
        let (status, body) = if !self.is_available.load(Ordering::SeqCst) {
            (StatusCode::SERVICE_UNAVAILABLE, "{}".to_owned())
        } else {
            match path {
                METADATA => (StatusCode::OK, metadata(&issuer(address))),
                JWKS => (StatusCode::OK, self.keys().to_jwks()),
                _ => (StatusCode::NOT_FOUND, "{}".to_owned()),
            }
        };
        Response::builder()
            .status(status)
            .header(CONTENT_TYPE, "application/json")
            .body(Full::new(body.into()))
            .expect("the status and the header are valid")
    }
}

impl PublishedKeys {
    fn to_jwks(&self) -> String {
        let keys = KeySet::builder().signing_key(self.current.clone());
        let keys = self.earlier.iter().fold(keys, |keys, key| keys.verifying_key(key.clone()));
        keys.build().expect("the keys have different ids").to_jwks()
    }
}

async fn serve(listener: TcpListener, state: Arc<State>) {
    // The connections end with this future.
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let Ok(address) = stream.local_addr() else { continue };
        let state = Arc::clone(&state);
        let service = service_fn(move |request: Request<_>| {
            let response = state.respond(request.uri().path(), address);
            async move { Ok::<_, Infallible>(response) }
        });
        // A client that closes its connection is of no interest.
        connections.spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

fn issuer(address: SocketAddr) -> String {
    format!("http://{address}")
}

fn metadata(issuer: &str) -> String {
    serde_json::json!({ "issuer": issuer, "jwks_uri": format!("{issuer}{JWKS}") }).to_string()
}

fn new_key() -> SigningKey {
    SigningKey::generate(Algorithm::ES256).expect("the system has random numbers")
}
