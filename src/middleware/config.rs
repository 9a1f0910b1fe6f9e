use std::sync::Arc;

use http::{
    Method, Request, Response, StatusCode,
    header::{ACCESS_CONTROL_REQUEST_METHOD, SET_COOKIE},
};
use serde::de::DeserializeOwned;

use crate::{
    check::{Check, Checker},
    error::{AuthError, AuthErrorKind},
    found::{insert_anonymous, insert_claims, remove_claims},
    possession::{Evidence, Presentation},
    rejection::{Challenges, Rejection, record_anonymous, respond_with},
    token::Claims,
    trace::{debug, trace},
    transport::{Carrier, FoundToken, TokenSources, decode_query, is_token68},
};

/// What a layer with optional authentication does with an invalid token.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum InvalidToken {
    /// Rejects the request, so that the client learns about it. The default.
    #[default]
    Reject,
    /// Passes the request on without claims, as if it carried no token.
    Ignore,
}

/// The settings that a layer shares with all its services.
pub(super) struct Config<C, R> {
    pub(super) checker: Checker<C>,
    pub(super) sources: TokenSources,
    /// `None` if a token is required.
    pub(super) optional: Option<InvalidToken>,
    pub(super) challenges: Arc<Challenges>,
    /// Those of responses to requests with the scheme `DPoP`, if it is accepted.
    pub(super) dpop_challenges: Option<Arc<Challenges>>,
    /// Those of responses that guards and handlers make, if they must not be the default ones.
    pub(super) inner_challenges: Option<Arc<Challenges>>,
    /// The scope that every token must grant.
    pub(super) required_scope: Option<Arc<str>>,
    pub(super) rejection: R,
}

impl<C: DeserializeOwned + Send + Sync + 'static, R> Config<C, R> {
    /// Checks what the sources have found in `request`.
    pub(super) fn check<B>(
        &self,
        found: Result<Option<FoundToken<'_>>, AuthErrorKind>,
        request: &Request<B>,
    ) -> Check<C> {
        let (token, carrier) = match found {
            Ok(Some(FoundToken { token, carrier })) => (token, carrier),
            Ok(None) => return Check::Done(Err(AuthErrorKind::MissingCredentials.into())),
            Err(kind) => return Check::Done(Err(kind.into())),
        };
        let decoded;
        let token = match carrier {
            Carrier::EncodedQuery => match decode_query(token) {
                Ok(token) => {
                    decoded = token;
                    &decoded
                }
                Err(kind) => return Check::Done(Err(kind.into())),
            },
            _ => token,
        };
        let presentation = match carrier {
            Carrier::Dpop => Presentation::Dpop,
            Carrier::Explicit | Carrier::EncodedQuery | Carrier::Cookie(_) => Presentation::Bearer,
        };
        match self.checker.check_sent(token, presentation, || Evidence::of(request)) {
            // The decoder accepts nothing but `token68`, so the grammar of the credentials decides
            // only which error an invalid token gets. Cookies have no grammar of their own.
            Check::Done(Err(_)) if !carrier.is_cookie() && !is_token68(token) => {
                Check::Done(Err(AuthErrorKind::InvalidRequest.into()))
            }
            check => check,
        }
    }

    /// The challenges of responses of this layer to a request with a token in `carrier`.
    fn challenges(&self, carrier: Carrier) -> &Arc<Challenges> {
        match (&self.dpop_challenges, carrier) {
            (Some(challenges), Carrier::Dpop) => challenges,
            _ => &self.challenges,
        }
    }

    /// The challenges of responses that guards and handlers make, if they must not be the default
    /// ones.
    pub(super) fn inner_challenges(&self, carrier: Carrier) -> Option<Arc<Challenges>> {
        match (&self.dpop_challenges, carrier) {
            (Some(challenges), Carrier::Dpop) => Some(Arc::clone(challenges)),
            _ => self.inner_challenges.clone(),
        }
    }

    /// Puts the claims into the extensions of `request`, or fails if it must be rejected.
    pub(super) fn admit<B>(
        &self,
        request: &mut Request<B>,
        checked: Result<Claims<C>, AuthError>,
        carrier: Carrier,
    ) -> Result<(), AuthError> {
        match checked.and_then(|claims| self.require_scope(claims)) {
            Ok(claims) => {
                trace!("token accepted");
                insert_claims(request.extensions_mut(), claims, remove_claims::<C>);
            }
            Err(error) if self.passes_without_claims(&error, carrier) => {
                record_anonymous(&error);
                insert_anonymous::<C>(request.extensions_mut(), remove_claims::<C>);
            }
            Err(error) => {
                log_preflight(request);
                return Err(error);
            }
        }
        self.sources.remove_tokens(request.headers_mut());
        Ok(())
    }

    fn require_scope(&self, claims: Claims<C>) -> Result<Claims<C>, AuthError> {
        match &self.required_scope {
            Some(scope) if !claims.has_scope(scope) => {
                Err(AuthError::insufficient_scope(Arc::clone(scope)))
            }
            _ => Ok(claims),
        }
    }

    fn passes_without_claims(&self, error: &AuthError, carrier: Carrier) -> bool {
        // A browser sends a cookie without knowing what it is for, so an invalid one counts as none.
        let ignores_invalid = self.optional == Some(InvalidToken::Ignore) || carrier.is_cookie();
        match error.kind() {
            _ if self.optional.is_none() => false,
            AuthErrorKind::MissingCredentials => true,
            kind => ignores_invalid && kind.status() == StatusCode::UNAUTHORIZED,
        }
    }

    pub(super) fn reject<B>(&self, error: AuthError, carrier: Carrier) -> Response<B>
    where
        R: Rejection<B>,
    {
        let challenges = self.challenges(carrier);
        let Some(clearing) = self.sources.clearing(carrier, error.kind()) else {
            return respond_with(&self.rejection, error, challenges);
        };
        let mut response = respond_with(&self.rejection, error, challenges);
        response.headers_mut().append(SET_COOKIE, clearing.clone());
        response
    }
}

/// Browsers send no credentials with a preflight request.
fn log_preflight<B>(request: &Request<B>) {
    let is_preflight = request.method() == Method::OPTIONS
        && request.headers().contains_key(ACCESS_CONTROL_REQUEST_METHOD);
    if is_preflight {
        debug!(
            "a CORS preflight was rejected, so the browser does not send its request: put the CORS \
             layer around the JwtAuthLayer, not inside it"
        );
    }
}

impl<C, R: Clone> Clone for Config<C, R> {
    fn clone(&self) -> Self {
        Self {
            checker: self.checker.clone(),
            sources: self.sources.clone(),
            optional: self.optional,
            challenges: Arc::clone(&self.challenges),
            dpop_challenges: self.dpop_challenges.clone(),
            inner_challenges: self.inner_challenges.clone(),
            required_scope: self.required_scope.clone(),
            rejection: self.rejection.clone(),
        }
    }
}
