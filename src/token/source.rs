//! The port to keys that have to be fetched.

use std::sync::Arc;

use futures::future::BoxFuture;

use super::keyset::Keys;

/// Where the keys of a [`KeySet`](super::KeySet) come from that are not all at hand.
///
/// A verifier only asks; [`check`](crate::check) decides whether to wait.
pub(crate) trait KeySource: Send + Sync {
    /// The issuer whose keys they are, which its tokens must name.
    fn issuer(&self) -> Option<&str>;

    /// Whether a key for the algorithm of this name may ever turn up.
    fn accepts(&self, algorithm: &str) -> bool;

    /// Whether the keys at hand may be used: some have been fetched, and not too long ago.
    fn is_usable(&self) -> bool;

    /// Fetches others than `seen`, or joins the fetch that is under way, and waits for its end
    /// however it ends; `None` where it is too early for another one.
    fn fetch(&self, seen: &Arc<Keys>) -> Option<BoxFuture<'static, ()>>;
}
