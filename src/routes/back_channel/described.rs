//! What a document of the route needs to know.

use super::routes::BackChannelLogoutRoutes;

impl BackChannelLogoutRoutes {
    /// The path.
    pub(crate) fn path(&self) -> &str {
        &self.path
    }
}
