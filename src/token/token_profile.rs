use super::header::typ_matches;

/// The format of an issuer's access tokens.
///
/// ```
/// use tower_jwt_auth::{Verifier, token::TokenProfile};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let key = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?;
/// let verifier: Verifier = Verifier::builder(key.verifying_key())
///     .issuer("https://login.example")
///     .audience("https://api.example")
///     .profile(TokenProfile::Rfc9068)
///     .build()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum TokenProfile {
    /// Tokens of this crate and of SimpleJWT, with the claims `user_id`, `token_type` and `jti`.
    /// This is the default.
    #[default]
    SimpleJwt,
    /// Tokens of [RFC 9068]. The header's `typ` is `at+jwt`. The claims `iss`, `aud`, `sub`,
    /// `client_id`, `iat` and `jti` are required. The verifier requires an issuer and an audience.
    /// The user id is `sub`, a string.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
    Rfc9068,
    /// Tokens without `token_type`, with or without `jti`. The user id is `sub`, a string, unless
    /// [claim names](super::VerifierBuilder::claim_names) are configured.
    ///
    /// Such a token need not name its purpose, so the verifier requires an audience. The audience
    /// of an ID token is the client, not the service. The verifier also rejects
    ///
    /// - a header `typ` other than `JWT` and `at+jwt`, unless
    ///   [`header_typ`](super::VerifierBuilder::header_typ) is configured,
    /// - the claims of ID tokens and logout tokens: `nonce`, `at_hash`, `c_hash`, `events`,
    /// - a claim `token_type`, `typ` or `token_use` with a value other than `access`, `Bearer`,
    ///   `at+jwt` and `JWT`.
    ///
    /// An ID token that has none of these claims and whose audience is the service is accepted.
    Plain,
}

/// The header `typ` of access tokens.
pub(super) const PERMITTED_TYPS: [&str; 2] = ["JWT", "at+jwt"];

impl TokenProfile {
    /// Returns whether the header may have this `typ` if none is configured.
    pub(super) fn permits_typ(self, typ: Option<&str>) -> bool {
        self != Self::Plain
            || typ.is_none()
            || PERMITTED_TYPS.iter().any(|permitted| typ_matches(typ, permitted))
    }

    /// Returns `name` if a token with a claim of this name is not an access token.
    pub(super) fn excluded(self, name: &str) -> Option<&'static str> {
        let excluded: &[_] =
            if self == Self::Plain { &["nonce", "at_hash", "c_hash", "events"] } else { &[] };
        excluded.iter().copied().find(|excluded| *excluded == name)
    }
}

/// Returns whether the value of a type claim names an access token.
pub(super) fn names_access(value: &str) -> bool {
    ["access", "bearer", "at+jwt", "jwt"].iter().any(|access| access.eq_ignore_ascii_case(value))
}
