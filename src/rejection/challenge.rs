use std::sync::Arc;

use http::{HeaderValue, Response, StatusCode, header::WWW_AUTHENTICATE};

use crate::error::{AuthError, AuthErrorKind, ChallengeParameters};

/// The realm of challenges unless configured otherwise.
pub(crate) const DEFAULT_REALM: &str = "api";

/// The `WWW-Authenticate` challenges of one layer.
#[derive(Clone)]
pub(crate) struct Challenges {
    parameters: Parameters,
    /// Those that clients cause most often, prepared once.
    prepared: Arc<[(AuthErrorKind, HeaderValue)]>,
}

#[derive(Clone)]
struct Parameters {
    realm: Arc<str>,
    scope: Option<Arc<str>>,
    resource_metadata: Option<Arc<str>>,
}

impl Default for Challenges {
    fn default() -> Self {
        Self::new(Parameters { realm: DEFAULT_REALM.into(), scope: None, resource_metadata: None })
    }
}

impl Challenges {
    fn new(parameters: Parameters) -> Self {
        const FREQUENT: [AuthErrorKind; 7] = [
            AuthErrorKind::MissingCredentials,
            AuthErrorKind::InvalidRequest,
            AuthErrorKind::Malformed,
            AuthErrorKind::InvalidSignature,
            AuthErrorKind::Expired,
            AuthErrorKind::UnknownKey,
            AuthErrorKind::Revoked,
        ];
        let prepare = |kind: AuthErrorKind| (kind, parameters.challenge(&AuthError::from(kind)));
        Self { prepared: FREQUENT.into_iter().map(prepare).collect(), parameters }
    }

    pub(crate) fn with_realm(self, realm: Arc<str>) -> Self {
        Self::new(Parameters { realm, ..self.parameters })
    }

    /// Has challenges name the scope that every request requires.
    pub(crate) fn with_scope(self, scope: Arc<str>) -> Self {
        Self::new(Parameters { scope: Some(scope), ..self.parameters })
    }

    /// Has challenges name the URL of the metadata of the protected resource.
    pub(crate) fn with_resource_metadata(self, url: Arc<str>) -> Self {
        Self::new(Parameters { resource_metadata: Some(url), ..self.parameters })
    }

    pub(crate) fn realm(&self) -> &str {
        &self.parameters.realm
    }

    pub(crate) const fn has_resource_metadata(&self) -> bool {
        self.parameters.resource_metadata.is_some()
    }

    pub(crate) fn of(&self, error: &AuthError) -> HeaderValue {
        match self.prepared.iter().find(|(kind, _)| *kind == error.kind()) {
            Some((_, challenge)) => challenge.clone(),
            None => self.parameters.challenge(error),
        }
    }

    /// Whether the response to `error` has a challenge.
    pub(crate) fn is_needed(&self, error: &AuthError) -> bool {
        // A client may get a token with which the request is permitted from a server that the
        // metadata names.
        let is_permitted_to_others =
            self.has_resource_metadata() && error.kind() == AuthErrorKind::Forbidden;
        error.kind().has_challenge() || is_permitted_to_others
    }

    /// Replaces the default challenge of a response that a guard or a handler has made of an
    /// [`AuthError`].
    pub(crate) fn replace_default<B>(&self, response: &mut Response<B>) {
        if !matches!(response.status(), StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            return;
        }
        let Some(error) = response.extensions().get::<AuthError>() else { return };
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let is_default = match challenge {
            Some(challenge) => *challenge == error.challenge(DEFAULT_REALM),
            None => self.is_needed(error),
        };
        if is_default {
            let challenge = self.of(error);
            response.headers_mut().insert(WWW_AUTHENTICATE, challenge);
        }
    }
}

impl Parameters {
    fn challenge(&self, error: &AuthError) -> HeaderValue {
        error.challenge_with(&ChallengeParameters {
            realm: &self.realm,
            scope: self.scope.as_deref(),
            resource_metadata: self.resource_metadata.as_deref(),
        })
    }
}
