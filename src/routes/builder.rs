use std::{fmt, sync::Arc};

use http::HeaderName;
use serde_json::{Map, Value};

use crate::{
    error::ConfigError,
    issue::Issuer,
    token::NoClaims,
    user::{User, UserBackend},
};

use super::TokenRoutes;

type Extras<C, R> = Arc<dyn Fn(&User<C, R>) -> Map<String, Value> + Send + Sync>;

/// The fields that the routes read and write, by what they are called here.
const FIELDS: [&str; 5] = ["username", "password", "access", "refresh", "token"];

/// Sets up [`TokenRoutes`].
#[must_use]
pub struct TokenRoutesBuilder<U, C = NoClaims, R = NoClaims> {
    issuer: Issuer<C, R>,
    users: U,
    settings: Settings<C, R>,
}

pub(super) struct Settings<C, R> {
    base: String,
    paths: Paths,
    /// Own name and the client's name of each field that is called differently.
    pub(super) renamed: Vec<(&'static str, String)>,
    pub(super) extras: Option<Extras<C, R>>,
    pub(super) session_label: Option<HeaderName>,
    pub(super) body_limit: usize,
}

/// Where the routes are, each beginning with a slash.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) obtain: String,
    pub(super) refresh: String,
    pub(super) verify: String,
    pub(super) blacklist: String,
}

impl<C, R> Default for Settings<C, R> {
    fn default() -> Self {
        Self {
            base: String::new(),
            paths: Paths {
                obtain: "/".to_owned(),
                refresh: "/refresh".to_owned(),
                verify: "/verify".to_owned(),
                blacklist: "/blacklist".to_owned(),
            },
            renamed: Vec::new(),
            extras: None,
            session_label: None,
            body_limit: 16 * 1024,
        }
    }
}

impl<C, R> Settings<C, R> {
    /// The paths below the base.
    pub(super) fn paths(&self) -> Paths {
        let below = |path: &str| format!("{}{path}", self.base);
        let Paths { obtain, refresh, verify, blacklist } = &self.paths;
        Paths {
            obtain: below(obtain),
            refresh: below(refresh),
            verify: below(verify),
            blacklist: below(blacklist),
        }
    }

    /// What the client calls the field `name`.
    pub(super) fn field<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(inner, _)| *inner == name);
        renamed.map_or(name, |(_, outer)| outer)
    }
}

impl<U: UserBackend<C, R>, C, R> TokenRoutesBuilder<U, C, R> {
    pub(super) fn new(issuer: Issuer<C, R>, users: U) -> Self {
        Self { issuer, users, settings: Settings::default() }
    }

    /// Sets the path below which all routes are, such as `/api/token`. Default: none.
    pub fn at(mut self, base: impl Into<String>) -> Self {
        let base = base.into();
        base.trim_end_matches('/').clone_into(&mut self.settings.base);
        self
    }

    /// Sets where logins go. Default: `/`.
    pub fn obtain_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.obtain = path.into();
        self
    }

    /// Sets where refreshes go. Default: `/refresh`.
    pub fn refresh_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.refresh = path.into();
        self
    }

    /// Sets where tokens are verified. Default: `/verify`.
    pub fn verify_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.verify = path.into();
        self
    }

    /// Sets where sessions are ended. Default: `/blacklist`.
    pub fn blacklist_path(mut self, path: impl Into<String>) -> Self {
        self.settings.paths.blacklist = path.into();
        self
    }

    /// Has clients call a field by another name, in bodies and answers alike: one of `username`,
    /// `password`, `access`, `refresh`, `token`, or a field that the backend's own
    /// [`Credentials`](crate::user::Credentials) ask for. Default: the names as they are.
    pub fn rename_field(mut self, name: &'static str, to: impl Into<String>) -> Self {
        self.settings.renamed.retain(|(renamed, _)| *renamed != name);
        self.settings.renamed.push((name, to.into()));
        self
    }

    /// Adds members to the answer of a login, such as the user's name or address. Default: none.
    ///
    /// They cannot replace the tokens.
    pub fn response_extras(
        mut self,
        extras: impl Fn(&User<C, R>) -> Map<String, Value> + Send + Sync + 'static,
    ) -> Self {
        self.settings.extras = Some(Arc::new(extras));
        self
    }

    /// Has each session [labelled](Issuer::login_with_label) with what the login said in the header
    /// `name`, such as [`USER_AGENT`](http::header::USER_AGENT). Takes an issuer with a store.
    /// Default: sessions have no label.
    pub fn session_label_from(mut self, name: HeaderName) -> Self {
        self.settings.session_label = Some(name);
        self
    }

    /// Sets how many bytes a body may have. Default: 16 384.
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.settings.body_limit = bytes;
        self
    }

    /// Builds the routes.
    ///
    /// # Errors
    ///
    /// When a path does not begin with a slash, holds anything but letters, digits and `/-._~`, or
    /// is used twice; when two fields would have the same name, a body could hold less than 256
    /// bytes or more than a mebibyte, or sessions shall have labels but the issuer has no store.
    pub fn build(self) -> Result<TokenRoutes<U, C, R>, ConfigError> {
        let settings = &self.settings;
        let Paths { obtain, refresh, verify, blacklist } = &settings.paths;
        // Each by itself: joined to a base, a path without a slash would extend its last name.
        let base_is_path = settings.base.is_empty() || is_path(&settings.base);
        if !base_is_path
            || ![obtain, refresh, verify, blacklist].into_iter().all(|path| is_path(path))
        {
            return Err(ConfigError::out_of_range(
                "a path must begin with a slash and hold only letters, digits and /-._~",
            ));
        }
        let mut paths = [obtain, refresh, verify, blacklist].map(|path| path.trim_end_matches('/'));
        paths.sort_unstable();
        if paths.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(ConfigError::conflict("two routes have the same path"));
        }
        let own = settings.renamed.iter().map(|(name, _)| *name);
        let own = own.filter(|name| !FIELDS.contains(name));
        let mut names: Vec<&str> =
            FIELDS.into_iter().chain(own).map(|name| settings.field(name)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) || names.contains(&"") {
            return Err(ConfigError::conflict("two fields have the same name, or one has none"));
        }
        if !(256..=1024 * 1024).contains(&settings.body_limit) {
            return Err(ConfigError::out_of_range(
                "the body limit must be 256 bytes to a mebibyte",
            ));
        }
        if settings.session_label.is_some() && !self.issuer.has_store() {
            return Err(ConfigError::ineffective(
                "sessions are labelled only by an issuer with a store",
            ));
        }
        Ok(TokenRoutes::with_settings(self.issuer, self.users, self.settings))
    }
}

pub(crate) fn is_path(path: &str) -> bool {
    let allowed =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~');
    path.starts_with('/') && path.bytes().all(allowed)
}

impl<U, C, R> fmt::Debug for TokenRoutesBuilder<U, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenRoutesBuilder").field("issuer", &self.issuer).finish_non_exhaustive()
    }
}
