use super::registered::{MarkClaim, UseMarks};

/// The format of an issuer's tokens.
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
    /// Such a token need not name its purpose, so the verifier requires an
    /// [audience](super::VerifierBuilder::audience) or
    /// [clients](super::VerifierBuilder::clients). The audience of an ID token is the client, not
    /// the service. With clients and without an audience, tokens must not have `aud`, which every ID
    /// token has.
    ///
    /// The verifier also rejects
    ///
    /// - a header `typ` other than `JWT` and `at+jwt`, unless
    ///   [`header_typ`](super::VerifierBuilder::header_typ) is configured,
    /// - a claim `token_type`, `typ` or `token_use` with a value other than `access`,
    ///   `access_token`, `Bearer`, `DPoP`, `at+jwt` and `JWT`,
    /// - the claims of ID tokens, `nonce`, `at_hash` and `c_hash`, unless one of the claims above is
    ///   `access`, `access_token`, `Bearer`, `DPoP` or `at+jwt`,
    /// - the claim of logout tokens, `events`.
    ///
    /// An ID token that has none of these claims and whose audience is the service is accepted.
    ///
    /// | access tokens of | settings besides `issuer` |
    /// |---|---|
    /// | Keycloak, with an audience mapper | [`audience`](super::VerifierBuilder::audience) |
    /// | Keycloak, lightweight (no `sub`, no `aud`) | [`clients`](super::VerifierBuilder::clients) (`azp`), [`optional_user_id`](super::VerifierBuilder::optional_user_id) |
    /// | Amazon Cognito (no `aud`) | `clients` (`client_id`) |
    /// | Ory Hydra without audiences (`"aud": []`) | `clients` (`client_id`) |
    /// | Clerk (no `aud`, no `jti`) | `clients` (`azp`: the origin of the web application) |
    ///
    /// ```
    /// use tower_jwt_auth::{Verifier, token::TokenProfile};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?.verifying_key();
    /// let cognito: Verifier = Verifier::builder(keys)
    ///     .issuer("https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_Example")
    ///     .clients(["6mk5kexampleclient"])
    ///     .profile(TokenProfile::Plain)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    Plain,
    /// ID tokens, by the rules of [OpenID Connect Core section 3.1.3.7]. The user id is `sub`, a
    /// string, unless [claim names](super::VerifierBuilder::claim_names) are configured.
    ///
    /// An ID token is meant for the client that logged the user in. Accept it only where that client
    /// is your own, for example to exchange it for a session of your service. The verifier requires
    /// an issuer, and the id of the client as [audience](super::VerifierBuilder::audience). It
    /// rejects
    ///
    /// - tokens without `iss`, `sub`, `aud`, `exp` or `iat`,
    /// - tokens with an audience that is not configured,
    /// - several audiences without `azp`,
    /// - an `azp` that is neither an audience nor one of the
    ///   [clients](super::VerifierBuilder::clients),
    /// - a header `typ` other than `JWT`, unless
    ///   [`header_typ`](super::VerifierBuilder::header_typ) is configured,
    /// - a claim `token_type`, `typ` or `token_use` with a value other than `ID` and `JWT`, and the
    ///   claim of logout tokens, `events`.
    ///
    /// The client chooses a nonce for each login, so a verifier cannot know it: call
    /// [`Claims::require_nonce`](super::Claims::require_nonce).
    ///
    /// ```
    /// use tower_jwt_auth::{Verifier, token::TokenProfile};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?.verifying_key();
    /// let google: Verifier = Verifier::builder(keys)
    ///     .issuers(["https://accounts.google.com", "accounts.google.com"])
    ///     .audience("1234567890-example.apps.googleusercontent.com")
    ///     .profile(TokenProfile::IdToken)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [OpenID Connect Core section 3.1.3.7]: https://openid.net/specs/openid-connect-core-1_0.html#IDTokenValidation
    IdToken,
    /// Logout tokens of [OpenID Connect Back-Channel Logout 1.0], by the rules of its section 2.6.
    /// `BackChannelLogoutRoutes` (feature `routes`) accept them.
    ///
    /// The verifier requires an issuer, and the id of the client as
    /// [audience](super::VerifierBuilder::audience). It rejects
    ///
    /// - tokens without `iss`, `aud`, `iat`, `jti` or `events`, and those with neither `sub` nor `sid`,
    /// - an `iat` more than 2 minutes ago,
    /// - `events` without the logout event, whose value must be an object,
    /// - a `nonce`, and the other claims of ID tokens, `at_hash` and `c_hash`,
    /// - a header `typ` other than `logout+jwt` and `JWT`. To reject `JWT` and tokens without `typ`
    ///   too, which some providers send, set
    ///   [`header_typ("logout+jwt")`](super::VerifierBuilder::header_typ),
    /// - a claim `token_type`, `typ` or `token_use` with a value other than `Logout`, `logout+jwt` and
    ///   `JWT`.
    ///
    /// `exp` is optional. The user id is `sub`, a string, and empty without one. A logout token is
    /// meant to be used once, which the verifier cannot check.
    ///
    /// ```
    /// use tower_jwt_auth::{Verifier, token::TokenProfile};
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let keys = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?.verifying_key();
    /// let logout: Verifier = Verifier::builder(keys)
    ///     .issuer("https://login.example")
    ///     .audience("my-client")
    ///     .profile(TokenProfile::LogoutToken)
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// [OpenID Connect Back-Channel Logout 1.0]: https://openid.net/specs/openid-connect-backchannel-1_0.html
    LogoutToken,
}

