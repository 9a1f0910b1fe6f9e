use std::sync::Arc;

use http::{HeaderMap, HeaderValue, Response, header::WWW_AUTHENTICATE};

use crate::error::{AuthError, AuthErrorKind, ChallengeParameters};

/// The realm of challenges unless configured otherwise.
pub(crate) const DEFAULT_REALM: &str = "api";

/// The `WWW-Authenticate` challenges of one layer.
#[derive(Clone)]
pub(crate) struct Challenges {
    parameters: Parameters,
    /// Those that clients cause most often, prepared once.
    prepared: Arc<[(AuthErrorKind, HeaderValue)]>,
    /// That of the scheme `Bearer` or `DPoP` that the request does not use, without an error.
    other: Option<HeaderValue>,
}

#[derive(Clone)]
struct Parameters {
    realm: Arc<str>,
    scope: Option<Arc<str>>,
    resource_metadata: Option<Arc<str>>,
    dpop: Option<DpopChallenge>,
    /// Whether the request uses the scheme `DPoP`. Errors are parameters of its challenge (RFC 9449
    /// section 7.1).
    is_dpop_request: bool,
}

/// The challenge of the scheme `DPoP` (RFC 9449 section 7.1).
#[derive(Clone)]
pub(crate) struct DpopChallenge {
    /// The accepted algorithms, separated by spaces.
    pub(crate) algs: Arc<str>,
    /// Whether it is the only challenge.
    pub(crate) is_required: bool,
}

impl Default for Challenges {
    fn default() -> Self {
        Self::new(Parameters {
            realm: DEFAULT_REALM.into(),
            scope: None,
            resource_metadata: None,
            dpop: None,
            is_dpop_request: false,
        })
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
        Self {
            prepared: FREQUENT.into_iter().map(prepare).collect(),
            other: parameters.other_challenge(),
            parameters,
        }
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

    /// Adds the scheme `DPoP`.
    pub(crate) fn with_dpop(self, dpop: DpopChallenge) -> Self {
        Self::new(Parameters { dpop: Some(dpop), ..self.parameters })
    }

    /// The challenges of responses to requests with the scheme `DPoP`.
    pub(crate) fn for_dpop_requests(self) -> Self {
        Self::new(Parameters { is_dpop_request: true, ..self.parameters })
    }

    pub(crate) fn realm(&self) -> &str {
        &self.parameters.realm
    }

    pub(crate) const fn has_resource_metadata(&self) -> bool {
        self.parameters.resource_metadata.is_some()
    }

    pub(crate) const fn has_dpop(&self) -> bool {
        self.parameters.dpop.is_some()
    }

    fn of(&self, error: &AuthError) -> HeaderValue {
        match self.prepared.iter().find(|(kind, _)| *kind == error.kind()) {
            Some((_, challenge)) => challenge.clone(),
            None => self.parameters.challenge(error),
        }
    }

    /// Writes the challenges for `error`, which replace those of `headers`. Clients that know only
    /// one challenge read the first, so that of `Bearer` comes first.
    pub(crate) fn write(&self, error: &AuthError, headers: &mut HeaderMap) {
        let challenge = self.of(error);
        match &self.other {
            None => {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            Some(bearer) if self.parameters.is_dpop_request => {
                headers.insert(WWW_AUTHENTICATE, bearer.clone());
                headers.append(WWW_AUTHENTICATE, challenge);
            }
            Some(dpop) => {
                headers.insert(WWW_AUTHENTICATE, challenge);
                headers.append(WWW_AUTHENTICATE, dpop.clone());
            }
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
        let Some(error) = response.extensions().get::<AuthError>() else { return };
        let challenge = response.headers().get(WWW_AUTHENTICATE);
        let is_default = match challenge {
            Some(challenge) => *challenge == error.challenge(DEFAULT_REALM),
            None => self.is_needed(error),
        };
        if is_default {
            let error = error.clone();
            self.write(&error, response.headers_mut());
        }
    }
}

impl Parameters {
    /// The challenge that names `error`.
    fn challenge(&self, error: &AuthError) -> HeaderValue {
        match &self.dpop {
            Some(dpop) if dpop.is_required || self.is_dpop_request => {
                self.challenge_of("DPoP", Some(&dpop.algs), error)
            }
            _ => self.challenge_of("Bearer", None, error),
        }
    }

    fn other_challenge(&self) -> Option<HeaderValue> {
        let dpop = self.dpop.as_ref().filter(|dpop| !dpop.is_required)?;
        let no_error = AuthErrorKind::MissingCredentials.into();
        Some(if self.is_dpop_request {
            self.challenge_of("Bearer", None, &no_error)
        } else {
            self.challenge_of("DPoP", Some(&dpop.algs), &no_error)
        })
    }

    fn challenge_of(&self, scheme: &str, algs: Option<&str>, error: &AuthError) -> HeaderValue {
        error.challenge_with(&ChallengeParameters {
            scheme,
            realm: &self.realm,
            algs,
            scope: self.scope.as_deref(),
            resource_metadata: self.resource_metadata.as_deref(),
        })
    }
}
