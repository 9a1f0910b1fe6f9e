use std::{fmt, sync::Arc};

use futures::future::BoxFuture;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    token::RegisteredClaims,
    user::BackendError,
};

type OldStore =
    Arc<dyn Fn(RegisteredClaims) -> BoxFuture<'static, Result<bool, BackendError>> + Send + Sync>;

/// Until when refresh tokens of an earlier system are accepted, and which of them it had revoked.
/// See [`IssuerBuilder::adopt_refresh_tokens`](super::IssuerBuilder::adopt_refresh_tokens).
///
/// ```
/// use std::collections::HashSet;
/// use tower_jwt_auth::{NumericDate, RegisteredClaims, issue::Adoption};
///
/// // Export the blacklist of the earlier system, or ask its database.
/// let revoked: HashSet<String> = HashSet::from(["5f8b6c2d".to_owned()]);
/// let end = NumericDate::from_secs(1_893_456_000);
/// let adoption = Adoption::until(end, move |claims: RegisteredClaims| {
///     let is_revoked = claims.jti().is_some_and(|jti| revoked.contains(jti));
///     async move { Ok(is_revoked) }
/// });
/// ```
#[derive(Clone)]
#[must_use]
pub struct Adoption {
    end: NumericDate,
    was_revoked: Option<OldStore>,
}

impl Adoption {
    /// Accepts refresh tokens without `sid` before `end`, unless `was_revoked` returns `true` for
    /// their claims. If it fails, the response is `503`.
    ///
    /// Choose the time at which the last refresh token of the earlier system expires.
    pub fn until<F, Fut>(end: NumericDate, was_revoked: F) -> Self
    where
        F: Fn(RegisteredClaims) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<bool, BackendError>> + Send + 'static,
    {
        Self { end, was_revoked: Some(Arc::new(move |claims| Box::pin(was_revoked(claims)))) }
    }

    /// Accepts all refresh tokens without `sid` before `end`.
    ///
    /// <div class="warning">
    ///
    /// Tokens that the earlier system had revoked are valid again, and each ancestor of a rotated
    /// token begins a session of its own. Use it only if that system revoked nothing.
    ///
    /// </div>
    pub const fn insecure_unchecked_until(end: NumericDate) -> Self {
        Self { end, was_revoked: None }
    }

    pub(super) fn has_ended(&self, now: NumericDate) -> bool {
        now >= self.end
    }

    pub(super) async fn check(&self, claims: RegisteredClaims) -> Result<(), AuthError> {
        match &self.was_revoked {
            Some(was_revoked) if was_revoked(claims).await? => Err(AuthErrorKind::Revoked.into()),
            _ => Ok(()),
        }
    }
}

impl fmt::Debug for Adoption {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Adoption")
            .field("end", &self.end)
            .field("is_checked", &self.was_revoked.is_some())
            .finish()
    }
}
