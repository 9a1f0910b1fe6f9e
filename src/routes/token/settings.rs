//! The settings of the routes.

use crate::{middleware::JwtAuthLayer, possession::Dpop};

use super::super::{login::DescribeUser, rejection::RouteRejection};

pub(super) struct TokenSettings<C, R> {
    pub(super) base: String,
    pub(super) paths: Paths,
    /// The path of the password grant; `None` for no such route.
    pub(super) password_grant: Option<String>,
    /// The base path of the session list; `None` for no such routes.
    pub(super) session_list: Option<String>,
    /// Admits requests to the session list; `None` for the layer of the issuer.
    pub(super) session_list_layer: Option<JwtAuthLayer<C>>,
    pub(super) extras: Option<DescribeUser<C, R>>,
    pub(super) rejection: RouteRejection,
    /// `None` if no tokens are bound to keys.
    pub(super) dpop: Option<Dpop>,
}

/// The path of each route, starting with a slash.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) obtain: String,
    pub(super) refresh: String,
    pub(super) verify: String,
    pub(super) blacklist: String,
    pub(super) second_factor: String,
}

impl Paths {
    pub(super) fn all(&self) -> [&str; 5] {
        let Self { obtain, refresh, verify, blacklist, second_factor } = self;
        [obtain, refresh, verify, blacklist, second_factor]
    }
}

impl<C, R> Default for TokenSettings<C, R> {
    fn default() -> Self {
        Self {
            base: String::new(),
            paths: Paths {
                obtain: "/".to_owned(),
                refresh: "/refresh".to_owned(),
                verify: "/verify".to_owned(),
                blacklist: "/blacklist".to_owned(),
                second_factor: "/second-factor".to_owned(),
            },
            password_grant: None,
            session_list: None,
            session_list_layer: None,
            extras: None,
            rejection: RouteRejection::default(),
            dpop: None,
        }
    }
}

impl<C, R> TokenSettings<C, R> {
    /// The base followed by `path`.
    pub(super) fn full_path(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// The paths with the base in front.
    pub(super) fn full_paths(&self) -> Paths {
        let full = |path: &str| self.full_path(path);
        let Paths { obtain, refresh, verify, blacklist, second_factor } = &self.paths;
        Paths {
            obtain: full(obtain),
            refresh: full(refresh),
            verify: full(verify),
            blacklist: full(blacklist),
            second_factor: full(second_factor),
        }
    }
}
