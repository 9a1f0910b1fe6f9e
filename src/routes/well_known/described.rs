//! What a document of the routes needs to know.

use serde_json::Value;

use super::well_known_routes::WellKnownRoutes;

/// The routes with their settings.
pub(crate) struct DescribedWellKnownRoutes<'a> {
    pub(crate) jwks: String,
    /// The paths of the metadata. None without an issuer.
    pub(crate) metadata_paths: Vec<String>,
    pub(crate) metadata: Value,
    pub(crate) cache_control: &'a str,
}

impl WellKnownRoutes {
    pub(crate) fn describe(&self) -> DescribedWellKnownRoutes<'_> {
        let state = &*self.0;
        let (_, metadata) = state.metadata();
        DescribedWellKnownRoutes {
            jwks: state.jwks_path(),
            metadata_paths: state.metadata_paths(),
            metadata: serde_json::from_str(&metadata).unwrap_or_default(),
            cache_control: state.cache_control.to_str().unwrap_or_default(),
        }
    }
}
