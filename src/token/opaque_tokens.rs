//! The port to tokens that are not verified with keys.

use std::sync::Arc;

use futures::future::BoxFuture;
use memchr::memchr_iter;

use crate::error::AuthError;

use super::{claims::Claims, compact::decode};

/// Opaque tokens of any origin.
pub(crate) type SharedOpaqueTokens<C> = Arc<dyn OpaqueTokens<C>>;

/// Finds out what a token stands for that this crate cannot read.
pub(crate) trait OpaqueTokens<C>: Send + Sync {
    /// Returns whether every accepted token has an `iss` that was compared with a configured one.
    fn requires_issuer(&self) -> bool;

    /// Returns whether every accepted token has an `aud` that was compared with a configured one.
    fn requires_audience(&self) -> bool;

    /// Returns whether it accepts tokens for `audience`. Meaningless if it does not
    /// [require](Self::requires_audience) an audience.
    fn accepts_audience(&self, audience: &str) -> bool;

    /// Looks up the claims of `token`.
    fn look_up(&self, token: &[u8]) -> Lookup<C>;
}

/// The claims of a token, or a future of them.
#[cfg_attr(not(feature = "introspection"), allow(dead_code, reason = "only for introspection"))]
pub(crate) enum Lookup<C> {
    Known(Result<Claims<C>, AuthError>),
    Pending(BoxFuture<'static, Result<Claims<C>, AuthError>>),
}

/// Whether `token` has the form of a compact JWS: three parts, the first of which encodes a JSON
/// object. Everything else can only be opaque.
pub(crate) fn is_compact_jws(token: &[u8]) -> bool {
    let mut dots = memchr_iter(b'.', token);
    let (Some(first), Some(_), None) = (dots.next(), dots.next(), dots.next()) else {
        return false;
    };
    decode(&token[..first]).is_ok_and(|header| header.trim_ascii_start().first() == Some(&b'{'))
}
