use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use serde::de::DeserializeOwned;

use crate::{
    clock::Clock,
    error::{AuthError, AuthErrorKind, ConfigError, ConfigErrorKind},
};

use super::{
    claims::{Claims, NoClaims, TokenType},
    compact::Compact,
    header::Header,
    keyset::KeySet,
    names::ClaimNames,
    registered::{Registered, peek_issuer},
    validation::Rules,
};

/// The longest token that is looked at unless configured otherwise.
pub(crate) const DEFAULT_MAX_TOKEN_LEN: usize = 8 * 1024;

type Check<C> = Arc<dyn Fn(&Claims<C>) -> bool + Send + Sync>;

/// Turns tokens into [`Claims`]: form, key, signature, then every rule.
///
/// A cheap handle, used by the layer and outside HTTP alike:
///
/// ```
/// use tower_jwt_auth::{AuthErrorKind, Verifier, VerifyingKey};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let secret = [7, 9].repeat(16);
/// let key = VerifyingKey::from_secret(tower_jwt_auth::Algorithm::HS256, secret)?;
/// let verifier: Verifier = Verifier::builder(key).audience("api").build()?;
///
/// let error = verifier.verify("not a token").unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Malformed);
/// # Ok(())
/// # }
/// ```
///
/// # What is checked
///
/// 1. Length and form; a header without `crit`, `b64`, `zip` or `enc`; no member twice.
/// 2. The signature, by a key of exactly the header's `alg`: see [`KeySet`].
/// 3. `exp` (required), `nbf`, `iat`; then `iss`, `aud` and the token type as configured; the ids.
/// 4. That the payload is a `C`, and the application's own [checks](VerifierBuilder::check).
pub struct Verifier<C = NoClaims>(Arc<Inner<C>>);

struct Inner<C> {
    keys: KeySet,
    rules: Rules,
    max_token_len: usize,
    clock: Clock,
    checks: Vec<Check<C>>,
}

impl<C> Verifier<C> {
    /// Starts a verifier that trusts `keys` and accepts access tokens.
    pub fn builder(keys: impl Into<KeySet>) -> VerifierBuilder<C> {
        VerifierBuilder {
            keys: keys.into(),
            rules: Rules { token_types: Some(vec![TokenType::Access]), ..Rules::default() },
            max_token_len: DEFAULT_MAX_TOKEN_LEN,
            clock: Clock::system(),
            checks: Vec::new(),
            claims: PhantomData,
        }
    }
}

impl<C: DeserializeOwned> Verifier<C> {
    /// Verifies a compact token.
    ///
    /// Revocation is not looked at: that takes a store, which the layer and the issuer have.
    ///
    /// # Errors
    ///
    /// An [`AuthError`] whose [kind](AuthError::kind) tells what is wrong.
    pub fn verify(&self, token: &str) -> Result<Claims<C>, AuthError> {
        Ok(self.0.verify(token)?)
    }
}

impl<C: DeserializeOwned> Inner<C> {
    fn verify(&self, token: &str) -> Result<Claims<C>, AuthErrorKind> {
        let token = Compact::split(token, self.max_token_len)?;
        let keys = self.keys.load();

        let header_json;
        let parsed_header;
        let header = match keys.known_header(&token) {
            Some(header) => header,
            None => {
                header_json = token.decode_header()?;
                parsed_header = Header::read(&header_json)?;
                &parsed_header
            }
        };
        self.rules.check_typ(header.typ.as_deref())?;

        let payload = if keys.by_issuer() {
            let payload = decode_payload(&token)?;
            let issuer = peek_issuer(&payload).ok_or(AuthErrorKind::WrongIssuer)?;
            keys.verify(&token, header, Some(&issuer))?;
            drop(issuer);
            payload
        } else {
            keys.verify(&token, header, None)?;
            decode_payload(&token)?
        };

        let registered = Registered::read(&payload, &self.rules)?;
        self.rules.check(&registered, &payload, self.clock.now())?;
        let custom = serde_json::from_str(&payload).map_err(|_| AuthErrorKind::InvalidClaims)?;
        let claims = Claims::new(payload, registered, custom);
        if !self.checks.iter().all(|check| check(&claims)) {
            return Err(AuthErrorKind::Refused);
        }
        Ok(claims)
    }
}

fn decode_payload(token: &Compact<'_>) -> Result<String, AuthErrorKind> {
    String::from_utf8(token.decode_payload()?).map_err(|_| AuthErrorKind::Malformed)
}

impl<C> Clone for Verifier<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C> fmt::Debug for Verifier<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("keys", &self.0.keys).finish_non_exhaustive()
    }
}

