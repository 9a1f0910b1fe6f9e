//! Keys of other issuers: [`RemoteKeys`] fetches them, refreshes them and follows rotations.
//!
//! ```
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! use tower_jwt_auth::{JwtAuthLayer, Verifier, jwks::RemoteKeys, token::TokenProfile};
//!
//! let keys = RemoteKeys::from_issuer("https://login.example").build()?;
//! keys.refresh().await?; // optional: otherwise the first requests wait for the keys
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
//! # Where keys come from
//!
//! | an issuer with | use |
//! |---|---|
//! | metadata (OpenID Connect, RFC 8414) | [`RemoteKeys::from_issuer`] |
//! | metadata at another URL, for example in a network of containers | [`metadata_url`](RemoteKeysBuilder::metadata_url) |
//! | a JWK set | [`RemoteKeys::from_url`], or [`JwkSet`] for a file |
//! | certificates in PEM by key id (Firebase) | [`RemoteKeys::from_certificates_url`] |
//! | a SPIFFE bundle | [`accept_jwt_svid_keys`](RemoteKeysBuilder::accept_jwt_svid_keys), [`JwkSet::from_spiffe_bundle`] |
//! | many tenants (Microsoft Entra) | [`RemoteKeys::from_issuer_template`] |
//! | several sources of keys | [`Verifier::any_of`](crate::Verifier::any_of) |
//!
//! Several issuers are combined by [`Verifier::by_issuer`](crate::Verifier::by_issuer). Issuers that
//! are known only at run time are found by [`Verifier::by_resolver`](crate::Verifier::by_resolver).
//!
//! # When keys are fetched
//!
//! 1. In the background: when the handle is built, and again before the response expires according
//!    to its `Cache-Control`, or [at the configured
//!    interval](RemoteKeysBuilder::refresh_every). A failed fetch is repeated after at most 30
//!    seconds, or at most 5 seconds while there are no usable keys.
//! 2. When a token names an unknown key and passes every check that needs no key. All requests
//!    that wait share one fetch. A [cooldown](RemoteKeysBuilder::cooldown) follows, in which tokens
//!    with unknown keys are rejected at once, whatever key they name and whether or not the fetch
//!    succeeded. Only the fetch that brings the first keys starts no cooldown.
//!
//! A new key under an existing `kid` is used from the next refresh. A rotation must use a new `kid`
//! ([OpenID Connect Core section 10.1.1]), and a forged signature must not cause a fetch. If the
//! token or the keys have no `kid`, a signature that does not verify does cause a fetch.
//!
//! All other tokens are verified with the current keys, without locks and without waiting. The
//! background task ends when the last handle is dropped, verifiers included.
//!
//! # What happens to requests
//!
//! | keys | token of a known key | token of an unknown key |
//! |---|---|---|
//! | fetched within [`max_stale`](RemoteKeysBuilder::max_stale) | verified | waits for a fetch; `401` if that brings no matching key |
//! | never fetched, or older | waits for a fetch; `503` if it fails | the same |
//!
//! A request waits no longer than the [timeout](RemoteKeysBuilder::timeout) of the fetch.
//!
//! # Which keys are trusted
//!
//! Signature keys for RSA, elliptic curves and Ed25519 are used, under the rules of
//! [`VerifyingKey::from_jwk`]. Symmetric keys are rejected, and private members are never read. A
//! key that is malformed, too weak or for another use is skipped. Different keys with the same id
//! and algorithm are all skipped, because a token does not identify one of them. A JWK without `alg`
//! is used for RS256, ES256, ES384 or EdDSA, depending on its type, unless the
//! [configured algorithms](RemoteKeysBuilder::algorithms) exclude that algorithm.
//!
//! A JWK may have its key only in the first certificate of `x5c`. It is then used while that
//! certificate is valid, like the keys of [`RemoteKeys::from_certificates_url`]. If a JWK has both
//! and they differ, it is skipped. The dates of a certificate beside the key are not checked, and a
//! certificate that cannot be read is ignored.
//!
//! Documents are fetched over `https`, without redirects and without compression. They may have at
//! most 256 KiB and 100 keys, and must have a usable one. With
//! [discovery](RemoteKeys::from_issuer), the metadata must name exactly the configured issuer. If a
//! document breaks one of these rules, the fetch fails and the current keys stay in use. So an empty
//! set does not withdraw the last key before [`max_stale`](RemoteKeysBuilder::max_stale).
//!
//! # Logging
//!
//! With the feature `tracing`, each successful fetch is a `DEBUG` event and each failed fetch is a
//! `WARN` event with the server, the reason and its cause. The keys of a document that cannot be
//! used are listed once, by their position and with the reason, at the level `WARN`; if they are
//! only duplicates and keys for encryption, at the level `DEBUG`. Requests wait in the span
//! `token_key_fetch`.
//!
//! [OpenID Connect Core section 10.1.1]: https://openid.net/specs/openid-connect-core-1_0.html#RotateSigKeys
//! [`VerifyingKey::from_jwk`]: crate::VerifyingKey::from_jwk

mod builder;
mod certificate;
mod certificate_map;
mod discovery;
mod error;
mod fetch;
mod jwk_set;
mod key_rules;
mod location;
mod policy;
mod published;
mod refresher;
mod remote_keys;
mod resolver;
mod resolver_builder;

pub use builder::RemoteKeysBuilder;
pub use error::{FetchError, FetchErrorKind};
pub use jwk_set::JwkSet;
pub use remote_keys::{RemoteKeys, RemoteKeysStatus};
pub use resolver_builder::ResolverBuilder;
