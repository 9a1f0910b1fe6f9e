use std::{collections::BTreeMap, fmt, time::Duration};

use http::HeaderValue;
use serde_json::{Value, json};

use crate::{
    error::{ConfigError, is_scope_token},
    possession::Dpop,
    url::{RedactedUrl, UrlRule},
};

use super::{
    identifier::Identifier,
    resource::{Inner, ProtectedResource},
};

const DEFAULT_MAX_AGE: Duration = Duration::from_secs(300);
const MAX_MAX_AGE: Duration = Duration::from_secs(24 * 60 * 60);

/// Members whose values have a setter, or follow from other settings.
const RESERVED: [&str; 4] =
    ["resource", "authorization_servers", "scopes_supported", "signed_metadata"];

/// Configures a [`ProtectedResource`].
#[must_use]
pub struct ProtectedResourceBuilder {
    identifier: Box<str>,
    audience: Option<Box<str>>,
    authorization_servers: Vec<Box<str>>,
    scopes: Option<Vec<Box<str>>>,
    members: BTreeMap<Box<str>, Value>,
    max_age: Duration,
}

impl ProtectedResource {
    /// Starts a builder for the resource with this identifier: its URL as clients know it, for
    /// example `https://api.example/notes`.
    pub fn builder(identifier: impl Into<Box<str>>) -> ProtectedResourceBuilder {
        ProtectedResourceBuilder {
            identifier: identifier.into(),
            audience: None,
            authorization_servers: Vec::new(),
            scopes: None,
            // The layer also reads tokens from other places, but this is the one that all clients
            // know. RFC 6750 discourages the others.
            members: BTreeMap::from([("bearer_methods_supported".into(), json!(["header"]))]),
            max_age: DEFAULT_MAX_AGE,
        }
    }
}

impl ProtectedResourceBuilder {
    /// Adds an authorization server that issues tokens for this resource, by its issuer identifier
    /// ([RFC 8414]). Default: none, and clients must know it by other means.
    ///
    /// [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414#section-2
    pub fn authorization_server(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.authorization_servers.push(issuer.into());
        self
    }

    /// Sets the `aud` of tokens for this resource, if the authorization servers write another one
    /// than RFC 8707 defines. Default: the identifier.
    ///
    /// The metadata does not contain it. The verifier of the layer must have it as an
    /// [audience](crate::token::VerifierBuilder::audience).
    pub fn audience(mut self, audience: impl Into<Box<str>>) -> Self {
        self.audience = Some(audience.into());
        self
    }

    /// Sets the scopes that clients can ask for. Default: not listed.
    pub fn scopes_supported<S: Into<Box<str>>>(
        mut self,
        scopes: impl IntoIterator<Item = S>,
    ) -> Self {
        self.scopes = Some(scopes.into_iter().map(Into::into).collect());
        self
    }

    /// Sets the name of the resource, for people. Default: none.
    pub fn resource_name(self, name: impl Into<String>) -> Self {
        self.member("resource_name", name.into())
    }

    /// Lists what `dpop` accepts and whether it requires bound tokens
    /// (`dpop_signing_alg_values_supported`, `dpop_bound_access_tokens_required`). Default: not
    /// listed.
    ///
    /// The layer must have the same [`Dpop`]:
    /// [`JwtAuthLayer::with_dpop`](crate::JwtAuthLayer::with_dpop).
    pub fn dpop(self, dpop: &Dpop) -> Self {
        let algorithms: Vec<_> = dpop.algs().split(' ').collect();
        self.member("dpop_signing_alg_values_supported", algorithms)
            .member("dpop_bound_access_tokens_required", dpop.is_required())
    }

    /// Sets another member of the metadata, for example `resource_documentation`, `jwks_uri`,
    /// `resource_name#fr`, or one of your own ([RFC 9728 section 2]). Default: only
    /// `bearer_methods_supported`, with the value `["header"]`.
    ///
    /// [RFC 9728 section 2]: https://www.rfc-editor.org/rfc/rfc9728#section-2
    pub fn member(mut self, name: impl Into<Box<str>>, value: impl Into<Value>) -> Self {
        self.members.insert(name.into(), value.into());
        self
    }

