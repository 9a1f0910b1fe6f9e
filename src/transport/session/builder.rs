use std::{fmt, iter};

use cookie::Cookie;
use zeroize::Zeroizing;

use crate::{
    error::ConfigError,
    transport::{cross_site::CrossSiteRule, origin::Origin},
};

#[cfg(feature = "routes")]
use super::names::RefreshPath;
use super::{
    cookies::{SessionCookies, Settings},
    double_submit::DoubleSubmit,
    names::{Scope, check_name, is_domain, is_path, with_prefix},
    same_site::SameSite,
    template::Template,
};

/// Configures [`SessionCookies`].
#[derive(Clone)]
#[must_use]
pub struct SessionCookiesBuilder {
    access_name: Option<Box<str>>,
    refresh_name: Option<Box<str>>,
    domain: Option<String>,
    path: String,
    refresh_path: Option<String>,
    same_site: SameSite,
    refresh_same_site: SameSite,
    public_origin: Option<String>,
    allowed_origins: Vec<String>,
    insecure_http: bool,
    double_submit: Option<Zeroizing<Vec<u8>>>,
}

impl SessionCookies {
    /// Starts with cookies for an application at its own host.
    pub fn builder() -> SessionCookiesBuilder {
        SessionCookiesBuilder {
            access_name: None,
            refresh_name: None,
            domain: None,
            path: "/".to_owned(),
            refresh_path: None,
            same_site: SameSite::Lax,
            refresh_same_site: SameSite::Strict,
            public_origin: None,
            allowed_origins: Vec::new(),
            insecure_http: false,
            double_submit: None,
        }
    }
}

