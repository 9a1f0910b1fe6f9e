//! What a document of the routes needs to know.

use super::oauth_routes::OAuthRoutes;

impl<L, C, R> OAuthRoutes<L, C, R> {
    /// The base path.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// The names of the application's claims in introspection responses.
    pub(crate) fn claims(&self) -> impl Iterator<Item = &str> {
        self.state.claims.iter().map(AsRef::as_ref)
    }
}