/// What the value of a type claim or of the header's `typ` shows about the use of a token.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum TokenUse {
    Access,
    Id,
    Logout,
    /// Any JWT.
    Unspecified,
    Other,
}

impl TokenUse {
    pub(super) fn of(value: &str) -> Self {
        let is = |name: &&str| name.eq_ignore_ascii_case(value);
        if ["access", "access_token", "bearer", "dpop", "at+jwt"].iter().any(is) {
            Self::Access
        } else if is(&"id") {
            Self::Id
        } else if is(&"logout") || is(&"logout+jwt") {
            Self::Logout
        } else if is(&"jwt") {
            Self::Unspecified
        } else {
            Self::Other
        }
    }
}

impl TokenProfile {
    /// Returns whether tokens of this profile are those of any issuer, whose claims need not name
    /// their use.
    pub(super) fn is_foreign(self) -> bool {
        matches!(self, Self::Plain | Self::IdToken | Self::LogoutToken)
    }

    /// Returns the header `typ` that tokens may have if none is configured. Tokens without `typ` are
    /// permitted too. `None` permits all.
    pub(super) fn permitted_typs(self) -> Option<&'static [&'static str]> {
        match self {
            Self::Plain => Some(&["JWT", "at+jwt"]),
            Self::IdToken => Some(&["JWT"]),
            Self::LogoutToken => Some(&["logout+jwt", "JWT"]),
            Self::SimpleJwt | Self::Rfc9068 => None,
        }
    }

    /// Returns whether the profile is for tokens of this use.
    pub(super) fn permits(self, token_use: TokenUse) -> bool {
        match token_use {
            TokenUse::Unspecified => true,
            TokenUse::Access => self == Self::Plain,
            TokenUse::Id => self == Self::IdToken,
            TokenUse::Logout => self == Self::LogoutToken,
            TokenUse::Other => false,
        }
    }

    /// Adds what the presence of a claim shows about the use of the token to `uses`.
    pub(super) fn note_claim(self, name: &str, uses: &mut UseMarks) {
        if self.is_foreign() {
            match name {
                "events" if self != Self::LogoutToken => uses.other = Some(MarkClaim::Events),
                "nonce" => uses.id_token = Some(MarkClaim::Nonce),
                "at_hash" => uses.id_token = Some(MarkClaim::AtHash),
                "c_hash" => uses.id_token = Some(MarkClaim::CodeHash),
                _ => {}
            }
        }
    }
}
