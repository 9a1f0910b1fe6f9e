use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use crate::{clock::Clock, error::ConfigError};

use super::{
    super::{
        cache::TokenCache,
        claims::{Claims, NoClaims, TokenType},
        keyset::KeySet,
        names::ClaimNames,
        profile::{TokenProfile, Told},
        validation::Rules,
    },
    CacheUse, Check, DEFAULT_MAX_TOKEN_LEN, Inner, One, Verifier,
};

/// How many bytes verified tokens may take unless configured otherwise.
const DEFAULT_CACHE: usize = 4 * 1024 * 1024;
const SMALLEST_CACHE: usize = 64 * 1024;

/// Sets up a [`Verifier`].
#[must_use]
pub struct VerifierBuilder<C = NoClaims> {
    keys: KeySet,
    rules: Rules,
    profile: TokenProfile,
    told: Told,
    max_token_len: usize,
    clock: Clock,
    checks: Vec<Check<C>>,
    checks_before_claims: bool,
    /// How many bytes, if that was said.
    cache: Option<usize>,
    claims: PhantomData<fn() -> C>,
}

impl Verifier {
    /// Starts a verifier that trusts `keys` and accepts access tokens.
    ///
    /// The verifier reads registered claims only, unless [`claims`](VerifierBuilder::claims) names
    /// a type for the application's own.
    pub fn builder(keys: impl Into<KeySet>) -> VerifierBuilder {
        VerifierBuilder {
            keys: keys.into(),
            rules: Rules::default(),
            profile: TokenProfile::default(),
            told: Told::default(),
            max_token_len: DEFAULT_MAX_TOKEN_LEN,
            clock: Clock::system(),
            checks: Vec::new(),
            checks_before_claims: false,
            cache: None,
            claims: PhantomData,
        }
    }
}

impl VerifierBuilder {
    /// Sets the type of the application's own claims, which are read from each token. Default:
    /// [`NoClaims`].
    ///
    /// Call it before [`check`](Self::check), whose closures receive claims of this type.
    ///
    /// ```
    /// use serde::Deserialize;
    /// use tower_jwt_auth::{Algorithm, SigningKey, Verifier};
    ///
    /// #[derive(Deserialize)]
    /// struct Member {
    ///     name: String,
    /// }
    ///
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let key = SigningKey::generate(Algorithm::ES256)?.verifying_key();
    /// let verifier = Verifier::builder(key).claims::<Member>().build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn claims<C>(self) -> VerifierBuilder<C> {
        let Self { keys, rules, profile, told, max_token_len, clock, checks, cache, .. } = self;
        VerifierBuilder {
            keys,
            rules,
            profile,
            told,
            max_token_len,
            clock,
            checks: Vec::new(),
            checks_before_claims: !checks.is_empty(),
            cache,
            claims: PhantomData,
        }
    }
}

impl<C> VerifierBuilder<C> {
    /// Sets what the tokens look like. Default: [`TokenProfile::SimpleJwt`].
    pub fn profile(mut self, profile: TokenProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Requires `iss` to be this text, byte for byte. Default: not checked, but keys that were
    /// found by the name of their issuer serve that one only.
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
        self.told.token_types = Some(token_types.into_iter().collect());
        self.told.any_token_type = false;
        self
    }

    /// Accepts tokens of any type, or of none.
    ///
    /// For inspection. A refresh token will then open what only an access token should; for
    /// issuers that write no type see [`TokenProfile`].
    pub fn any_token_type(mut self) -> Self {
        self.told.token_types = None;
        self.told.any_token_type = true;
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
        self.told.names = Some(names);
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

    /// Checks what PyJWT checks, and leaves the rest of SimpleJWT's rules to the caller, who tells
    /// more of them apart: `exp`, ids and the type may be missing.
    #[cfg(feature = "django")]
    pub(crate) fn pyjwt_rules(mut self) -> Self {
        self.rules.as_pyjwt = true;
        self.any_token_type().optional_jti().optional_user_id()
    }

    /// Lets tokens repeat the member `name`, which nobody may read. Default: none.
    #[cfg(feature = "django")]
    pub(crate) fn may_repeat(mut self, name: &'static str) -> Self {
        self.rules.may_repeat = Some(name);
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
    /// every check must say yes, each time that a token is used.
    ///
    /// ```
    /// # use serde::Deserialize;
    /// # use tower_jwt_auth::{KeySet, Verifier, SigningKey, Algorithm};
    /// # fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// #[derive(Deserialize)]
    /// struct Tenant { tenant: String }
    ///
    /// # let keys = KeySet::from(SigningKey::generate(Algorithm::HS256)?);
    /// let verifier = Verifier::builder(keys).claims::<Tenant>()
    ///     .check(|claims| claims.tenant == "acme")
    ///     .build()?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn check(mut self, check: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static) -> Self {
        self.checks.push(Arc::new(check));
        self
    }

    /// Remembers verified tokens, in about so many bytes of memory, so that the signature of each
    /// is computed once only. Zero: never; otherwise at least 64 KiB. Default: 4 MiB, room for a
    /// few thousand tokens, while a trusted key is a public one; nothing is remembered while all
    /// are secrets, whose signatures cost little more than it does.
    ///
    /// A token is known again by the whole of its text. With each use are checked again:
    ///
    /// - that the keys are still the same: when they are [replaced](KeySet::replace) or fetched
    ///   anew, everything is forgotten;
    /// - `exp`, `nbf` and `iat`, and the application's own [checks](Self::check);
    /// - revocation, by layers and issuers that have a store, as for any token.
    ///
    /// What was made of the claims, the `C`, is made once, and shared by all uses of the token.
    pub fn cache(mut self, bytes: usize) -> Self {
        self.cache = Some(bytes);
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
    /// names clash, a token may have less than 64 bytes or more than a mebibyte, the keys are those
    /// of another issuer, or a setting contradicts the [profile](Self::profile) or is missing that
    /// the profile needs.
    pub fn build(self) -> Result<Verifier<C>, ConfigError> {
        let Self { keys, mut rules, profile, told, max_token_len, clock, checks, cache, .. } = self;
        if self.checks_before_claims {
            return Err(ConfigError::ineffective("`check` must be called after `claims`"));
        }
        if let Some(issuer) = keys.source().and_then(|source| source.issuer())
            && **rules.issuer.get_or_insert_with(|| issuer.into()) != *issuer
        {
            return Err(ConfigError::conflict(
                "the keys belong to another issuer than the one that is required",
            ));
        }
        profile.complete(&mut rules, told)?;
        rules.check_config()?;
        if !(64..=1024 * 1024).contains(&max_token_len) {
            return Err(ConfigError::out_of_range(
                "the longest token must have 64 bytes to a mebibyte",
            ));
        }
        let cache = match cache {
            None => CacheUse::WithPublicKeys(TokenCache::new(DEFAULT_CACHE)),
            Some(0) => CacheUse::Never,
            Some(bytes @ SMALLEST_CACHE..) => CacheUse::Always(TokenCache::new(bytes)),
            Some(_) => {
                return Err(ConfigError::out_of_range(
                    "a cache must have no bytes or at least 64 KiB",
                ));
            }
        };
        let one = One { keys, rules, max_token_len, clock, checks, cache };
        Ok(Verifier(Arc::new(Inner::One(one))))
    }
}

impl<C> fmt::Debug for VerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}
