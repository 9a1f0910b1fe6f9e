use std::sync::Arc;

use http::HeaderValue;

use crate::error::{AuthError, AuthErrorKind};

/// The realm of challenges unless configured otherwise.
pub(crate) const DEFAULT_REALM: &str = "api";

/// The `WWW-Authenticate` challenges of one realm.
#[derive(Clone)]
pub(crate) struct Challenges {
    realm: Arc<str>,
    /// Those that clients cause most often, prepared once.
    prepared: Arc<[(AuthErrorKind, HeaderValue)]>,
}

impl Challenges {
    pub(crate) fn new(realm: Arc<str>) -> Self {
        const FREQUENT: [AuthErrorKind; 7] = [
            AuthErrorKind::MissingCredentials,
            AuthErrorKind::InvalidRequest,
            AuthErrorKind::Malformed,
            AuthErrorKind::InvalidSignature,
            AuthErrorKind::Expired,
            AuthErrorKind::UnknownKey,
            AuthErrorKind::Revoked,
        ];
        let prepare = |kind| (kind, AuthError::from(kind).challenge(&realm));
        Self { prepared: FREQUENT.into_iter().map(prepare).collect(), realm }
    }

    pub(crate) fn realm(&self) -> &str {
        &self.realm
    }

    pub(crate) fn of(&self, error: &AuthError) -> HeaderValue {
        match self.prepared.iter().find(|(kind, _)| *kind == error.kind()) {
            Some((_, challenge)) => challenge.clone(),
            None => error.challenge(&self.realm),
        }
    }
}
