use std::fmt;

use http::{HeaderValue, Request, StatusCode};
use tower_layer::Layer;

use crate::{
    error::AuthErrorKind,
    middleware::InvalidToken,
    simplejwt::{
        DjangoUser, SimpleJwt,
        check::Opens,
        error::{Reason, SimpleJwtError},
        simple_jwt::{Inner, unavailable},
    },
    token::Claims,
    trace::{debug, trace},
};

use super::{SimpleJwtAuth, TokenUser, extract::Anonymous};

/// Lets requests with a good token through, as the authentication classes of SimpleJWT do.
///
/// Made by [`SimpleJwt::layer`], which puts a [`DjangoUser`] and a
/// [`TokenUser`] into the request extensions, or by [`SimpleJwt::stateless_layer`], which puts a
/// [`TokenUser`] there alone. Either adds [`Claims`], for
/// [`RequireLayer`](crate::guard::RequireLayer).
#[derive(Clone)]
#[must_use]
pub struct SimpleJwtLayer {
    jwt: SimpleJwt,
    loads_user: bool,
    /// What a bad token means; `None` where a good one is required.
    optional: Option<InvalidToken>,
}

impl SimpleJwtLayer {
    pub(in crate::simplejwt) const fn new(jwt: SimpleJwt, loads_user: bool) -> Self {
        Self { jwt, loads_user, optional: None }
    }

    /// Lets requests without a token through, without a user; `invalid_token` says what becomes of
    /// those with a token that is not good, which SimpleJWT refuses. Default: a token is required,
    /// as by `IsAuthenticated`.
    ///
    /// Handlers then take `Option<DjangoUser>` or `Option<TokenUser>`.
    pub const fn with_optional(mut self, invalid_token: InvalidToken) -> Self {
        self.optional = Some(invalid_token);
        self
    }

    fn inner(&self) -> &Inner {
        &self.jwt.0
    }

    pub(super) fn challenge(&self) -> &HeaderValue {
        &self.inner().header.challenge
    }

    /// Decides about a request where that takes no waiting.
    pub(super) fn decide<B>(&self, request: &mut Request<B>) -> Decision {
        let Inner { header, check, .. } = self.inner();
        let opens = match header.find(request.headers()) {
            Err(refusal) => Opens::Done(Err(refusal)),
            Ok(None) => Opens::Done(Err(Reason::NotAuthenticated.into())),
            Ok(Some(token)) => match str::from_utf8(&token) {
                Ok(token) => check.opens(token),
                Err(_) => Opens::Done(Err(check.not_decoded(AuthErrorKind::Malformed.into()))),
            },
        };
        match opens {
            Opens::Done(result) if result.is_err() || !self.loads_user => {
                let admitted = result.and_then(|claims| admit(request, claims, None));
                match self.or_anonymous(request, admitted) {
                    Ok(()) => Decision::Admitted,
                    Err(refusal) => Decision::Refused(refusal),
                }
            }
            opens => Decision::Waits(opens),
        }
    }

    /// Decides about a request once it is known whether its token opens the route.
    pub(super) async fn decide_waiting<B>(
        &self,
        request: &mut Request<B>,
        opens: Opens,
    ) -> Result<(), SimpleJwtError> {
        let admitted = match self.look_up(opens).await {
            Ok((claims, user)) => admit(request, claims, user),
            Err(refusal) => Err(refusal),
        };
        self.or_anonymous(request, admitted)
    }

    /// The claims of a good token, and its user where one is to be loaded.
    async fn look_up(&self, opens: Opens) -> Result<(Claims, Option<DjangoUser>), SimpleJwtError> {
        let Inner { check, settings, .. } = self.inner();
        let claims = check.finish(opens).await?;
        if !self.loads_user {
            return Ok((claims, None));
        }
        if claims.user_id().is_empty() {
            return Err(Reason::NoUserId.into());
        }
        let user = self.jwt.users()?.find(claims.user_id()).await.map_err(unavailable)?;
        let user = user.ok_or(Reason::UserNotFound)?;
        if settings.check_user_is_active && !user.is_active() {
            return Err(Reason::UserInactive.into());
        }
        if settings.check_revoke_token && !self.jwt.has_mark_of(&claims, &user)? {
            return Err(Reason::PasswordChanged { with_code: true }.into());
        }
        Ok((claims, Some(user)))
    }

    /// Lets a refused request through without a user, where that is allowed.
    fn or_anonymous<B>(
        &self,
        request: &mut Request<B>,
        admitted: Result<(), SimpleJwtError>,
    ) -> Result<(), SimpleJwtError> {
        let Err(refusal) = admitted else { return Ok(()) };
        let tolerated = match (self.optional, refusal.reason()) {
            (Some(_), Reason::NotAuthenticated) => true,
            (Some(InvalidToken::Ignore), _) => refusal.status() == StatusCode::UNAUTHORIZED,
            _ => false,
        };
        if !tolerated {
            return Err(refusal);
        }
        debug!("request goes on without a user");
        let challenge = self.challenge().clone();
        let extensions = request.extensions_mut();
        // An outer layer may have found a user that this one does not vouch for.
        extensions.remove::<DjangoUser>();
        extensions.remove::<TokenUser>();
        extensions.remove::<Claims>();
        extensions.insert(Anonymous { challenge });
        Ok(())
    }
}

/// Puts what a good token tells into the request.
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
    extensions.insert(claims.clone());
    extensions.insert(TokenUser::new(claims));
    if let Some(user) = user {
        extensions.insert(user);
    }
    Ok(())
}

pub(super) enum Decision {
    Admitted,
    Refused(SimpleJwtError),
    Waits(Opens),
}

impl<S> Layer<S> for SimpleJwtLayer {
    type Service = SimpleJwtAuth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SimpleJwtAuth::new(inner, self.clone())
    }
}

impl fmt::Debug for SimpleJwtLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtLayer")
            .field("loads_user", &self.loads_user)
            .field("optional", &self.optional)
            .finish_non_exhaustive()
    }
}
