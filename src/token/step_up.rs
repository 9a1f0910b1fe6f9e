use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::{AuthError, AuthErrorKind, ConfigError, ErrorDetails, is_scope_token},
};

use super::claims::Claims;

/// What an operation requires of the login behind a token: that it is recent enough, or that it was
/// strong enough ([RFC 9470]).
///
/// 1. [`RequireLayer::step_up`](crate::guard::RequireLayer::step_up) applies it to routes,
///    [`Claims::require_step_up`] in a handler. It compares the claims `auth_time` and `acr` of the
///    token, which may also be opaque.
/// 2. If they do not meet it, or are missing, the client gets `401` with the requirement in the
///    challenge:
///
///    ```text
///    Bearer realm="api", error="insufficient_user_authentication", error_description="…", max_age="300"
///    ```
///
/// 3. The client has its user log in again. It passes `max_age` and `acr_values` on to the
///    authorization server, which writes `auth_time` and `acr` into the next token. An
///    [`Issuer`](crate::Issuer) writes them with
///    [`access_auth_time`](crate::issue::IssuerBuilder::access_auth_time) and
///    [`LoginStart::with_acr`](crate::issue::LoginStart::with_acr).
/// 4. The client repeats the request with that token.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::{Algorithm, AuthErrorKind, Issuer, SigningKey, token::StepUp, user::User};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = SigningKey::generate(Algorithm::HS256)?;
/// let fresh = StepUp::builder().max_age(Duration::from_secs(300)).build()?;
///
/// let issuer = Issuer::builder(key).access_auth_time(true).build()?;
/// let tokens = issuer.login(&User::new(42, Default::default())).await?;
/// let claims = issuer.verifier().verify(tokens.access())?;
/// assert!(claims.require_step_up(&fresh).is_ok());
///
/// let strong = StepUp::builder().acr_values(["phr"]).build()?;
/// let error = claims.require_step_up(&strong).unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::InsufficientUserAuthentication);
/// # Ok(())
/// # }
/// ```
///
/// [RFC 9470]: https://www.rfc-editor.org/rfc/rfc9470
#[derive(Clone)]
#[must_use]
pub struct StepUp {
    max_age: Option<Duration>,
    acr_values: Arc<[Box<str>]>,
    clock: Clock,
    error: AuthError,
}

/// Configures a [`StepUp`].
#[must_use]
pub struct StepUpBuilder {
    max_age: Option<Duration>,
    acr_values: Option<Arc<[Box<str>]>>,
    clock: Clock,
}

impl StepUp {
    /// Starts a builder.
    pub fn builder() -> StepUpBuilder {
        StepUpBuilder { max_age: None, acr_values: None, clock: Clock::system() }
    }

    /// Whether the login of these claims meets the requirement.
    fn is_met<C: ?Sized>(&self, claims: &Claims<C>) -> bool {
        let is_recent = self.max_age.is_none_or(|max_age| {
            let now = self.clock.now();
            claims.auth_time().is_some_and(|auth_time| auth_time.saturating_add(max_age) >= now)
        });
        let is_strong = self.acr_values.is_empty()
            || claims.acr().is_some_and(|acr| self.acr_values.iter().any(|value| **value == *acr));
        is_recent && is_strong
    }
}

impl StepUpBuilder {
    /// Requires that the user logged in at most `max_age` ago, in whole seconds, by the claim
    /// `auth_time`. Default: any time ago.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = Some(max_age);
        self
    }

    /// Requires that the claim `acr` is one of these values, the most preferred first. Default: any.
    ///
    /// The values are those of the authorization server. Compare with
    /// [`Claims::has_amr`](Claims::has_amr) for what the user did.
    pub fn acr_values<A: Into<Box<str>>>(mut self, values: impl IntoIterator<Item = A>) -> Self {
        self.acr_values = Some(values.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the clock that [`max_age`](Self::max_age) is compared with. Default: the system's clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the requirement.
    ///
    /// # Errors
    ///
    /// - Neither [`max_age`](Self::max_age) nor [`acr_values`](Self::acr_values) is set.
    /// - `max_age` is less than a second.
    /// - `acr_values` is empty, or a value is not visible ASCII without spaces, quotes and
    ///   backslashes.
    pub fn build(self) -> Result<StepUp, ConfigError> {
        let Self { max_age, acr_values, clock } = self;
        if max_age.is_none() && acr_values.is_none() {
            return Err(ConfigError::ineffective(
                "a `StepUp` must have a `max_age` or `acr_values`",
            ));
        }
        if max_age.is_some_and(|max_age| max_age.as_secs() == 0) {
            return Err(ConfigError::out_of_range("`max_age` must be at least one second"));
        }
        let is_invalid = |values: &Arc<[Box<str>]>| {
            values.is_empty() || !values.iter().all(|value| is_scope_token(value))
        };
        if acr_values.as_ref().is_some_and(is_invalid) {
            return Err(ConfigError::out_of_range(
                "`acr_values` must have at least one value, and each must be visible ASCII without \
                 spaces, quotes and backslashes",
            ));
        }
        let acr_values = acr_values.unwrap_or_default();
        let error = insufficient(max_age, &acr_values);
        Ok(StepUp { max_age, acr_values, clock, error })
    }
}

/// The error of all requests that do not meet a requirement, with its challenge parameters (RFC 9470
/// section 3).
fn insufficient(max_age: Option<Duration>, acr_values: &[Box<str>]) -> AuthError {
    let max_age = max_age.map(|max_age| format!(", max_age=\"{}\"", max_age.as_secs()));
    let acr_values =
        (!acr_values.is_empty()).then(|| format!(", acr_values=\"{}\"", acr_values.join(" ")));
    let parameters = [max_age, acr_values].into_iter().flatten().collect::<String>();
    let step_up = Some(parameters.into());
    let details = ErrorDetails { step_up, ..ErrorDetails::default() };
    AuthError::with_details(AuthErrorKind::InsufficientUserAuthentication, details)
}

impl<C: ?Sized> Claims<C> {
    /// Requires that the login behind the token is recent or strong enough.
    ///
    /// # Errors
    ///
    /// [`InsufficientUserAuthentication`](AuthErrorKind::InsufficientUserAuthentication) if it is not,
    /// or if the token does not have the claims that show it. The response is `401` with a challenge
    /// that names the requirement.
    pub fn require_step_up(&self, step_up: &StepUp) -> Result<(), AuthError> {
        if step_up.is_met(self) { Ok(()) } else { Err(step_up.error.clone()) }
    }
}

impl fmt::Debug for StepUp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUp")
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for StepUpBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StepUpBuilder")
            .field("max_age", &self.max_age)
            .field("acr_values", &self.acr_values)
            .finish_non_exhaustive()
    }
}
