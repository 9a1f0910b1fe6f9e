use std::{fmt, marker::PhantomData, sync::Arc, time::Duration};

use crate::{clock::Clock, error::ConfigError};

use super::{
    super::{
        cache::TokenCache,
        claim_names::ClaimNames,
        claims::{Claims, NoClaims},
        issuer_template::IssuerTemplate,
        keyset::KeySet,
        token_profile::TokenProfile,
        token_type::TokenType,
        validation::Rules,
    },
    by_tenant::{ByTenant, TenantRule},
    claims_verifier::{ClaimsCheck, ClaimsVerifier},
    single::{CachePolicy, SingleVerifier},
    verify::Verifier,
};

/// The longest token, in bytes, unless configured otherwise.
pub(crate) const DEFAULT_MAX_TOKEN_LEN: usize = 8 * 1024;
/// The longest user id, in bytes, unless configured otherwise.
pub(in crate::token) const DEFAULT_MAX_USER_ID_LEN: usize = 1024;
/// Clocks of machines that synchronize them differ by less.
pub(in crate::token) const DEFAULT_CLOCK_SKEW: Duration = Duration::from_secs(60);
/// The size of the cache, in bytes, unless configured otherwise.
const DEFAULT_CACHE: usize = 4 * 1024 * 1024;
const MIN_CACHE: usize = 64 * 1024;

/// Builds a [`Verifier`].
#[must_use]
pub struct VerifierBuilder<C = NoClaims> {
    keys: KeySet,
    rules: Rules,
    profile: TokenProfile,
    claim_names: Option<ClaimNames>,
    token_types: AcceptedTypes,
    max_token_len: usize,
    clock: Clock,
    checks: Vec<ClaimsCheck<C>>,
    has_checks_before_claims: bool,
    cache: Option<usize>,
    tenants: Option<TenantRule>,
    claims: PhantomData<fn() -> C>,
}

#[derive(Default)]
enum AcceptedTypes {
    /// Those of the profile.
    #[default]
    Default,
    Only(Vec<TokenType>),
    Any,
}

impl Verifier {
    /// Returns a builder for a verifier that trusts `keys` and accepts access tokens.
    ///
    /// The verifier reads the registered claims. To read the application's own claims too, set
    /// their type with [`claims`](VerifierBuilder::claims).
    pub fn builder(keys: impl Into<KeySet>) -> VerifierBuilder {
        VerifierBuilder {
            keys: keys.into(),
            rules: Rules {
                clock_skew: DEFAULT_CLOCK_SKEW,
                max_user_id_len: DEFAULT_MAX_USER_ID_LEN,
                ..Rules::default()
            },
            profile: TokenProfile::default(),
            claim_names: None,
            token_types: AcceptedTypes::default(),
            max_token_len: DEFAULT_MAX_TOKEN_LEN,
            clock: Clock::system(),
            checks: Vec::new(),
            has_checks_before_claims: false,
            cache: None,
            tenants: None,
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
        VerifierBuilder {
            keys: self.keys,
            rules: self.rules,
            profile: self.profile,
            claim_names: self.claim_names,
            token_types: self.token_types,
            max_token_len: self.max_token_len,
            clock: self.clock,
            checks: Vec::new(),
            has_checks_before_claims: self.has_checks_before_claims || !self.checks.is_empty(),
            cache: self.cache,
            tenants: self.tenants,
            claims: PhantomData,
        }
    }
}

impl<C> VerifierBuilder<C> {
    /// Sets the format of the tokens. Default: [`TokenProfile::SimpleJwt`].
    pub fn profile(mut self, profile: TokenProfile) -> Self {
        self.profile = profile;
        self
    }

    /// Requires `iss` to equal `issuer`, byte for byte. Default: the issuer that the keys were
    /// discovered from, if any. Otherwise `iss` is not checked.
    pub fn issuer(self, issuer: impl Into<Box<str>>) -> Self {
        self.issuers([issuer])
    }

