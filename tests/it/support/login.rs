//! An issuer whose clock, users and store the test controls.

use std::{
    collections::BTreeMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
    time::Duration,
};

use aws_lc_rs::hmac;
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Issuer, ManualClock, NumericDate, SigningKey,
    issue::{Event, IssuerBuilder, Tokens},
    token::{NoClaims, UserId},
    user::{Authentication, BackendError, User, UserBackend, UsernamePassword},
};

use super::flaky::FlakyStore;

pub(crate) const SECRET: &str = "no secret: sixty-four bytes that every reader of this file knows";
pub(crate) const NOW: u64 = 1_700_000_000;
/// The password of all users in a [`Directory`].
pub(crate) const PASSWORD: &str = "analytical engine";

pub(crate) const MINUTE: Duration = Duration::from_secs(60);
pub(crate) const HOUR: Duration = Duration::from_secs(60 * 60);
pub(crate) const DAY: Duration = Duration::from_secs(24 * 60 * 60);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
}

pub(crate) fn ada() -> User<Profile> {
    User::new(1, Profile { username: "ada".to_owned() })
}

/// What a test controls: the clock, users and store; and what it observes: events.
pub(crate) struct Setup {
    pub(crate) clock: ManualClock,
    pub(crate) store: FlakyStore,
    pub(crate) users: Directory<Profile>,
    pub(crate) events: Events,
}

impl Setup {
    /// The time is [`NOW`]. There is one user, [`ada`].
    pub(crate) fn new() -> Self {
        let users = Directory::default();
        users.put(ada());
        let clock = ManualClock::new(NumericDate::from_secs(NOW));
        Self { clock, store: FlakyStore::default(), users, events: Events::default() }
    }

    /// An issuer with a store and rotation, without grace.
    pub(crate) fn builder(&self) -> IssuerBuilder<Profile> {
        self.plain_builder()
            .store(self.store.clone())
            .rotate_refresh_tokens(true)
            .reuse_grace(Duration::ZERO)
    }

    /// An issuer without a store.
    pub(crate) fn plain_builder(&self) -> IssuerBuilder<Profile> {
        let events = self.events.clone();
        Issuer::builder(key())
            .claims()
            .refresh_claims()
            .clock(&self.clock)
            .on_event(move |event| events.push(event))
    }

    pub(crate) fn issuer(&self) -> Issuer<Profile> {
        self.builder().build().unwrap()
    }
}

pub(crate) fn key() -> SigningKey {
    SigningKey::hs256(SECRET).unwrap()
}

/// The refresh token of `tokens`.
pub(crate) fn refresh_of(tokens: &Tokens) -> &str {
    tokens.refresh().unwrap()
}

/// The kind of the error in `result`.
pub(crate) fn error_kind<T>(result: Result<T, AuthError>) -> AuthErrorKind {
    result.err().expect("an error").kind()
}

/// The users of a test. Clones share them.
pub(crate) struct Directory<C, R = NoClaims> {
    users: Arc<Mutex<BTreeMap<String, User<C, R>>>>,
    outage: Arc<AtomicU8>,
}

/// How a [`Directory`] fails.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(crate) enum Outage {
    None,
    Unavailable,
    Overloaded,
}

impl<C, R> Directory<C, R> {
    /// Adds a user, or replaces the one with the same id.
    pub(crate) fn put(&self, user: User<C, R>) {
        self.users.lock().unwrap().insert(user.id().to_string(), user);
    }

    pub(crate) fn remove(&self, id: &str) {
        self.users.lock().unwrap().remove(id);
    }

    pub(crate) fn set(&self, outage: Outage) {
        self.outage.store(outage as u8, Ordering::SeqCst);
    }

    fn check_outage(&self) -> Result<(), BackendError> {
        match self.outage.load(Ordering::SeqCst) {
            0 => Ok(()),
            1 => Err(BackendError::unavailable("unavailable")),
            _ => Err(BackendError::overloaded()),
        }
    }
}

impl<C, R> UserBackend<C, R> for Directory<C, R>
where
    C: Clone + Send + Sync + 'static,
    R: Clone + Send + Sync + 'static,
{
    type Credentials = UsernamePassword;

    /// The user name is the id.
    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<C, R>, BackendError> {
        let user = self.find(&UserId::from(credentials.username)).await?;
        Ok(user.filter(|_| *credentials.password == PASSWORD).into())
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<C, R>>, BackendError> {
        self.check_outage()?;
        Ok(self.users.lock().unwrap().get(id.as_str()).cloned())
    }
}

impl<C, R> Default for Directory<C, R> {
    fn default() -> Self {
        Self { users: Arc::default(), outage: Arc::default() }
    }
}

impl<C, R> Clone for Directory<C, R> {
    fn clone(&self) -> Self {
        Self { users: Arc::clone(&self.users), outage: Arc::clone(&self.outage) }
    }
}

/// The events emitted so far, each as its name and ids. Clones share them.
#[derive(Clone, Default)]
pub(crate) struct Events(Arc<Mutex<Vec<String>>>);

impl Events {
    fn push(&self, event: &Event<'_>) {
        let ids = match *event {
            Event::LoginSucceeded { user_id, session_id }
            | Event::Refreshed { user_id, session_id }
            | Event::ReuseDetected { user_id, session_id }
            | Event::SessionRevoked { user_id, session_id }
            | Event::SessionDisplaced { user_id, session_id } => format!("{user_id} {session_id}"),
            Event::TokenRevoked { user_id, jti } => format!("{user_id} {jti}"),
            Event::UserRevoked { user_id } => user_id.to_owned(),
            Event::LoginFailed { reason, .. } => format!("{reason:?}"),
            Event::Replayed { user_id, session_id, jti, successor, spent_at, replayed_at } => {
                let times = [spent_at, replayed_at].map(|time| time.as_secs() - NOW);
                format!("{user_id} {session_id} {jti} {successor} {times:?}")
            }
            _ => unreachable!("an unknown event"),
        };
        self.0.lock().unwrap().push(format!("{event:?} {ids}"));
    }

    /// The events since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

/// The decoded part of `token` with this index: 0 is the header, 1 the payload.
pub(crate) fn part(token: &str, index: usize) -> String {
    let part = token.split('.').nth(index).unwrap();
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
}

pub(crate) fn payload(token: &str) -> Value {
    serde_json::from_str(&part(token, 1)).unwrap()
}

/// A token with these parts and a valid signature made with `secret`.
pub(crate) fn mint(secret: impl AsRef<[u8]>, header: &str, payload: &str) -> String {
    let encode = |part: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(part);
    let input = format!("{}.{}", encode(header.as_bytes()), encode(payload.as_bytes()));
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_ref());
    let signature = encode(hmac::sign(&key, input.as_bytes()).as_ref());
    format!("{input}.{signature}")
}

/// The header that SimpleJWT and this crate write.
pub(crate) const HEADER: &str = r#"{"alg":"HS256","typ":"JWT"}"#;

/// A refresh token of ada as SimpleJWT issues it, issued at [`NOW`] for `lifetime`.
pub(crate) fn simplejwt_refresh(jti: &str, lifetime: Duration) -> String {
    let exp = NOW + lifetime.as_secs();
    let payload = format!(
        r#"{{"token_type":"refresh","exp":{exp},"iat":{NOW},"jti":"{jti}","user_id":"1"}}"#
    );
    mint(SECRET, HEADER, &payload)
}
