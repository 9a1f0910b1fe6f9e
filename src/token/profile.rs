use crate::error::ConfigError;

use super::{claims::TokenType, header::typ_matches, names::ClaimNames, validation::Rules};

/// What the access tokens of an issuer look like, by name.
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
    /// Tokens of this crate and of SimpleJWT: `user_id`, `token_type` and `jti`. The default.
    #[default]
    SimpleJwt,
    /// [RFC 9068]: the header's `typ` is `at+jwt`; `iss`, `aud`, `sub`, `client_id`, `iat` and
    /// `jti` are required, and issuer and audience must be configured. The user id is `sub`, a text.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
    Rfc9068,
    /// Issuers that write neither `token_type` nor `jti`. The user id is `sub`, a text, unless
    /// [claim names](super::VerifierBuilder::claim_names) say otherwise.
    ///
    /// Nothing in such a token needs to say what it is for, so an audience must be configured: that
    /// of an ID token is the client, not the service. Refused are also
    ///
    /// - a header with another `typ` than `JWT` or `at+jwt`, unless
    ///   [`header_typ`](super::VerifierBuilder::header_typ) asks for one;
    /// - claims that ID and logout tokens have: `nonce`, `at_hash`, `c_hash`, `events`;
    /// - a claim `token_type`, `typ` or `token_use` that says anything but access or Bearer.
    ///
    /// An ID token without any of these and with the audience of the service passes.
    Plain,
}

/// What a builder was told about what profiles settle.
#[derive(Default)]
pub(super) struct Told {
    pub(super) names: Option<ClaimNames>,
    pub(super) token_types: Option<Vec<TokenType>>,
    pub(super) any_token_type: bool,
}

impl TokenProfile {
    /// Completes `rules` with what the profile says, unless `told` contradicts it.
    pub(super) fn complete(self, rules: &mut Rules, told: Told) -> Result<(), ConfigError> {
        let Told { names, token_types, any_token_type } = told;
        rules.profile = self;
        if self == Self::SimpleJwt {
            rules.names = names.unwrap_or_default();
            rules.token_types =
                (!any_token_type).then(|| token_types.unwrap_or_else(|| vec![TokenType::Access]));
            return Ok(());
        }

        if any_token_type || token_types.is_some() {
            return Err(ConfigError::conflict(
                "the profile says already which types of tokens are accepted",
            ));
        }
        if rules.jti_optional {
            return Err(ConfigError::conflict(
                "the profile says already whether tokens must have an id",
            ));
        }
        if rules.audiences.is_none() {
            return Err(ConfigError::ineffective("the profile needs an audience"));
        }
        if self == Self::Rfc9068 {
            if names.is_some() || rules.header_typ.is_some() || rules.user_id_optional {
                return Err(ConfigError::conflict(
                    "RFC 9068 says already how claims and types are named",
                ));
            }
            if rules.issuer.is_none() {
                return Err(ConfigError::ineffective("RFC 9068 needs an issuer"));
            }
            rules.header_typ = Some("at+jwt".into());
            rules.required.extend(["client_id".into(), "iat".into()]);
        } else {
            rules.jti_optional = true;
        }
        rules.names = names.unwrap_or_else(|| ClaimNames::default().with_user_id("sub"));
        Ok(())
    }

    /// Whether a header without a configured type may have this `typ`.
    pub(super) fn permits_typ(self, typ: Option<&str>) -> bool {
        self != Self::Plain
            || typ.is_none()
            || ["JWT", "at+jwt"].iter().any(|permitted| typ_matches(typ, permitted))
    }

    /// Whether a token with the claim `name` is for something else than access.
    pub(super) fn excludes(self, name: &str) -> bool {
        self == Self::Plain && matches!(name, "nonce" | "at_hash" | "c_hash" | "events")
    }
}

/// Whether the value of a claim that says what a token is for says access.
pub(super) fn says_access(value: &str) -> bool {
    ["access", "bearer", "at+jwt", "jwt"].iter().any(|access| access.eq_ignore_ascii_case(value))
}