    /// Requires `iss` to equal one of `issuers`, byte for byte. Default: see
    /// [`issuer`](Self::issuer).
    ///
    /// It is meant for an issuer with several names: all of them share the keys. Use
    /// [`Verifier::by_issuer`] for issuers with keys of their own. A user who is revoked under one
    /// of the names is revoked under all of them: a revocation check asks the store about each name,
    /// first about that of the token.
    pub fn issuers<I: Into<Box<str>>>(mut self, issuers: impl IntoIterator<Item = I>) -> Self {
        self.rules.issuers = Some(issuers.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts only tokens of these tenants, if the keys are those of [many tenants]. Each id is a
    /// GUID in lower case. Default: none, and [`build`](Self::build) requires this or
    /// [`tenants_matching`](Self::tenants_matching).
    ///
    /// The `iss` of a token must be the issuer of the tenant that `tid` names, and the key must be
    /// one that may sign for that issuer.
    ///
    /// [many tenants]: crate::jwks::RemoteKeys::from_issuer_template
    #[cfg(feature = "jwks")]
    pub fn tenants<T: Into<Box<str>>>(mut self, tenants: impl IntoIterator<Item = T>) -> Self {
        self.tenants = Some(TenantRule::Only(tenants.into_iter().map(Into::into).collect()));
        self
    }

    /// Accepts only tokens of the tenants for whose id `accepts` returns `true`. See
    /// [`tenants`](Self::tenants).
    ///
    /// It is called for each token, before the signature is verified, so it must be quick. The id is
    /// a GUID in lower case.
    ///
    /// <div class="warning">
    ///
    /// With `|_| true`, everybody with an account at the provider has a valid token.
    ///
    /// </div>
    #[cfg(feature = "jwks")]
    pub fn tenants_matching(
        mut self,
        accepts: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.tenants = Some(TenantRule::Matching(Arc::new(accepts)));
        self
    }

    /// Requires `aud` to equal `audience`, or to be an array that contains it. Default: not
    /// checked.
    ///
    /// Without an audience, the verifier accepts tokens that the same issuer signed for other
    /// services.
    pub fn audience(self, audience: impl Into<Box<str>>) -> Self {
        self.audiences([audience])
    }

    /// Requires `aud` to equal one of `audiences`, or to be an array that contains one. Default:
    /// not checked.
    pub fn audiences<A: Into<Box<str>>>(mut self, audiences: impl IntoIterator<Item = A>) -> Self {
        self.rules.audiences = Some(audiences.into_iter().map(Into::into).collect());
        self
    }

    /// Requires that the token was issued to one of these clients: `client_id` and `azp` must each
    /// equal one of `clients` if they are present, and one of them must be. Default: not checked.
    ///
    /// Some providers issue access tokens without an audience. With the profile
    /// [`Plain`](TokenProfile::Plain), the clients can be required instead of an audience. Tokens
    /// with `aud` are then rejected, because every ID token has it. With the profile
    /// [`IdToken`](TokenProfile::IdToken), only `azp` is compared, and also accepted if it equals an
    /// audience.
    pub fn clients<I: Into<Box<str>>>(mut self, clients: impl IntoIterator<Item = I>) -> Self {
        self.rules.clients = Some(clients.into_iter().map(Into::into).collect());
        self
    }

    /// Accepts only tokens of this type. Default: [`TokenType::Access`].
    pub fn token_type(self, token_type: TokenType) -> Self {
        self.token_types([token_type])
    }

    /// Accepts only tokens of these types. Default: [`TokenType::Access`].
    pub fn token_types(mut self, token_types: impl IntoIterator<Item = TokenType>) -> Self {
        self.token_types = AcceptedTypes::Only(token_types.into_iter().collect());
        self
    }

    /// Accepts tokens of every type, and tokens without a type.
    ///
    /// Use it for inspection only: a refresh token then grants what only an access token should.
    /// For issuers that write no token type, set a [profile](Self::profile) instead.
    pub fn any_token_type(mut self) -> Self {
        self.token_types = AcceptedTypes::Any;
        self
    }

    /// Requires the header's `typ` to equal this media type, such as `at+jwt` ([RFC 9068]).
    /// Default: not checked.
    ///
    /// Case and a leading `application/` are ignored.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068#section-2.1
    pub fn header_typ(mut self, typ: impl Into<Box<str>>) -> Self {
        self.rules.header_typ = Some(typ.into());
        self
    }

    /// Sets the names of the claims for user id, token type and token id. Default: `user_id`,
    /// `token_type` and `jti`.
    pub fn claim_names(mut self, names: ClaimNames) -> Self {
        self.claim_names = Some(names);
        self
    }

    /// Requires a claim of this name. Its value is not checked. Call it repeatedly to require
    /// several. Default: none beyond those of the profile.
    pub fn require_claim(mut self, name: impl Into<Box<str>>) -> Self {
        self.rules.required.push(name.into());
        self
    }

    /// Accepts tokens without a token id (`jti`). Default: they are rejected, because they cannot
    /// be revoked individually.
    pub fn optional_jti(mut self) -> Self {
        self.rules.jti_optional = true;
        self
    }

    /// Accepts tokens without a user id, such as those of machine clients. Default: they are
    /// rejected.
    pub fn optional_user_id(mut self) -> Self {
        self.rules.user_id_optional = true;
        self
    }

    /// Sets the maximum length of the user id in bytes, at least 1. Default: 1024.
    ///
    /// Ids of CI jobs and workloads are long. A store has a limit of its own:
    /// [`MAX_ID_LEN`](crate::store::MAX_ID_LEN), for users of issuers without `iss`.
    pub fn max_user_id_len(mut self, bytes: usize) -> Self {
        self.rules.max_user_id_len = bytes;
        self
    }

    /// Applies the rules of PyJWT: `exp`, the ids and the type are optional, and only the leeway
    /// tolerates clock skew. The caller applies SimpleJWT's own rules, because it distinguishes more
    /// errors.
    #[cfg(feature = "django")]
    pub(crate) fn pyjwt_rules(mut self) -> Self {
        self.rules.as_pyjwt = true;
        self.rules.clock_skew = Duration::ZERO;
        self.rules.max_user_id_len = usize::MAX;
        self.any_token_type().optional_jti().optional_user_id()
    }

    /// Permits duplicates of the member `name`, which must not be read. Default: none.
    #[cfg(feature = "django")]
    pub(crate) fn may_repeat(mut self, name: &'static str) -> Self {
        self.rules.may_repeat = Some(name);
        self
    }

    /// Sets how long a token is accepted after `exp`, and before `nbf`, `iat` and `auth_time` if this
    /// is longer than the [clock skew](Self::clock_skew). In whole seconds, at most 300. Default: zero.
    ///
    /// It extends the lifetime of every token, stolen ones too.
    pub fn leeway(mut self, leeway: Duration) -> Self {
        self.rules.leeway = leeway;
        self
    }

    /// Sets by how much the clock of the issuer may be ahead: how far `nbf`, `iat` and `auth_time` may
    /// be in the future. In whole seconds, at most 300. Default: 60 seconds.
    ///
    /// Without it, a new token is rejected by a machine whose clock is a second behind. It does not
    /// extend the lifetime of tokens. The larger of skew and [leeway](Self::leeway) counts, not
    /// their sum.
    pub fn clock_skew(mut self, clock_skew: Duration) -> Self {
        self.rules.clock_skew = clock_skew;
        self
    }

    /// Requires `iat`, and `exp` at most `lifetime` after it. In whole seconds, at least one.
    /// Default: any lifetime.
    pub fn longest_lifetime(mut self, lifetime: Duration) -> Self {
        self.rules.longest_lifetime = Some(lifetime);
        self
    }

    /// Sets the maximum length of a token in bytes, from 64 to 1 048 576 (1 MiB). Default: 8192.
    pub fn max_token_len(mut self, bytes: usize) -> Self {
        self.max_token_len = bytes;
        self
    }

    /// Adds a check that runs after all others, each time a token is verified. Call it repeatedly
    /// to add several. A token is accepted only if every check returns `true`. Default:
    /// none.
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

    /// Sets the size of the cache for verified tokens in bytes: zero for no cache, otherwise at
    /// least 65 536 (64 KiB). Default: 4 MiB, which holds a few thousand tokens, if the verifier
    /// trusts a public key; no cache if it trusts only secrets, because an HMAC costs little more
    /// than a lookup.
    ///
    /// A cached token is found only by the complete token. Each time it is used, the following is
    /// checked again:
    ///
    /// - The keys. The cache is cleared when they are [replaced](KeySet::replace) or fetched again.
    /// - `exp`, `nbf`, `iat` and `auth_time`, and the application's [checks](Self::check).
    /// - Revocation, by layers and issuers that have a store.
    ///
    /// The `C` is deserialized once. All uses of the token share it.
    pub fn cache(mut self, bytes: usize) -> Self {
        self.cache = Some(bytes);
        self
    }

    /// Sets the clock. Default: the system clock.
    pub fn clock(mut self, clock: impl Into<Clock>) -> Self {
        self.clock = clock.into();
        self
    }

    /// Builds the verifier.
    ///
    /// # Errors
    ///
    /// An error if
    ///
    /// - a setting is outside the range that its method documents,
    /// - an accepted value is empty, or a list of accepted values is,
    /// - two claim names are equal, or one is the name of a registered claim,
    /// - the keys belong to another issuer than the required one,
    /// - the keys belong to many tenants and no tenants are set, or tenants are set for other keys,
    /// - a setting contradicts the [profile](Self::profile), or lacks what the profile requires,
    /// - [`check`](Self::check) was called before [`claims`](Self::claims).
    pub fn build(mut self) -> Result<Verifier<C>, ConfigError> {
        if self.has_checks_before_claims {
            return Err(ConfigError::ineffective("`check` must be called after `claims`"));
        }
        if let Some(issuer) = self.keys.source().and_then(|source| source.issuer()) {
            self.rules.issuers.get_or_insert_with(|| [issuer.into()].into());
            if !self.rules.accepts_issuer(issuer) {
                return Err(ConfigError::conflict("`issuer` must be the issuer of the keys"));
            }
        }
        let template = self.check_tenants()?;
        self.apply_profile(template.is_some())?;
        let Self { keys, rules, max_token_len, clock, checks, cache, tenants, .. } = self;
        rules.check_config()?;
        if !(64..=1024 * 1024).contains(&max_token_len) {
            return Err(ConfigError::out_of_range(
                "`max_token_len` must be from 64 bytes to 1 MiB",
            ));
        }
        let cache = match cache {
            None => CachePolicy::WithPublicKeys(TokenCache::new(DEFAULT_CACHE)),
            Some(0) => CachePolicy::Never,
            Some(bytes @ MIN_CACHE..) => CachePolicy::Always(TokenCache::new(bytes)),
            Some(_) => {
                return Err(ConfigError::out_of_range("`cache` must be zero or at least 64 KiB"));
            }
        };
        let claims = ClaimsVerifier { rules, clock, checks };
        let verifier = SingleVerifier { keys, claims, max_token_len, cache };
        Ok(match (template, tenants) {
            (Some(template), Some(tenants)) => {
                Verifier::by_tenant(ByTenant { verifier, template, tenants })
            }
            _ => Verifier::single(verifier),
        })
    }

    /// Returns the template of the issuers if the keys are those of many tenants.
    fn check_tenants(&self) -> Result<Option<IssuerTemplate>, ConfigError> {
        let template = self.keys.source().and_then(|source| source.issuer_template()).cloned();
        match (&template, &self.tenants) {
            (Some(_), _) if self.rules.issuers.is_some() => Err(ConfigError::conflict(
                "`issuer` cannot be set because the keys belong to many issuers",
            )),
            (Some(_), Some(tenants)) => tenants.check_config().map(|()| template),
            (Some(_), None) => Err(ConfigError::ineffective(
                "keys of many tenants require `tenants` or `tenants_matching`",
            )),
            (None, Some(_)) => Err(ConfigError::ineffective(
                "`tenants` requires keys of `RemoteKeys::from_issuer_template`",
            )),
            (None, None) => Ok(None),
        }
    }

    /// Completes the rules with those of the profile.
    fn apply_profile(&mut self, has_tenants: bool) -> Result<(), ConfigError> {
        let Self { profile, rules, .. } = self;
        let has_issuer = has_tenants || rules.issuers.is_some();
        let (names, token_types) = (self.claim_names.take(), std::mem::take(&mut self.token_types));
        rules.profile = *profile;
        if *profile == TokenProfile::SimpleJwt {
            rules.names = names.unwrap_or_default();
            rules.token_types = match token_types {
                AcceptedTypes::Default => Some(vec![TokenType::Access]),
                AcceptedTypes::Only(types) => Some(types),
                AcceptedTypes::Any => None,
            };
            return Ok(());
        }

        if !matches!(token_types, AcceptedTypes::Default) {
            return Err(ConfigError::conflict(
                "token types cannot be set because the token profile determines them",
            ));
        }
        if rules.jti_optional {
            return Err(ConfigError::conflict(
                "`optional_jti` cannot be set because the token profile determines it",
            ));
        }
        match profile {
            TokenProfile::Rfc9068 => {
                if names.is_some() || rules.header_typ.is_some() || rules.user_id_optional {
                    return Err(ConfigError::conflict(
                        "`claim_names`, `header_typ` and `optional_user_id` cannot be set because \
                         RFC 9068 determines them",
                    ));
                }
                if !has_issuer {
                    return Err(ConfigError::ineffective("RFC 9068 requires an `issuer`"));
                }
                if rules.audiences.is_none() {
                    return Err(ConfigError::ineffective("RFC 9068 requires an `audience`"));
                }
                rules.header_typ = Some("at+jwt".into());
                rules.required.extend(["client_id".into(), "iat".into()]);
            }
            TokenProfile::IdToken => {
                if rules.user_id_optional {
                    return Err(ConfigError::conflict(
                        "`optional_user_id` cannot be set because ID tokens have a `sub`",
                    ));
                }
                if !has_issuer || rules.audiences.is_none() {
                    return Err(ConfigError::ineffective(
                        "the profile of ID tokens requires an `issuer`, and the client as `audience`",
                    ));
                }
                rules.jti_optional = true;
                rules.required.extend(["iat".into(), "sub".into()]);
            }
            TokenProfile::LogoutToken => {
                if !has_issuer || rules.audiences.is_none() {
                    return Err(ConfigError::ineffective(
                        "the profile of logout tokens requires an `issuer`, and the client as \
                         `audience`",
                    ));
                }
                rules.exp_optional = true;
                rules.user_id_optional = true;
                rules.required.extend(["iat".into(), "events".into()]);
            }
            TokenProfile::Plain | TokenProfile::SimpleJwt => {
                if rules.audiences.is_none() && rules.clients.is_none() {
                    return Err(ConfigError::ineffective(
                        "the token profile requires an `audience` or `clients`",
                    ));
                }
                rules.jti_optional = true;
            }
        }
        rules.names = names.unwrap_or_else(|| ClaimNames::default().with_user_id("sub"));
        Ok(())
    }
}

impl<C> fmt::Debug for VerifierBuilder<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VerifierBuilder").field("keys", &self.keys).finish_non_exhaustive()
    }
}
