//! Introspection responses ([RFC 7662 section 2.2]): their form, and the rules for their claims.
//!
//! [RFC 7662 section 2.2]: https://www.rfc-editor.org/rfc/rfc7662#section-2.2

use std::{sync::Arc, time::Duration};

use serde::{Deserialize, de::DeserializeOwned};
use serde_json::Number;

use crate::{
    clock::Clock,
    error::{AuthError, ConfigError},
};

use super::{
    claim_names::ClaimNames,
    claims::Claims,
    members::check_members,
    token_profile::TokenProfile,
    validation::Rules,
    verifier::{ClaimsVerifier, DEFAULT_CLOCK_SKEW, DEFAULT_MAX_USER_ID_LEN},
};

/// The rules for the claims of introspection responses.
///
/// They are those for tokens of the profile [`Plain`](TokenProfile::Plain), except that `exp` is
/// optional.
pub(crate) struct ResponseVerifier<C>(ClaimsVerifier<C>);

/// What a response states about a token.
pub(crate) enum Introspected<C> {
    Active(Claims<C>),
    /// It is active, but breaks a rule.
    Rejected(AuthError),
    Inactive,
}

/// The response does not have the form that RFC 7662 defines.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MalformedResponse;

/// The members whose types RFC 7662 defines. The claims are read from the response itself.
#[derive(Deserialize)]
struct Form {
    active: bool,
    #[serde(rename = "exp")]
    _exp: Option<Number>,
    #[serde(rename = "iat")]
    _iat: Option<Number>,
    #[serde(rename = "nbf")]
    _nbf: Option<Number>,
    #[serde(rename = "scope")]
    _scope: Option<Strings>,
    #[serde(rename = "aud")]
    _aud: Option<Strings>,
    #[serde(rename = "client_id")]
    _client_id: Option<String>,
    #[serde(rename = "username")]
    _username: Option<String>,
    #[serde(rename = "token_type")]
    _token_type: Option<String>,
    #[serde(rename = "sub")]
    _sub: Option<String>,
    #[serde(rename = "iss")]
    _iss: Option<String>,
    #[serde(rename = "jti")]
    _jti: Option<String>,
}

/// A string or an array of strings. Some servers write `scope` as an array too.
#[derive(Deserialize)]
#[serde(untagged)]
enum Strings {
    One(#[expect(dead_code, reason = "only the type matters")] String),
    Many(#[expect(dead_code, reason = "only the type matters")] Vec<String>),
}

impl<C> ResponseVerifier<C> {
    pub(crate) fn new() -> Self {
        Self(ClaimsVerifier {
            rules: Rules {
                profile: TokenProfile::Plain,
                names: ClaimNames::default().with_user_id("sub"),
                clock_skew: DEFAULT_CLOCK_SKEW,
                max_user_id_len: DEFAULT_MAX_USER_ID_LEN,
                jti_optional: true,
                exp_optional: true,
                introspected: true,
                ..Rules::default()
            },
            clock: Clock::system(),
            checks: Vec::new(),
        })
    }

    /// The same rules for claims of another type, and whether there were checks. These are dropped,
    /// because they need the claims that they were written for.
    pub(crate) fn for_claims<D>(self) -> (ResponseVerifier<D>, bool) {
        let ClaimsVerifier { rules, clock, checks } = self.0;
        let verifier = ClaimsVerifier { rules, clock, checks: Vec::new() };
        (ResponseVerifier(verifier), !checks.is_empty())
    }

    pub(crate) fn set_issuer(&mut self, issuer: Box<str>) {
        self.0.rules.issuers = Some([issuer].into());
    }

    pub(crate) fn set_default_issuer(&mut self, issuer: Box<str>) {
        self.0.rules.default_issuer = Some(issuer);
    }

    pub(crate) fn set_audiences(&mut self, audiences: Vec<Box<str>>) {
        self.0.rules.audiences = Some(audiences);
    }

    pub(crate) fn set_user_id_member(&mut self, name: String) {
        self.0.rules.names = ClaimNames::default().with_user_id(name);
    }

    pub(crate) fn make_user_id_optional(&mut self) {
        self.0.rules.user_id_optional = true;
    }

    pub(crate) fn require(&mut self, name: Box<str>) {
        self.0.rules.required.push(name);
    }

    pub(crate) fn set_leeway(&mut self, leeway: Duration) {
        self.0.rules.leeway = leeway;
    }

    pub(crate) fn set_clock_skew(&mut self, clock_skew: Duration) {
        self.0.rules.clock_skew = clock_skew;
    }

    pub(crate) fn add_check(&mut self, check: impl Fn(&Claims<C>) -> bool + Send + Sync + 'static) {
        self.0.checks.push(Arc::new(check));
    }

    pub(crate) fn set_clock(&mut self, clock: Clock) {
        self.0.clock = clock;
    }

    pub(crate) const fn clock(&self) -> &Clock {
        &self.0.clock
    }

    pub(crate) fn check_config(&self) -> Result<(), ConfigError> {
        self.0.rules.check_config()
    }

    /// Whether responses must name the configured issuer.
    pub(crate) const fn requires_issuer(&self) -> bool {
        self.0.rules.issuers.is_some()
    }

    pub(crate) const fn has_default_issuer(&self) -> bool {
        self.0.rules.default_issuer.is_some()
    }

    /// Whether responses must name a configured audience.
    pub(crate) const fn requires_audience(&self) -> bool {
        self.0.rules.audiences.is_some()
    }

    /// Whether `audience` is a configured audience.
    pub(crate) fn accepts_audience(&self, audience: &str) -> bool {
        self.0.rules.accepts_audience(audience)
    }

    /// Checks again what may have changed since the response was verified.
    pub(crate) fn verify_again(&self, claims: &Claims<C>) -> Result<(), AuthError> {
        self.0.verify_again(claims)
    }
}

impl<C: DeserializeOwned> ResponseVerifier<C> {
    pub(crate) fn verify(&self, response: Vec<u8>) -> Result<Introspected<C>, MalformedResponse> {
        let json = String::from_utf8(response).map_err(|_| MalformedResponse)?;
        check_members(&json, |_| true).map_err(|_| MalformedResponse)?;
        let form: Form = serde_json::from_str(&json).map_err(|_| MalformedResponse)?;
        if !form.active {
            return Ok(Introspected::Inactive);
        }
        Ok(match self.0.verify(json) {
            Ok(claims) => Introspected::Active(claims),
            Err(error) => Introspected::Rejected(error),
        })
    }
}
