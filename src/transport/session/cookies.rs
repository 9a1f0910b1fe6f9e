use std::{fmt, str, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    transport::{
        cookie,
        cross_site::{CrossSiteRule, Initiator, RequestHead},
    },
};

use super::{
    double_submit::DoubleSubmit,
    names::{Scope, check_name, path_covers},
    write::Template,
};

/// The cookies that carry the tokens of a session in a browser, and the origins that may use them.
///
/// | cookie | default name | attributes |
/// |---|---|---|
/// | access token | `__Host-access` | `HttpOnly; Secure; SameSite=Lax; Path=/` |
/// | refresh token | `__Secure-refresh` | `HttpOnly; Secure; SameSite=Strict`, and the path of the session routes |
///
/// Scripts cannot read them. Each is kept for as long as its token is valid.
///
/// A value is a handle: clones share the same settings.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_jwt_auth::{Algorithm, Claims, Issuer, SigningKey, transport::SessionCookies};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let issuer = Issuer::builder(SigningKey::generate(Algorithm::ES256)?).build()?;
/// let cookies = SessionCookies::builder().public_origin("https://app.example").build()?;
/// let app: Router = Router::new()
///     .route("/me", get(|claims: Claims| async move { claims.user_id().to_string() }))
///     .route_layer(issuer.layer().with_cookies(&cookies));
/// # Ok(())
/// # }
/// ```
///
/// Requests that other sites cause are rejected: see the
/// [module docs](crate::transport#cross-site-requests).
#[derive(Clone)]
pub struct SessionCookies(Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) access: Template,
    pub(super) refresh: Template,
    pub(super) scope: Scope,
    /// Whether the application has set the path of the refresh cookie.
    pub(super) has_refresh_path: bool,
    pub(super) double_submit: Option<DoubleSubmit>,
    pub(super) rule: CrossSiteRule,
}

/// The cookies of a new session, or of a refreshed one.
#[derive(Clone, Copy)]
pub(crate) struct NewCookies<'a> {
    pub(crate) access: &'a str,
    /// How long the access token is valid. Rounded down to seconds, like all ages.
    pub(crate) access_max_age: Duration,
    /// The refresh token and how long it is valid. `None` if the browser keeps the one that it has.
    pub(crate) refresh: Option<(&'a str, Duration)>,
    pub(crate) session_id: &'a str,
}

impl SessionCookies {
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    pub(crate) fn access_name(&self) -> &str {
        self.0.access.name()
    }

    /// Limits the refresh cookie to `base`, the path of the session routes, unless the application
    /// has set another path. `base` is without a slash at its end.
    ///
    /// # Errors
    ///
    /// If browsers would not send the cookie to `base`, or would reject it.
    pub(crate) fn with_refresh_path(mut self, base: &str) -> Result<Self, ConfigError> {
        let base = if base.is_empty() { "/" } else { base };
        if self.0.has_refresh_path {
            if !path_covers(self.0.refresh.path(), base) {
                return Err(ConfigError::conflict(
                    "`refresh_path` must contain the path of the session routes: browsers send the \
                     refresh cookie only there",
                ));
            }
            return Ok(self);
        }
        check_name(self.0.refresh.name(), self.0.scope, Some(base))?;
        Arc::make_mut(&mut self.0).refresh.set_path(base);
        Ok(self)
    }

    /// Rejects a request that another site caused, and one with a session cookie that does not show
    /// who caused it. Programs send no `Origin` when they log in, so they need none.
    pub(crate) fn check<'r>(
        &self,
        request: impl Into<RequestHead<'r>>,
    ) -> Result<(), AuthErrorKind> {
        let request = request.into();
        let is_accepted = match self.0.rule.initiator(request) {
            Initiator::Trusted => true,
            Initiator::Unknown => {
                !self.are_present(request.headers) || self.has_double_submit(request.headers)
            }
            Initiator::Other => false,
        };
        if is_accepted { Ok(()) } else { Err(AuthErrorKind::CrossSiteRequest) }
    }

    /// Whether a request has a session cookie that is read.
    pub(crate) fn are_present(&self, headers: &HeaderMap) -> bool {
        let is_present = |cookie: &Template| cookie::is_present(headers, cookie.name());
        are_read(headers) && (is_present(&self.0.access) || is_present(&self.0.refresh))
    }

    /// The value of the access cookie. `None` if the request has an `Authorization` header.
    pub(crate) fn access_token<'r>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Option<&'r str>, AuthErrorKind> {
        token(headers, &self.0.access)
    }

    /// The value of the refresh cookie. `None` if the request has an `Authorization` header.
    pub(crate) fn refresh_token<'r>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Option<&'r str>, AuthErrorKind> {
        token(headers, &self.0.refresh)
    }

    /// The `Set-Cookie` headers that set the cookies. Fails if one is longer than browsers accept.
    pub(crate) fn set(&self, new: &NewCookies<'_>) -> Result<Vec<HeaderValue>, AuthError> {
        let mut headers = vec![self.0.access.set(new.access, new.access_max_age)?];
        if let Some((refresh, max_age)) = new.refresh {
            headers.push(self.0.refresh.set(refresh, max_age)?);
            if let Some(double_submit) = &self.0.double_submit {
                let token = double_submit.token(new.session_id);
                headers.push(double_submit.cookie.set(&token, max_age)?);
            }
        }
        Ok(headers)
    }

    /// The `Set-Cookie` headers that delete all cookies.
    pub(crate) fn clear(&self) -> Vec<HeaderValue> {
        let double_submit =
            self.0.double_submit.as_ref().map(|double_submit| &double_submit.cookie);
        let cookies = [Some(&self.0.access), Some(&self.0.refresh), double_submit];
        cookies.into_iter().flatten().map(Template::clear).collect()
    }

    /// The `Set-Cookie` header that deletes the access cookie.
    pub(crate) fn clear_access(&self) -> HeaderValue {
        self.0.access.clear()
    }

    fn has_double_submit(&self, headers: &HeaderMap) -> bool {
        self.0.double_submit.as_ref().is_some_and(|double_submit| {
            let tokens = [&self.0.access, &self.0.refresh]
                .into_iter()
                .filter_map(|cookie| cookie::find(headers, cookie.name()).ok()?);
            double_submit.matches(headers, tokens)
        })
    }
}

/// Whether cookies are read at all. Browsers send cookies by themselves, but an `Authorization`
/// header only if a program sets it: it alone decides, even if it is malformed.
fn are_read(headers: &HeaderMap) -> bool {
    !headers.contains_key(AUTHORIZATION)
}

fn token<'r>(headers: &'r HeaderMap, cookie: &Template) -> Result<Option<&'r str>, AuthErrorKind> {
    if !are_read(headers) {
        return Ok(None);
    }
    let value = cookie::find(headers, cookie.name())?;
    value.map(str::from_utf8).transpose().map_err(|_| AuthErrorKind::Malformed)
}

impl fmt::Debug for SessionCookies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookies")
            .field("access", &self.0.access)
            .field("refresh", &self.0.refresh)
            .field("double_submit", &self.0.double_submit)
            .field("rule", &self.0.rule)
            .finish()
    }
}
