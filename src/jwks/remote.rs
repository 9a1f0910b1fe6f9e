use std::{fmt, sync::Arc, time::Duration};

use futures::{FutureExt, future::BoxFuture};

use crate::token::{KeySet, KeySource, Keys};

use super::{
    builder::RemoteKeysBuilder,
    core::{Core, Reason},
    error::{FetchError, FetchErrorKind},
    location::Location,
};

/// The keys of another issuer, fetched over HTTP. See the [module docs](super).
///
/// A handle: clones, and the verifiers built with it, share the keys and their fetches.
#[derive(Clone)]
pub struct RemoteKeys(Arc<Source>);

/// Ends the tasks with the last handle; they themselves hold the core only.
pub(super) struct Source(Arc<Core>);

impl RemoteKeys {
    /// Starts with the keys of the JWK set at `url`.
    ///
    /// Nothing there says whose keys they are: require the [issuer] of tokens as well.
    ///
    /// [issuer]: crate::token::VerifierBuilder::issuer
    pub fn from_url(url: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::from_url(url.into())
    }

    /// Starts with the keys of `issuer`, wherever its metadata say they are: at
    /// `/.well-known/openid-configuration` ([OpenID Connect Discovery]), or where that is missing,
    /// `/.well-known/oauth-authorization-server` ([RFC 8414]).
    ///
    /// They verify tokens whose `iss` is `issuer`, byte for byte, and no others.
    ///
    /// [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
    /// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414
    pub fn from_issuer(issuer: impl Into<Box<str>>) -> RemoteKeysBuilder {
        RemoteKeysBuilder::from_issuer(issuer.into())
    }

    pub(super) fn new(core: Core) -> Self {
        let core = Arc::new(core);
        core.start();
        Self(Arc::new(Source(core)))
    }

    /// Fetches the keys now, or waits for the fetch that is under way.
    ///
    /// Await it before serving to begin with keys at hand, or when a webhook tells of a change. It
    /// knows no cooldown: do not let clients cause it.
    ///
    /// # Errors
    ///
    /// When they could not be fetched; those at hand stay.
    pub async fn refresh(&self) -> Result<(), FetchError> {
        match self.0.0.begin(Reason::Refresh) {
            Some(landing) => landing.await,
            None => Err(FetchErrorKind::Abandoned.into()),
        }
    }

    /// What is known of the keys, for health routes.
    #[must_use]
    pub fn freshness(&self) -> Freshness {
        let last = self.0.0.last_good();
        let (keys, skipped) = last.as_ref().map_or((0, 0), |(good, _)| (good.keys, good.skipped));
        Freshness {
            is_usable: self.0.is_usable(),
            keys,
            skipped,
            age: last.map(|(_, age)| age),
            refresh_in: self.0.0.due_in(),
        }
    }
}

/// The state of [`RemoteKeys`] at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Freshness {
    /// Whether they may be used: some fetch was good, and the last one is not too long ago.
    pub is_usable: bool,
    /// How many there are.
    pub keys: usize,
    /// How many keys of the last document cannot be used.
    pub skipped: usize,
    /// How long ago the last good fetch was, in whole seconds; `None` before it.
    pub age: Option<Duration>,
    /// How long until they are fetched again in the background, in whole seconds.
    pub refresh_in: Duration,
}

impl From<RemoteKeys> for KeySet {
    fn from(keys: RemoteKeys) -> Self {
        Self::fetched(Arc::clone(&keys.0.0.keys), keys.0)
    }
}

impl From<&RemoteKeys> for KeySet {
    fn from(keys: &RemoteKeys) -> Self {
        keys.clone().into()
    }
}

impl fmt::Debug for RemoteKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteKeys")
            .field("from", &self.0.0.origin.location.host())
            .field("freshness", &self.freshness())
            .finish_non_exhaustive()
    }
}

impl KeySource for Source {
    fn issuer(&self) -> Option<&str> {
        match &self.0.origin.location {
            Location::Issuer(issuer) => Some(issuer),
            Location::Url(_) => None,
        }
    }

    fn accepts(&self, algorithm: &str) -> bool {
        let accepted = &self.0.origin.accepted;
        algorithm.parse().is_ok_and(|algorithm| accepted.accepts(algorithm))
    }

    fn is_usable(&self) -> bool {
        self.0.is_usable()
    }

    fn fetch(&self, seen: &Arc<Keys>) -> Option<BoxFuture<'static, ()>> {
        self.0.begin(Reason::Token(seen)).map(|landing| landing.map(drop).boxed())
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        self.0.stop();
    }
}
