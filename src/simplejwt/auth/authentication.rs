//! How a request is authenticated.

use http::{Extensions, HeaderValue, Request, StatusCode};

use crate::{
    error::AuthErrorKind,
    found::{insert_anonymous, insert_claims, remove_claims},
    middleware::InvalidToken,
    simplejwt::{
        check::Verdict,
        database::DjangoUser,
        error::{Reason, SimpleJwtError},
        simple_jwt::{Inner, SimpleJwt},
    },
    token::{Claims, NoClaims},
    trace::{debug, trace},
};

use super::{extract::Anonymous, token_user::TokenUser};

/// Authenticates requests, with or without loading the user.
#[derive(Clone)]
pub(super) struct Authentication {
    jwt: SimpleJwt,
    pub(super) loads_user: bool,
    /// What becomes of a request with an invalid token; `None` if a valid one is required.
    pub(super) optional: Option<InvalidToken>,
}

/// The outcome for a request, or what has to be awaited for it.
pub(super) enum Decision {
    Admitted,
    Rejected(SimpleJwtError),
    Pending(Verdict),
}

impl Authentication {
    pub(super) const fn new(jwt: SimpleJwt, loads_user: bool) -> Self {
        Self { jwt, loads_user, optional: None }
    }

    fn inner(&self) -> &Inner {
        &self.jwt.0
    }

    pub(super) fn challenge(&self) -> &HeaderValue {
        &self.inner().header.challenge
    }

    /// Decides about a request, if that needs no waiting.
    pub(super) fn decide<B>(&self, request: &mut Request<B>) -> Decision {
        let Inner { header, check, .. } = self.inner();
        let verdict = match header.find(request.headers()) {
            Err(error) => Verdict::Done(Err(error)),
            Ok(None) => Verdict::Done(Err(Reason::NotAuthenticated.into())),
            Ok(Some(token)) => match str::from_utf8(&token) {
                Ok(token) => check.authenticate(token),
                Err(_) => Verdict::Done(Err(check.undecodable(AuthErrorKind::Malformed.into()))),
            },
        };
        match verdict {
            Verdict::Done(result) if result.is_err() || !self.loads_user => {
                let admitted = result.and_then(|claims| admit(request, claims, None));
                match self.or_anonymous(request, admitted) {
                    Ok(()) => Decision::Admitted,
                    Err(error) => Decision::Rejected(error),
                }
            }
            verdict => Decision::Pending(verdict),
        }
    }

    /// Decides about a request whose decision was pending.
    pub(super) async fn finish<B>(
        &self,
        request: &mut Request<B>,
        verdict: Verdict,
    ) -> Result<(), SimpleJwtError> {
        let admitted = match self.look_up(verdict).await {
            Ok((claims, user)) => admit(request, claims, user),
            Err(error) => Err(error),
        };
        self.or_anonymous(request, admitted)
    }

    /// The claims of a valid token, and its user if users are loaded.
    async fn look_up(
        &self,
        verdict: Verdict,
    ) -> Result<(Claims, Option<DjangoUser>), SimpleJwtError> {
        let Inner { check, settings, .. } = self.inner();
        let claims = check.finish(verdict).await?;
        if !self.loads_user {
            return Ok((claims, None));
        }
        if claims.user_id().is_empty() {
            return Err(Reason::NoUserId.into());
        }
        let user = self.jwt.users()?.find(claims.user_id().as_str()).await?;
        let user = user.ok_or(Reason::UserNotFound)?;
        if settings.check_user_is_active && !user.is_active() {
            return Err(Reason::UserInactive.into());
        }
        if settings.check_revoke_token && !self.jwt.has_current_password(&claims, &user)? {
            return Err(Reason::PasswordChanged { with_code: true }.into());
        }
        Ok((claims, Some(user)))
    }

    /// Lets a rejected request through without a user, if that is allowed.
    fn or_anonymous<B>(
        &self,
        request: &mut Request<B>,
        admitted: Result<(), SimpleJwtError>,
    ) -> Result<(), SimpleJwtError> {
        let Err(error) = admitted else { return Ok(()) };
        let tolerated = match (self.optional, error.reason()) {
            (Some(_), Reason::NotAuthenticated) => true,
            (Some(InvalidToken::Ignore), _) => error.status() == StatusCode::UNAUTHORIZED,
            _ => false,
        };
        if !tolerated {
            return Err(error);
        }
        debug!("request continues without a user");
        let challenge = self.challenge().clone();
        let extensions = request.extensions_mut();
        remove_user(extensions);
        insert_anonymous::<NoClaims>(extensions, remove_user);
        extensions.insert(Anonymous { challenge });
        Ok(())
    }
}

/// Removes what a layer of this kind has left. A layer inside it may accept another user, or none.
fn remove_user(extensions: &mut Extensions) {
    extensions.remove::<DjangoUser>();
    extensions.remove::<TokenUser>();
    extensions.remove::<Anonymous>();
    remove_claims::<NoClaims>(extensions);
}

/// Puts the user of a valid token into the request.
fn admit<B>(
    request: &mut Request<B>,
    claims: Claims,
    user: Option<DjangoUser>,
) -> Result<(), SimpleJwtError> {
    if claims.user_id().is_empty() {
        return Err(Reason::NoUserId.into());
    }
    trace!("token accepted");
    let extensions = request.extensions_mut();
    remove_user(extensions);
    insert_claims(extensions, claims.clone(), remove_user);
    extensions.insert(TokenUser::new(claims));
    if let Some(user) = user {
        extensions.insert(user);
    }
    Ok(())
}
