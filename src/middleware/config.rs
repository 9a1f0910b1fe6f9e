use http::{Request, Response, StatusCode};
use serde::de::DeserializeOwned;

use crate::{
    check::{Check, Checker},
    error::{AuthError, AuthErrorKind},
    found::{insert_anonymous, insert_claims, remove_claims},
    rejection::{Challenges, Rejection, record_anonymous, respond_with},
    token::Claims,
    trace::trace,
    transport::{TokenSources, is_token68},
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
    pub(super) challenges: Challenges,
    pub(super) rejection: R,
}

impl<C: DeserializeOwned + Send + Sync + 'static, R> Config<C, R> {
    pub(super) fn check<B>(&self, request: &Request<B>) -> Check<C> {
        match self.sources.find(request) {
            Ok(Some(token)) => match self.checker.check(token) {
                // The decoder accepts nothing but `token68`, so the grammar of the credentials
                // decides only which error an invalid token gets.
                Check::Done(Err(_)) if !is_token68(token) => {
                    Check::Done(Err(AuthErrorKind::InvalidRequest.into()))
                }
                check => check,
            },
            Ok(None) => Check::Done(Err(AuthErrorKind::MissingCredentials.into())),
            Err(kind) => Check::Done(Err(kind.into())),
        }
    }

    /// Puts the claims into the extensions of `request`, or fails if it must be rejected.
    pub(super) fn admit<B>(
        &self,
        request: &mut Request<B>,
        checked: Result<Claims<C>, AuthError>,
    ) -> Result<(), AuthError> {
        match checked {
            Ok(claims) => {
                trace!("token accepted");
                insert_claims(request.extensions_mut(), claims, remove_claims::<C>);
            }
            Err(error) if self.passes_without_claims(&error) => {
                record_anonymous(&error);
                insert_anonymous::<C>(request.extensions_mut(), remove_claims::<C>);
            }
            Err(error) => return Err(error),
        }
        Ok(())
    }

    fn passes_without_claims(&self, error: &AuthError) -> bool {
        match (self.optional, error.kind()) {
            (Some(_), AuthErrorKind::MissingCredentials) => true,
            (Some(InvalidToken::Ignore), kind) => kind.status() == StatusCode::UNAUTHORIZED,
            _ => false,
        }
    }

    pub(super) fn reject<B>(&self, error: AuthError) -> Response<B>
    where
        R: Rejection<B>,
    {
        respond_with(&self.rejection, error, |error| self.challenges.of(error))
    }
}

impl<C, R: Clone> Clone for Config<C, R> {
    fn clone(&self) -> Self {
        Self {
            checker: self.checker.clone(),
            sources: self.sources.clone(),
            optional: self.optional,
            challenges: self.challenges.clone(),
            rejection: self.rejection.clone(),
        }
    }
}
