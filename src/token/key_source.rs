//! The port to keys that are fetched.

use std::{error::Error, sync::Arc};

use futures::future::BoxFuture;

use super::{issuer_template::IssuerTemplate, keys::Keys};

/// Fetches the keys of a [`KeySet`](super::KeySet).
pub(crate) trait KeySource: Send + Sync {
    /// Returns the issuer that the keys belong to. Its tokens must name it.
    fn issuer(&self) -> Option<&str>;

    /// Returns the template of the issuers that the keys belong to, if they are those of many
    /// tenants. Each key is then bound to an issuer or to a template.
    fn issuer_template(&self) -> Option<&IssuerTemplate>;

    /// Returns whether a fetch can yield a key for the algorithm of this name.
    fn accepts(&self, algorithm: &str) -> bool;

    /// Returns whether the present keys may be used: they were fetched, and recently enough.
    fn is_usable(&self) -> bool;

    /// Returns why the last fetch failed, if it did.
    fn last_error(&self) -> Option<Arc<dyn Error + Send + Sync>>;

    /// Fetches keys newer than `seen`, or joins a fetch in progress. The future resolves when the
    /// fetch ends, whether or not it succeeded. Returns `None` during the cooldown.
    fn fetch(&self, seen: &Arc<Keys>) -> Option<BoxFuture<'static, ()>>;
}