/// Sets up a [`Verifier`].
#[must_use]
pub struct VerifierBuilder<C = NoClaims> {
    keys: KeySet,
    rules: Rules,
    max_token_len: usize,
    clock: Clock,
    checks: Vec<Check<C>>,
    claims: PhantomData<fn() -> C>,
}

impl<C> VerifierBuilder<C> {
    /// Requires `iss` to be this text, byte for byte. Default: not checked.
    pub fn issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.rules.issuer = Some(issuer.into());
        self
    }

    /// Requires `aud` to be, or to contain, this text. Default: not checked.
    ///
    /// Without it, tokens that the same issuer wrote for another service are accepted.
    pub fn audience(self, audience: impl Into<Box<str>>) -> Self {
        self.audiences([audience])
    }

    /// Requires `aud` to be, or to contain, one of these texts. Default: not checked.
    pub fn audiences<A: Into<Box<str>>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.rules.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts tokens of this type only. Default: [`TokenType::Access`].
    pub fn token_type(self, token_type: TokenType) -> Self {
        self.token_types([token_type])
    }

    /// Accepts tokens of these types only. Default: [`TokenType::Access`].
    pub fn token_types(mut self, token_types: impl IntoIterator<Item = TokenType>) -> Self {
        self.rules.token_types = Some(token_types.into_iter().collect());
        self
    }

    /// Accepts tokens of any type, or of none.
    ///
    /// For inspection, and for issuers that write no type at all. A refresh token of an issuer
    /// that does will then open what only an access token should.
    pub fn any_token_type(mut self) -> Self {
        self.rules.token_types = None;
        self
    }

    /// Requires the header's `typ` to be this media type, with or without `application/` and in
    /// any case: `at+jwt` for access tokens of [RFC 9068]. Default: not checked.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
    pub fn header_typ(mut self, typ: impl Into<Box<str>>) -> Self {
        self.rules.header_typ = Some(typ.into());
        self
    }

    /// Sets which members hold the user id, the token type and the token id.
    /// Default: `user_id`, `token_type`, `jti`.
    pub fn claim_names(mut self, names: ClaimNames) -> Self {
        self.rules.names = names;
        self
    }

    /// Requires a member of this name, whatever its value. Default: none beyond the rules above.
    pub fn require_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.rules.required.push(name.into());
        self
    }

    /// Accepts tokens without an id (`jti`). Default: refused, since such a token cannot be revoked
    /// by itself.
    pub fn optional_jti(mut self) -> Self {
        self.rules.jti_optional = true;
        self
    }

    /// Accepts tokens without a user id, such as those of machines. Default: refused.
    pub fn optional_user_id(mut self) -> Self {
        self.rules.user_id_optional = true;
        self
    }

    /// Sets by how much clocks may differ when `exp`, `nbf` and `iat` are compared; whole seconds,
    /// at most 300. Default: zero.
    ///
    /// Expired tokens live on for as long.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Requires that `iat` is present and `exp` at most this much later, in whole seconds.
    /// Default: any lifetime.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.longest_lifetime = Some(lifetime);
        self
    }

    /// Sets how many bytes a token may have. Default: 8192.
    pub fn max_token_len(mut self, bytes: usize) -> Self {
        self.max_token_len = bytes;
        self
    }

    /// Adds a check of the application's own, asked after all others. May be called repeatedly;
    /// every check must say yes.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use tower_jwt_auth::{KeySet, Verifier, SigningKey, Algorithm};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// #[derive(Deserialize)]
    /// struct Tenant { tenant: String }
    ///
    /// # let keys = KeySet::from(SigningKey::generate(Algorithm::HS256)?);
    /// let verifier = Verifier::<Tenant>::builder(keys)
    ///     .check(|claims| claims.tenant == "acme")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(mut self, check: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Sets the clock. Default: the system's.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the verifier.
    ///
    /// # Errors
    ///
    /// When an accepted value or a list of them is empty, the leeway exceeds 300 seconds, claim
    /// names clash, a token may have less than 64 bytes or more than a mebibyte, or an issuer is
    /// required although every key belongs to one already.
    pub fn build(self) -> Result<Verifier<C>, ConfigError> {
        self.rules.check_config()?;
        if !(64..=1024 * 1024).contains(&self.max_token_len) {
            return Err(ConfigError::new(
                ConfigErrorKind::OutOfRange,
                "the longest token must have 64 bytes to a mebibyte",
            ));
        }
        if self.rules.issuer.is_some() && self.keys.load().by_issuer() {
            return Err(ConfigError::new(
                ConfigErrorKind::Conflict,
                "the keys belong to issuers, which a required issuer contradicts",
            ));
        }
        let Self { keys, rules, max_token_len, clock, checks, claims: _ } = self;
        Ok(Verifier(Arc::new(Inner { keys, rules, max_token_len, clock, checks })))
    }
}

impl<C> fmt::Debug for VerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}
