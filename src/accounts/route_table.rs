//! Which routes are served, and where.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    error::ConfigError,
    routes::{check_base, is_path},
};

use super::account_route::AccountRoute;

#[derive(Clone, Debug, Default)]
pub(super) struct RouteTable {
    /// The base path of all routes, without a slash at its end.
    pub(super) base: String,
    /// Paths below the base that are not the default ones.
    pub(super) moved: BTreeMap<AccountRoute, String>,
    pub(super) left_out: BTreeSet<AccountRoute>,
    /// Whether there are routes for codes of authenticator apps.
    #[cfg(feature = "totp")]
    pub(super) has_totp: bool,
}

impl RouteTable {
    pub(super) fn has(&self, route: AccountRoute) -> bool {
        #[cfg(feature = "totp")]
        if route.needs_totp() && !self.has_totp {
            return false;
        }
        !self.left_out.contains(&route)
    }

    /// The routes at each path. Paths have no slash at their end.
    pub(super) fn by_path(&self) -> BTreeMap<String, Vec<AccountRoute>> {
        let mut paths: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for route in AccountRoute::ALL.iter().copied().filter(|route| self.has(*route)) {
            let path = self.moved.get(&route).map_or(route.default_path(), |path| path);
            let path = format!("{}{}", self.base, path.trim_end_matches('/'));
            paths.entry(path).or_default().push(route);
        }
        paths
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        check_base(&self.base)?;
        if !self.moved.values().all(|path| is_path(path)) {
            return Err(ConfigError::out_of_range(
                "the path of a route must start with a slash and contain only letters, digits and \
                 `/-._~`",
            ));
        }
        if self.moved.keys().any(|route| !self.has(*route)) {
            return Err(ConfigError::ineffective(
                "`path` has no effect on a route that is left out by `without`, or that requires \
                 `totp`",
            ));
        }
        let paths = self.by_path();
        if paths.is_empty() {
            return Err(ConfigError::ineffective("`without` must not leave out all routes"));
        }
        for routes in paths.values() {
            let mut methods: Vec<_> =
                routes.iter().map(|route| route.method().to_string()).collect();
            methods.sort_unstable();
            if methods.windows(2).any(|pair| pair[0] == pair[1]) {
                return Err(ConfigError::conflict("each route must have a path of its own"));
            }
        }
        Ok(())
    }
}
