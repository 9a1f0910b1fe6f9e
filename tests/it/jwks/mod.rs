//! Keys of other issuers, over real HTTP from a server that is as hostile as told.

mod client;
mod discovery;
mod documents;
mod flood;
mod hostile;
mod issuers;
mod outage;
mod rotation;
mod settings;

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
const BAD_SIGNATURE: Outcome = Err(AuthErrorKind::InvalidSignature);
const UNAVAILABLE: Outcome = Err(AuthErrorKind::Unavailable);

/// How long a busy machine may take for anything.
const PATIENCE: Duration = Duration::from_secs(60);

/// A key server, and a service that trusts it.
struct Scene {
    provider: Provider,
    clock: ManualClock,
    keys: RemoteKeys,
    verifier: Verifier,
}

impl Scene {
    /// The server publishes `keys`, and they have been fetched.
    async fn of(keys: &[Value]) -> Self {
        let scene = Self::of_provider(publishing(keys), |keys| keys);
        scene.keys.refresh().await.unwrap();
        scene
    }

    /// Nothing has been fetched yet.
    fn of_provider(
        provider: Provider,
        settings: impl FnOnce(RemoteKeysBuilder) -> RemoteKeysBuilder,
    ) -> Self {
        let clock = clock();
        let builder = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let keys = settings(builder.clock(&clock)).build().unwrap();
        let verifier = verifier(&keys, &provider.issuer(), &clock);
        Self { provider, clock, keys, verifier }
    }

    /// A good token of the server, signed with `key`.
    fn token(&self, key: &ForeignKey) -> String {
        key.token(&self.provider.issuer())
    }

    /// What becomes of a token where keys may be fetched.
    async fn ask(&self, token: &str) -> Outcome {
        outcome(self.verifier.verify_async(token).await)
    }

    /// What becomes of a token with the keys at hand.
    fn ask_now(&self, token: &str) -> Outcome {
        outcome(self.verifier.verify(token))
    }

    fn fetches(&self) -> usize {
        self.provider.count(JWKS)
    }
}

fn publishing(keys: &[Value]) -> Provider {
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

/// A token of `key` that names another one.
fn naming(key: &ForeignKey, kid: &str, issuer: &str) -> String {
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
        assert!(start.elapsed() < PATIENCE, "still {now:?} instead of {expected:?}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
