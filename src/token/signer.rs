//! Claims to compact token.

use std::{error::Error, fmt};

use serde::{Serialize, Serializer, ser::SerializeMap};

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
};

use super::{
    claims::TokenType, compact::append, key::SigningKey, members::DistinctMembers,
    names::ClaimNames,
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
            ("epoch", self.epoch),
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

#[derive(Serialize)]
struct Payload<'a, C> {
    #[serde(flatten)]
    registered: &'a RegisteredClaims<'a>,
    #[serde(flatten)]
    custom: &'a C,
}

/// Signs a token of `registered` and the members of `custom`, which must be an object that
/// repeats none of them.
pub(crate) fn sign<C: Serialize>(
    key: &SigningKey,
    registered: &RegisteredClaims<'_>,
    custom: &C,
) -> Result<String, AuthError> {
    let misconfigured = |error| AuthError::with_source(AuthErrorKind::Misconfigured, error);
    let payload = serde_json::to_string(&Payload { registered, custom })
        .map_err(|_| misconfigured(SigningError::NoObject))?;
    // A verifier would refuse what repeats a member; better here than at every later request.
    serde_json::from_str::<DistinctMembers>(&payload)
        .map_err(|_| misconfigured(SigningError::NameTaken))?;

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
