use std::sync::Arc;

use http::HeaderName;
use serde_json::{Map, Value};

use crate::user::User;

use super::super::body::BodyLimits;

pub(super) type ResponseExtras<C, R> = Arc<dyn Fn(&User<C, R>) -> Map<String, Value> + Send + Sync>;

pub(super) struct TokenSettings<C, R> {
    pub(super) base: String,
    pub(super) paths: Paths,
    /// The name used by this crate and the name used by clients, of each renamed field.
    pub(super) renamed: Vec<(&'static str, String)>,
    pub(super) extras: Option<ResponseExtras<C, R>>,
    pub(super) session_label: Option<HeaderName>,
    pub(super) body_limits: BodyLimits,
}

/// The path of each route, starting with a slash.
#[derive(Clone)]
pub(super) struct Paths {
    pub(super) obtain: String,
    pub(super) refresh: String,
    pub(super) verify: String,
    pub(super) blacklist: String,
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
            },
            renamed: Vec::new(),
            extras: None,
            session_label: None,
            body_limits: BodyLimits::default(),
        }
    }
}

impl<C, R> TokenSettings<C, R> {
    /// The paths with the base in front.
    pub(super) fn full_paths(&self) -> Paths {
        let full = |path: &str| format!("{}{path}", self.base);
        let Paths { obtain, refresh, verify, blacklist } = &self.paths;
        Paths {
            obtain: full(obtain),
            refresh: full(refresh),
            verify: full(verify),
            blacklist: full(blacklist),
        }
    }

    /// The client's name of the field `name`.
    pub(super) fn client_name<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(own, _)| *own == name);
        renamed.map_or(name, |(_, client_name)| client_name)
    }
}
