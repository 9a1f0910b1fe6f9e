use std::{fmt, sync::Arc};

use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

use crate::{
    error::AuthErrorKind,
    transport::{
        cookie,
        cross_site::{CrossSiteRule, Initiator, RequestHead},
    },
};

#[cfg(feature = "routes")]
use super::names::RefreshPath;
use super::{double_submit::DoubleSubmit, template::Template};

/// The cookies that carry the tokens of a session in a browser, and the origins that may use them.
///
/// | cookie | default name | attributes |
/// |---|---|---|
/// | access token | `__Host-access` | `HttpOnly; Secure; SameSite=Lax; Path=/` |
/// | refresh token | `__Secure-refresh` | `HttpOnly; Secure; SameSite=Strict`, and the path of the session routes |
///
/// Scripts cannot read them. Each is kept for as long as its token is valid.
/// [`SessionRoutes`](crate::routes::SessionRoutes) set and delete them, and
/// [`JwtAuthLayer::with_cookies`](crate::JwtAuthLayer::with_cookies) reads the access token. Give both
/// the same cookies: a `SessionCookies` is a handle, and clones share its settings.
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
pub struct SessionCookies(pub(super) Arc<Settings>);

#[derive(Clone)]
pub(super) struct Settings {
    pub(super) access: Template,
    pub(super) refresh: Template,
    #[cfg(feature = "routes")]
    pub(super) refresh_path: RefreshPath,
    pub(super) double_submit: Option<DoubleSubmit>,
    pub(super) rule: CrossSiteRule,
}

impl SessionCookies {
    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    pub(in crate::transport) fn access_name(&self) -> &str {
        self.0.access.name()
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

    /// The `Set-Cookie` header that deletes the access cookie.
    pub(crate) fn clear_access(&self) -> HeaderValue {
        self.0.access.clear()
    }

    pub(in crate::transport) fn rule(&self) -> &CrossSiteRule {
        &self.0.rule
    }

    /// Whether the request has the signed token of its session, if that is configured.
    pub(in crate::transport) fn has_double_submit(&self, headers: &HeaderMap) -> bool {
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
pub(super) fn are_read(headers: &HeaderMap) -> bool {
    !headers.contains_key(AUTHORIZATION)
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