impl SessionCookiesBuilder {
    /// Sets the name of the access cookie. Default: `__Host-access`; with a [domain](Self::domain)
    /// or another [path](Self::path) than `/`, `__Secure-access`; with
    /// [`insecure_http`](Self::insecure_http), `access`.
    ///
    /// Browsers accept a cookie whose name starts with `__Host-` only from the host itself, so that
    /// another host of the same domain cannot replace it.
    pub fn access_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.access_name = Some(name.into());
        self
    }

    /// Sets the name of the refresh cookie. Default: `__Secure-refresh`; with
    /// [`insecure_http`](Self::insecure_http), `refresh`.
    pub fn refresh_name(mut self, name: impl Into<Box<str>>) -> Self {
        self.refresh_name = Some(name.into());
        self
    }

    /// Sends the cookies also to all subdomains of `domain`, for example `app.example`. Default:
    /// only to the host that has set them.
    ///
    /// <div class="warning">
    ///
    /// Every host of the domain then receives the tokens, and can set cookies of the same name.
    ///
    /// </div>
    pub fn domain(mut self, domain: impl Into<String>) -> Self {
        self.domain = Some(domain.into());
        self
    }

    /// Sets the path under which the access cookie is sent. Default: `/`.
    pub fn path(mut self, path: impl Into<String>) -> Self {
        self.path = path.into();
        self
    }

    /// Sets the path under which the refresh cookie is sent. Default: the path of the session routes.
    ///
    /// It must contain the session routes.
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.refresh_path = Some(path.into());
        self
    }

    /// Sets when other sites cause the access cookie to be sent. Default: [`SameSite::Lax`], so that
    /// links from other sites lead to pages that know the user.
    pub fn same_site(mut self, same_site: SameSite) -> Self {
        self.same_site = same_site;
        self
    }

    /// Sets when other sites cause the refresh cookie to be sent. Default: [`SameSite::Strict`].
    pub fn refresh_same_site(mut self, same_site: SameSite) -> Self {
        self.refresh_same_site = same_site;
        self
    }

    /// Sets the origin at which browsers reach the application, such as `https://app.example`.
    /// Default: the host that the request addresses.
    ///
    /// Set it if a proxy replaces the `Host` header. It is then the only origin of the application.
    pub fn public_origin(mut self, origin: impl Into<String>) -> Self {
        self.public_origin = Some(origin.into());
        self
    }

    /// Adds another origin whose pages may cause requests with cookies, such as
    /// `https://admin.app.example`. Its port is compared. Default: none.
    ///
    /// <div class="warning">
    ///
    /// Every script at that origin can act for the user.
    ///
    /// </div>
    ///
    /// Browsers also require a CORS layer that allows the origin and credentials. They send cookies
    /// with `SameSite=Lax` only if the origin belongs to the same site.
    pub fn allow_origin(mut self, origin: impl Into<String>) -> Self {
        self.allowed_origins.push(origin.into());
        self
    }

    /// Sets whether the cookies are also sent over plain `http`, for development on another host than
    /// `localhost`. Default: `false`.
    ///
    /// <div class="warning">
    ///
    /// Everybody on the network can read the tokens and replace the cookies.
    ///
    /// </div>
    ///
    /// Most browsers treat `http://localhost` as secure and need no such setting. Safari does need it.
    pub fn insecure_http(mut self, insecure_http: bool) -> Self {
        self.insecure_http = insecure_http;
        self
    }

    /// Accepts a signed token from browsers that send neither `Sec-Fetch-Site` nor `Origin`. Default:
    /// requests from them are rejected if they have a session cookie and may change something.
    ///
    /// Current browsers do not need it. The token is in a cookie that scripts can read, `__Host-csrf`,
    /// with the prefix of the other cookies. The page sends it back in the header `X-CSRF-Token`. It
    /// belongs to one session: it is an HMAC of the session's id with `secret`, which must have at
    /// least 32 random bytes and no other use.
    pub fn double_submit(mut self, secret: impl Into<Vec<u8>>) -> Self {
        self.double_submit = Some(Zeroizing::new(secret.into()));
        self
    }

    /// Builds the cookies.
    ///
    /// # Errors
    ///
    /// - If a name, a path or the domain is malformed, an origin is not of the form `scheme://host`
    ///   with an optional port, or the secret of [`double_submit`](Self::double_submit) is too weak.
    /// - If browsers would reject a cookie: a name that starts with `__Host-` together with a domain or
    ///   another path than `/`, [`SameSite::None`] or a prefix with
    ///   [`insecure_http`](Self::insecure_http), two cookies of one name, or a domain that does not
    ///   contain the public origin.
    /// - If an origin uses `http` without [`insecure_http`](Self::insecure_http) and is not
    ///   `localhost` or a loopback address, or the public origin uses `https` with it.
    /// - If an allowed origin is the public one.
    pub fn build(self) -> Result<SessionCookies, ConfigError> {
        let scope = Scope { is_secure: !self.insecure_http, has_domain: self.domain.is_some() };
        self.check_attributes()?;
        let rule = self.cross_site_rule()?;

        let named = |name: &Option<Box<str>>, base, path: Option<&str>, default_path| {
            let name = name.clone().unwrap_or_else(|| with_prefix(base, scope, default_path));
            check_name(&name, scope, path).map(|()| name)
        };
        let path = Some(&*self.path);
        let access = named(&self.access_name, "access", path, path)?;
        let refresh_path = self.refresh_path.as_deref();
        let refresh = named(&self.refresh_name, "refresh", refresh_path, None)?;
        let csrf = with_prefix("csrf", scope, Some("/"));
        let has_csrf_clash = self.double_submit.is_some() && (csrf == access || csrf == refresh);
        if access == refresh || has_csrf_clash {
            return Err(ConfigError::conflict("two session cookies must not have the same name"));
        }

        let template = |name: Box<str>, path: &str, same_site: SameSite, is_http_only| {
            let mut cookie = Cookie::build((String::from(name), ""))
                .path(path.to_owned())
                .secure(scope.is_secure)
                .http_only(is_http_only)
                .same_site(same_site.into())
                .build();
            if let Some(domain) = &self.domain {
                cookie.set_domain(domain.clone());
            }
            Template::new(cookie)
        };
        let double_submit = self
            .double_submit
            .as_ref()
            .map(|secret| DoubleSubmit::new(secret, template(csrf, "/", self.same_site, false)));
        Ok(SessionCookies::new(Settings {
            access: template(access, &self.path, self.same_site, true),
            refresh: template(refresh, refresh_path.unwrap_or("/"), self.refresh_same_site, true),
            #[cfg(feature = "routes")]
            refresh_path: match refresh_path {
                Some(_) => RefreshPath::SetByApplication,
                None => RefreshPath::Open(scope),
            },
            double_submit: double_submit.transpose()?,
            rule,
        }))
    }

    fn check_attributes(&self) -> Result<(), ConfigError> {
        if !iter::once(&self.path).chain(&self.refresh_path).all(|path| is_path(path)) {
            return Err(ConfigError::out_of_range(
                "`path` and `refresh_path` must start with a slash and contain no spaces and none of \
                 `;,?#`",
            ));
        }
        if self.domain.as_ref().is_some_and(|domain| !is_domain(domain)) {
            return Err(ConfigError::out_of_range(
                "`domain` must be a host name in ASCII, without a port and without a leading dot",
            ));
        }
        let is_any_none = [self.same_site, self.refresh_same_site].contains(&SameSite::None);
        if self.insecure_http && is_any_none {
            return Err(ConfigError::conflict(
                "browsers reject `SameSite::None` with `insecure_http`",
            ));
        }
        Ok(())
    }

    fn cross_site_rule(&self) -> Result<CrossSiteRule, ConfigError> {
        let public_origin = self.public_origin.as_deref().map(parse_origin).transpose()?;
        if public_origin.is_some_and(|origin| origin.is_https && self.insecure_http) {
            return Err(ConfigError::conflict(
                "`insecure_http` must not be set if the `public_origin` uses https",
            ));
        }
        if let (Some(origin), Some(domain)) = (public_origin, &self.domain) {
            let (host, domain) = (origin.host().to_ascii_lowercase(), domain.to_ascii_lowercase());
            let is_inside = host
                .strip_suffix(&*domain)
                .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'));
            if !is_inside {
                return Err(ConfigError::conflict(
                    "`domain` must be the host of the `public_origin` or a domain above it",
                ));
            }
        }
        let allowed = self.allowed_origins.iter().map(|origin| parse_origin(origin));
        let allowed: Vec<_> = allowed.collect::<Result<_, _>>()?;
        let is_insecure = |origin: &Origin<'_>| !origin.is_secure() && !self.insecure_http;
        if public_origin.iter().chain(&allowed).any(is_insecure) {
            return Err(ConfigError::conflict(
                "`public_origin` and `allow_origin` must use https, except for localhost, unless \
                 `insecure_http` is set",
            ));
        }
        let public_origin = public_origin.map(Origin::to_normal_form);
        let allowed: Vec<_> = allowed.into_iter().map(Origin::to_normal_form).collect();
        if public_origin.as_ref().is_some_and(|origin| allowed.contains(origin)) {
            return Err(ConfigError::ineffective(
                "`allow_origin` must not be called with the `public_origin`, which is always allowed",
            ));
        }
        Ok(CrossSiteRule { public_origin, allowed, is_secure: !self.insecure_http })
    }
}

fn parse_origin(origin: &str) -> Result<Origin<'_>, ConfigError> {
    Origin::parse(origin.as_bytes()).ok_or(ConfigError::out_of_range(
        "`public_origin` and `allow_origin` must be of the form `https://host` or \
         `https://host:port`, without a path",
    ))
}

impl fmt::Debug for SessionCookiesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SessionCookiesBuilder")
            .field("access_name", &self.access_name)
            .field("refresh_name", &self.refresh_name)
            .field("domain", &self.domain)
            .field("public_origin", &self.public_origin)
            .field("allowed_origins", &self.allowed_origins)
            .finish_non_exhaustive()
    }
}
