//! Keys of other issuers: fetched from them, kept fresh, and followed when they rotate.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_jwt_auth::{JwtAuthLayer, Verifier, jwks::RemoteKeys, token::{NoClaims, TokenProfile}};
//!
//! let keys = RemoteKeys::from_issuer("https://login.example").build()?;
//! keys.refresh().await?; // or leave it to the first requests
//!
//! let verifier = Verifier::builder(keys)
//!     .audience("https://api.example")
//!     .profile(TokenProfile::Rfc9068)
//!     .build()?;
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! # When keys are fetched
//!
//! 1. In the background: at once, and again before what was fetched expires by the server's
//!    `Cache-Control`, or [as often as configured](RemoteKeysBuilder::refresh_every), at a moment
//!    that each copy of a service draws for itself. While that fails it is tried again, at least
//!    every half minute, every five seconds while there are no usable keys.
//! 2. When a token that is right in everything else asks for a key that is not there. All requests
//!    that wait for it share one fetch, and after it comes a [cooldown](RemoteKeysBuilder::cooldown)
//!    in which such tokens are refused at once, whatever keys they ask for and however it ended;
//!    only after the fetch that brings the first keys there is none.
//!
//! A new key under the `kid` of another one comes with the next refresh only, since it is a new `kid`
//! that tells of a new key ([OpenID Connect Core section 10.1.1]), and forged signatures must not
//! cause fetches; where a token or the keys have no `kid`, nothing but the signature can tell, and it
//! does.
//!
//! Every other token is verified with the keys at hand, without locks, without waiting. When the
//! last handle is dropped, verifiers included, nothing is fetched any more.
//!
//! # What becomes of requests
//!
//! | keys | a token of a known key | of an unknown one |
//! |---|---|---|
//! | fresh, or stale but [not for too long](RemoteKeysBuilder::max_stale) | verified | waits for a fetch, at most its deadline; `401` if no key came |
//! | never fetched, or stale for too long | waits for a fetch; `503` if none came | the same |
//!
//! # What is trusted
//!
//! Only keys for signatures with RSA, elliptic curves and Ed25519, as strict as
//! [`VerifyingKey::from_jwk`]; secrets are refused and private members never read. A key that is
//! malformed, too weak or of another use is skipped, and so are keys that share their id and
//! algorithm: neither can be told to be the one that is meant. A JWK without `alg` is for RS256,
//! ES256, ES384 or EdDSA by its type, unless the [configured
//! algorithms](RemoteKeysBuilder::algorithms) say otherwise.
//!
//! Documents come over `https`, without redirects and uncompressed; they may have 256 KiB, and 100
//! keys. With [discovery](RemoteKeys::from_issuer) the metadata must name exactly the issuer.
//! Anything else counts as a failed fetch and leaves the keys that are there.
//!
//! # Logging
//!
//! With the feature `tracing` there is an event `DEBUG` for each fetch and `WARN` for each that
//! failed, with the host and the reason. Requests wait in the span `token_key_fetch`.
//!
//! [OpenID Connect Core section 10.1.1]: https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys
//! [`VerifyingKey::from_jwk`]: crate::VerifyingKey::from_jwk

mod builder;
mod client;
mod core;
mod discovery;
mod document;
mod error;
mod fetch;
mod http;
mod location;
mod policy;
mod remote;

pub use builder::RemoteKeysBuilder;
pub use document::JwkSet;
pub use error::{FetchError, FetchErrorKind};
pub use http::HttpClient;
pub use remote::{Freshness, RemoteKeys};
