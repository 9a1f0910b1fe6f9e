use std::{fmt, time::Duration};

use aws_lc_rs::rand;
use base64_simd::{STANDARD, URL_SAFE_NO_PAD};
use form_urlencoded::{Serializer, byte_serialize};
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};
use serde_json::json;
use zeroize::Zeroizing;

use crate::{
    clock::NumericDate,
    error::ConfigError,
    token::{SigningKey, sign_payload},
    transport::is_token68,
};

use super::error::{IntrospectionError, IntrospectionErrorKind};

/// How long an assertion is valid.
const ASSERTION_LIFETIME: Duration = Duration::from_secs(60);

/// How this service authenticates at the introspection endpoint ([RFC 7662 section 2.1]).
///
/// [RFC 7662 section 2.1]: https://www.rfc-editor.org/rfc/rfc7662#section-2.1
#[derive(Clone)]
pub struct ClientAuth(Method);

#[derive(Clone)]
enum Method {
    Basic { id: Box<str>, secret: Zeroizing<String> },
    Bearer(Zeroizing<String>),
    PrivateKeyJwt { id: Box<str>, key: SigningKey, audience: Box<str> },
}

impl ClientAuth {
    /// `client_secret_basic`: the id and the secret of this service, in the header `Authorization`
    /// ([RFC 6749 section 2.3.1]). Both are form-encoded first, as that section requires.
    ///
    /// [RFC 6749 section 2.3.1]: https://www.rfc-editor.org/rfc/rfc6749#section-2.3.1
    #[must_use]
    pub fn basic(client_id: impl Into<Box<str>>, secret: impl Into<String>) -> Self {
        Self(Method::Basic { id: client_id.into(), secret: Zeroizing::new(secret.into()) })
    }

    /// An access token of this service, in the header `Authorization`.
    #[must_use]
    pub fn bearer(token: impl Into<String>) -> Self {
        Self(Method::Bearer(Zeroizing::new(token.into())))
    }

    /// `private_key_jwt`: an assertion that is signed with `key` for each request ([RFC 7523 section
    /// 2.2]).
    ///
    /// `audience` identifies the authorization server. Newer servers expect their issuer identifier,
    /// others the URL of their token endpoint. The server finds the public key by the
    /// [key id](SigningKey::with_kid).
    ///
    /// [RFC 7523 section 2.2]: https://www.rfc-editor.org/rfc/rfc7523#section-2.2
    #[must_use]
    pub fn private_key_jwt(
        client_id: impl Into<Box<str>>,
        key: SigningKey,
        audience: impl Into<Box<str>>,
    ) -> Self {
        Self(Method::PrivateKeyJwt { id: client_id.into(), key, audience: audience.into() })
    }

    pub(super) fn check(&self) -> Result<(), ConfigError> {
        match &self.0 {
            Method::Basic { id, secret } if id.is_empty() || secret.is_empty() => {
                Err(ConfigError::key("`ClientAuth::basic` requires a client id and a secret"))
            }
            Method::Bearer(token) if !is_token68(token.as_bytes()) => Err(ConfigError::key(
                "the token of `ClientAuth::bearer` must have only letters, digits and `-._~+/`, \
                 then `=`",
            )),
            Method::PrivateKeyJwt { key, .. } if key.algorithm().is_symmetric() => {
                Err(ConfigError::key("the key of `ClientAuth::private_key_jwt` must be asymmetric"))
            }
            Method::PrivateKeyJwt { id, audience, .. } if id.is_empty() || audience.is_empty() => {
                Err(ConfigError::ineffective(
                    "`ClientAuth::private_key_jwt` requires a client id and an audience",
                ))
            }
            Method::Basic { .. } | Method::Bearer(_) | Method::PrivateKeyJwt { .. } => Ok(()),
        }
    }

    /// Adds the credentials to the headers or to the parameters of a request.
    pub(super) fn authenticate(
        &self,
        headers: &mut HeaderMap,
        parameters: &mut Serializer<'_, String>,
        now: NumericDate,
    ) -> Result<(), IntrospectionError> {
        let credentials = match &self.0 {
            Method::Basic { id, secret } => {
                let mut pair = Zeroizing::new(String::new());
                pair.extend(byte_serialize(id.as_bytes()));
                pair.push(':');
                pair.extend(byte_serialize(secret.as_bytes()));
                Zeroizing::new(format!("Basic {}", STANDARD.encode_to_string(pair.as_bytes())))
            }
            Method::Bearer(token) => Zeroizing::new(format!("Bearer {}", token.as_str())),
            Method::PrivateKeyJwt { id, key, audience } => {
                parameters
                    .append_pair("client_id", id)
                    .append_pair(
                        "client_assertion_type",
                        "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                    )
                    .append_pair("client_assertion", &assertion(id, key, audience, now)?);
                return Ok(());
            }
        };
        let mut value = HeaderValue::try_from(credentials.as_str())
            .expect("base64 and the checked token are visible ASCII");
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
        Ok(())
    }
}

/// A JWT by which the owner of `key` authenticates ([RFC 7523 section 3]).
///
/// [RFC 7523 section 3]: https://www.rfc-editor.org/rfc/rfc7523#section-3
fn assertion(
    id: &str,
    key: &SigningKey,
    audience: &str,
    now: NumericDate,
) -> Result<String, IntrospectionError> {
    let mut jti = [0; 16];
    rand::fill(&mut jti).map_err(|_| IntrospectionErrorKind::Signing)?;
    let claims = json!({
        "iss": id,
        "sub": id,
        "aud": audience,
        "iat": now.as_secs(),
        "exp": now.saturating_add(ASSERTION_LIFETIME).as_secs(),
        "jti": URL_SAFE_NO_PAD.encode_to_string(jti),
    });
    sign_payload(key, claims.to_string().as_bytes()).map_err(|error| {
        IntrospectionError::with_source(IntrospectionErrorKind::Signing, Box::from(error))
    })
}

impl fmt::Debug for ClientAuth {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Method::Basic { .. } => "ClientAuth(basic)",
            Method::Bearer(_) => "ClientAuth(bearer)",
            Method::PrivateKeyJwt { .. } => "ClientAuth(private_key_jwt)",
        })
    }
}
