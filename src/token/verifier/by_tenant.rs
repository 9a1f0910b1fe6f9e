use std::sync::Arc;

use serde::de::DeserializeOwned;

use crate::error::{AuthError, AuthErrorKind, ConfigError, ErrorDetails};

use super::{
    super::{
        cache::CacheStats,
        claims::Claims,
        compact::Compact,
        issuer_template::{IssuerTemplate, is_guid, may_sign},
        peek::peek,
        violation::wrong_issuer,
    },
    error::VerifyError,
    single::{SingleVerifier, decode_payload},
    token_verifier::TokenVerifier,
};

/// A verifier of an issuer with many tenants. Each tenant is an issuer of its own.
pub(super) struct ByTenant<C> {
    pub(super) verifier: SingleVerifier<C>,
    pub(super) template: IssuerTemplate,
    pub(super) tenants: TenantRule,
}

/// The tenants whose tokens are accepted.
#[derive(Clone)]
#[cfg_attr(not(feature = "jwks"), expect(dead_code, reason = "only `jwks` has keys of tenants"))]
pub(super) enum TenantRule {
    Only(Vec<Box<str>>),
    Matching(Arc<dyn Fn(&str) -> bool + Send + Sync>),
}

impl TenantRule {
    pub(super) fn check_config(&self) -> Result<(), ConfigError> {
        match self {
            Self::Only(tenants) if tenants.is_empty() => {
                Err(ConfigError::ineffective("`tenants` must not be empty"))
            }
            Self::Only(tenants) if !tenants.iter().all(|tenant| is_guid(tenant)) => {
                Err(ConfigError::out_of_range("each of `tenants` must be a GUID in lower case"))
            }
            Self::Only(_) | Self::Matching(_) => Ok(()),
        }
    }

    fn accepts(&self, tenant: &str) -> bool {
        match self {
            Self::Only(tenants) => tenants.iter().any(|accepted| **accepted == *tenant),
            Self::Matching(accepts) => accepts(tenant),
        }
    }
}

impl<C> ByTenant<C> {
    /// Checks that the issuer is that of an accepted tenant, which `tid` names too.
    fn check(&self, issuer: Option<&str>, tid: Option<&str>) -> Result<(), AuthError> {
        let Some(tenant) = issuer.and_then(|issuer| self.template.tenant_of(issuer)) else {
            return Err(wrong_issuer([self.template.as_str()], issuer));
        };
        if tid != Some(tenant) {
            return Err(wrong_tenant("expected the tenant of iss"));
        }
        self.check_tenant(tenant)
    }

    fn check_tenant(&self, tenant: &str) -> Result<(), AuthError> {
        if self.tenants.accepts(tenant) {
            Ok(())
        } else {
            Err(wrong_tenant("expected an accepted tenant"))
        }
    }
}

fn wrong_tenant(rule: &'static str) -> AuthError {
    let details = ErrorDetails {
        member: Some("tid".into()),
        rule: Some(rule.into()),
        setting: Some("tenants"),
        ..ErrorDetails::default()
    };
    AuthError::with_details(AuthErrorKind::WrongIssuer, details)
}

impl<C: DeserializeOwned> TokenVerifier<C> for ByTenant<C> {
    fn issuers(&self) -> Vec<&str> {
        Vec::new()
    }

    fn accepts_issuer(&self, issuer: &str) -> bool {
        self.template.tenant_of(issuer).is_some()
    }

    fn requires_issuer(&self) -> bool {
        true
    }

    fn requires_audience(&self) -> bool {
        self.verifier.requires_audience()
    }

    fn accepts_audience(&self, audience: &str) -> bool {
        self.verifier.accepts_audience(audience)
    }

    fn requires_logout_tokens(&self) -> bool {
        self.verifier.requires_logout_tokens()
    }

    fn max_token_len(&self) -> usize {
        self.verifier.max_token_len
    }

    fn cache_stats(&self) -> CacheStats {
        self.verifier.cache_stats()
    }

    fn find_cached(&self, token: &[u8]) -> Option<Result<Claims<C>, AuthError>> {
        let found = self.verifier.find_cached(token, &self.verifier.keys.load())?;
        // The tenant may have ceased to be accepted.
        Some(found.and_then(|claims| {
            let tenant = claims.issuer().and_then(|issuer| self.template.tenant_of(issuer));
            self.check_tenant(tenant.unwrap_or_default()).map(|()| claims)
        }))
    }

    /// The `iss` and `tid` are read before the signature is verified. They are signed too, so they
    /// are what the issuer wrote if the signature proves valid.
    fn verify_uncached(
        &self,
        token: &[u8],
        payload: Option<String>,
    ) -> Result<Claims<C>, VerifyError> {
        let payload = match payload {
            Some(payload) => payload,
            None => decode_payload(&Compact::split(token, self.verifier.max_token_len)?)?,
        };
        let [issuer, tid] = peek(&payload, ["iss", "tid"]);
        self.check(issuer.as_deref(), tid.as_deref())?;
        let (issuer, tenant) =
            (issuer.unwrap_or_default().into_owned(), tid.unwrap_or_default().into_owned());
        self.verifier.verify_permitted(token, Some(payload), &self.verifier.keys.load(), |key| {
            key.issuer().is_some_and(|of_key| may_sign(of_key, &tenant, &issuer))
        })
    }
}
