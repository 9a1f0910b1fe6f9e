//! Keys of other issuers. Every provider is a local HTTP server that the test starts.

mod certificates;
mod client;
mod discovery;
mod flood;
mod hostile;
mod issuers;
mod jwk_sets;
mod outage;
mod resolver;
mod rotation;
mod settings;
mod several_sources;
mod spiffe;
mod tenants;
mod unusable;

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, KeySet, ManualClock, Verifier,
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::TokenProfile,
};

use crate::support::{
    foreign::{API, ForeignKey},
    mint::clock,
    provider::{JWKS, Provider},
};

type Outcome = Result<(), AuthErrorKind>;

const UNKNOWN_KEY: Outcome = Err(AuthErrorKind::UnknownKey);
const INVALID_SIGNATURE: Outcome = Err(AuthErrorKind::InvalidSignature);
const UNAVAILABLE: Outcome = Err(AuthErrorKind::Unavailable);

/// A busy machine may need this long.
const DEADLINE: Duration = Duration::from_secs(60);

/// A key server, and a verifier that trusts its keys.
struct Fixture {
    provider: Provider,
    clock: ManualClock,
    keys: RemoteKeys,
    verifier: Verifier,
}

impl Fixture {
    /// The server publishes `keys`, and they have been fetched.
    async fn with_keys(keys: &[Value]) -> Self {
        let fixture = Self::with_provider(provider_with(keys), |keys| keys);
        fixture.keys.refresh().await.unwrap();
        fixture
    }

    /// No keys have been fetched yet.
    fn with_provider(
        provider: Provider,
        settings: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder,
    ) -> Self {
        let clock = clock();
        let builder = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let keys = settings(builder.clock(&clock)).build().unwrap();
        let verifier = verifier(&keys, &provider.issuer(), &clock);
        Self { provider, clock, keys, verifier }
    }

    /// A valid token of the server, signed with `key`.
    fn token(&self, key: &ForeignKey) -> String {
        key.token(&self.provider.issuer())
    }

    /// Verifies `token`, and fetches keys if necessary.
    async fn verify(&self, token: &str) -> Outcome {
        outcome(self.verifier.verify_async(token).await)
    }

    /// Verifies `token` with the current keys.
    fn verify_now(&self, token: &str) -> Outcome {
        outcome(self.verifier.verify(token))
    }

    fn fetches(&self) -> usize {
        self.provider.count(JWKS)
    }
}

fn provider_with(keys: &[Value]) -> Provider {
    let provider = Provider::start();
    provider.publish(keys);
    provider
}

fn verifier(keys: impl Into<KeySet>, issuer: &str, clock: &ManualClock) -> Verifier {
    Verifier::builder(keys)
        .issuer(issuer)
        .audience(API)
        .profile(TokenProfile::Rfc9068)
        .clock(clock)
        .build()
        .unwrap()
}

fn outcome<T>(result: Result<T, tower_jwt_auth::AuthError>) -> Outcome {
    result.map(drop).map_err(|error| error.kind())
}

/// A token signed with `key` that has this `kid`.
fn token_naming(key: &ForeignKey, kid: &str, issuer: &str) -> String {
    key.mint(&json!({ "kid": kid }), issuer, &json!({}))
}

/// Waits until `state` is `expected`.
async fn eventually<T: PartialEq + Debug>(expected: T, mut state: impl AsyncFnMut() -> T) {
    let start = Instant::now();
    loop {
        let now = state().await;
        if now == expected {
            return;
        }
        assert!(start.elapsed() < DEADLINE, "still {now:?}, expected {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
