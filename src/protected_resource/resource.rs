use std::{fmt, sync::Arc};

use http::HeaderValue;

use super::identifier::Identifier;

/// A resource and its metadata. A cheap handle. See the [module docs](super).
///
/// It serves the document with `into_router`, if the feature `routes` is enabled, or with a handler
/// of your own that returns [`metadata`](Self::metadata) at
/// [`metadata_path`](Self::metadata_path), with its [`Cache-Control`](Self::cache_control).
#[derive(Clone)]
#[must_use]
pub struct ProtectedResource(Arc<Inner>);

pub(super) struct Inner {
    pub(super) identifier: Identifier,
    pub(super) audience: Option<Box<str>>,
    pub(super) metadata: String,
    pub(super) cache_control: HeaderValue,
}

impl ProtectedResource {
    pub(super) fn new(inner: Inner) -> Self {
        Self(Arc::new(inner))
    }

    /// The identifier, exactly as it was configured. It is the
    /// [audience](crate::token::VerifierBuilder::audience) of tokens for this resource, unless
    /// [another](super::ProtectedResourceBuilder::audience) is set.
    #[must_use]
    pub fn identifier(&self) -> &str {
        &self.0.identifier.url
    }

    /// The `aud` of tokens for this resource.
    pub(crate) fn audience(&self) -> &str {
        self.0.audience.as_deref().unwrap_or(self.identifier())
    }

    /// The URL of the metadata, which challenges name.
    #[must_use]
    pub fn metadata_url(&self) -> &str {
        &self.0.identifier.metadata_url
    }

    /// The path of the metadata, from the root of the server.
    #[must_use]
    pub fn metadata_path(&self) -> &str {
        &self.0.identifier.metadata_path
    }

    /// The metadata: a JSON object.
    #[must_use]
    pub fn metadata(&self) -> &str {
        &self.0.metadata
    }

    /// The value of `Cache-Control` for a response with the metadata.
    #[must_use]
    pub fn cache_control(&self) -> &HeaderValue {
        &self.0.cache_control
    }
}

impl fmt::Debug for ProtectedResource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedResource")
            .field("identifier", &self.identifier())
            .finish_non_exhaustive()
    }
}