    /// Sets how long the metadata may be cached, in whole seconds. Default: 5 minutes.
    pub fn max_age(mut self, max_age: Duration) -> Self {
        self.max_age = max_age;
        self
    }

    /// Builds the resource.
    ///
    /// # Errors
    ///
    /// - The identifier is not an `https` URL, or an `http` URL with a loopback host, or it has a
    ///   user, a query or a fragment, or its path contains other characters than letters, digits and
    ///   `/-._~`.
    /// - An [authorization server](Self::authorization_server) is not such a URL, or is listed twice.
    /// - A scope is not visible ASCII without spaces, quotes and backslashes, or there is none in
    ///   [`scopes_supported`](Self::scopes_supported).
    /// - A [`member`](Self::member) is `resource`, `authorization_servers`, `scopes_supported` or
    ///   `signed_metadata`, or its value is `null` or an empty array.
    /// - [`max_age`](Self::max_age) is less than one second or more than one day.
    pub fn build(self) -> Result<ProtectedResource, ConfigError> {
        let Self { identifier, audience, authorization_servers, scopes, members, max_age } = self;
        let identifier = Identifier::parse(&identifier)?;
        check_servers(&authorization_servers)?;
        scopes.as_deref().map_or(Ok(()), check_scopes)?;
        check_members(&members)?;
        if max_age.as_secs() == 0 || max_age > MAX_MAX_AGE {
            return Err(ConfigError::out_of_range("`max_age` must be one second to one day"));
        }
        let mut metadata = json!({ "resource": identifier.url });
        if !authorization_servers.is_empty() {
            metadata["authorization_servers"] = json!(authorization_servers);
        }
        if let Some(scopes) = scopes {
            metadata["scopes_supported"] = json!(scopes);
        }
        for (name, value) in members {
            metadata[&*name] = value;
        }
        let cache_control = format!("public, max-age={}", max_age.as_secs());
        let cache_control =
            HeaderValue::try_from(cache_control).expect("the characters are visible ASCII");
        Ok(ProtectedResource::new(Inner {
            identifier,
            audience,
            metadata: metadata.to_string(),
            cache_control,
        }))
    }
}

fn check_servers(servers: &[Box<str>]) -> Result<(), ConfigError> {
    if servers.iter().any(|url| UrlRule::HttpsOrLoopback.parse_issuer(url).is_none()) {
        return Err(ConfigError::out_of_range(
            "an `authorization_server` must be an https URL, or an http URL with a loopback host, \
             without user, query and fragment",
        ));
    }
    if (1..).zip(servers).any(|(next, server)| servers[next..].contains(server)) {
        return Err(ConfigError::conflict("an `authorization_server` must not be listed twice"));
    }
    Ok(())
}

fn check_scopes(scopes: &[Box<str>]) -> Result<(), ConfigError> {
    if scopes.is_empty() || !scopes.iter().all(|scope| is_scope_token(scope)) {
        return Err(ConfigError::out_of_range(
            "`scopes_supported` must have at least one scope, and each must be visible ASCII \
             without spaces, quotes and backslashes",
        ));
    }
    Ok(())
}

fn check_members(members: &BTreeMap<Box<str>, Value>) -> Result<(), ConfigError> {
    if members.keys().any(|name| RESERVED.contains(&&**name)) {
        return Err(ConfigError::conflict(
            "a `member` must not be `resource`, `authorization_servers`, `scopes_supported` or \
             `signed_metadata`",
        ));
    }
    // RFC 9728 section 3.2: parameters without a value are omitted.
    let is_missing =
        |value: &Value| value.is_null() || value.as_array().is_some_and(|array| array.is_empty());
    if members.values().any(is_missing) {
        return Err(ConfigError::ineffective(
            "the value of a `member` must not be null or an empty array",
        ));
    }
    Ok(())
}

impl fmt::Debug for ProtectedResourceBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProtectedResourceBuilder")
            .field("identifier", &RedactedUrl(&self.identifier))
            .finish_non_exhaustive()
    }
}
