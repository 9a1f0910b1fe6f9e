//! Claims to compact token.

use std::{error::Error, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
};

use super::{
    claims::TokenType, compact::append, key::SigningKey, members::check_members, names::ClaimNames,
};

/// What a token says besides the application's own claims.
pub(crate) struct RegisteredClaims<'a> {
    pub(crate) names: &'a ClaimNames,
    pub(crate) token_type: &'a TokenType,
    pub(crate) expires_at: NumericDate,
    pub(crate) issued_at: NumericDate,
    pub(crate) jti: &'a str,
    pub(crate) user_id: &'a str,
    pub(crate) issuer: Option<&'a str>,
    pub(crate) audience: Option<&'a str>,
    pub(crate) session_id: Option<&'a str>,
    pub(crate) auth_time: Option<NumericDate>,
    pub(crate) scope: Option<&'a str>,
    pub(crate) epoch: Option<&'a str>,
}

impl Serialize for RegisteredClaims<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        // The first five are written as SimpleJWT writes them, in its order.
        map.serialize_entry(self.names.token_type(), self.token_type.as_str())?;
        map.serialize_entry("exp", &self.expires_at.as_secs())?;
        map.serialize_entry("iat", &self.issued_at.as_secs())?;
        map.serialize_entry(self.names.jti(), self.jti)?;
        map.serialize_entry(self.names.user_id(), self.user_id)?;
        let texts = [
            ("aud", self.audience),
            ("iss", self.issuer),
            ("sid", self.session_id),
            ("scope", self.scope),
            ("user_epoch", self.epoch),
        ];
        for (name, text) in texts {
            if let Some(text) = text {
                map.serialize_entry(name, text)?;
            }
        }
        if let Some(auth_time) = self.auth_time {
            map.serialize_entry("auth_time", &auth_time.as_secs())?;
        }
        map.end()
    }
}

impl RegisteredClaims<'_> {
    /// Whether the application's claims must not have a member of this name: it is written here, or
    /// would mean something to a verifier that only the issuer may say.
    fn takes(&self, name: &str) -> bool {
        let names = [self.names.token_type(), self.names.jti(), self.names.user_id()];
        names.contains(&name)
            || match name {
                "exp" | "iat" | "sid" | "scope" | "scp" | "auth_time" | "user_epoch" | "cnf" => {
                    true
                }
                "iss" => self.issuer.is_some(),
                "aud" => self.audience.is_some(),
                _ => false,
            }
    }
}

/// Signs a token of `registered` and the members of `custom`, which must be an object without
/// members that `registered` takes.
pub(crate) fn sign<C: Serialize>(
    key: &SigningKey,
    registered: &RegisteredClaims<'_>,
    custom: &C,
) -> Result<String, AuthError> {
    let misconfigured = |error| AuthError::with_source(AuthErrorKind::Misconfigured, error);
    let mut payload =
        serde_json::to_string(registered).map_err(|_| misconfigured(SigningError::NoObject))?;
    let own = serde_json::to_string(custom).map_err(|_| misconfigured(SigningError::NoObject))?;
    let Some(own_members) = own.strip_prefix('{') else {
        return Err(misconfigured(SigningError::NoObject));
    };
    // A verifier would refuse a token that repeats a member; better here than at every request.
    check_members(&own, |name| !registered.takes(name))
        .map_err(|_| misconfigured(SigningError::NameTaken))?;
    payload.pop();
    if own_members != "}" {
        payload.push(',');
    }
    payload.push_str(own_members);

    let header = key.encoded_header();
    let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 128);
    token.push_str(header);
    append(&mut token, payload.as_bytes());
    key.sign(&mut token).ok_or_else(|| misconfigured(SigningError::Crypto))?;
    Ok(token)
}

/// Why a token could not be signed.
#[derive(Debug)]
enum SigningError {
    NoObject,
    NameTaken,
    Crypto,
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoObject => "the claims do not serialize to a JSON object",
            Self::NameTaken => "a claim has the name of a registered one, or they are too many",
            Self::Crypto => "the signature could not be computed",
        })
    }
}

impl Error for SigningError {}
