//! Claims to compact token.

use std::{error::Error, fmt};

use serde::Serialize;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
};

use super::{
    claim_names::ClaimNames,
    compact::append,
    custom_claims::{append_fields, append_text},
    key::SigningKey,
    members::check_members,
    token_type::TokenType,
};

/// Room for the payload of most tokens.
const TYPICAL_PAYLOAD: usize = 384;

/// What a token says besides the application's own claims.
pub(crate) struct NewToken<'a> {
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
    /// Makes it an access token of RFC 9068.
    pub(crate) client_id: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
}

impl NewToken<'_> {
    /// Begins the JSON object of a payload with these claims.
    fn append(&self, json: &mut Vec<u8>) -> Result<(), serde_json::Error> {
        let texts = [
            ("aud", self.audience),
            ("iss", self.issuer),
            ("sid", self.session_id),
            ("scope", self.scope),
            ("user_epoch", self.epoch),
            ("client_id", self.client_id),
            ("sub", self.subject),
        ];
        json.push(b'{');
        // The first five are written as SimpleJWT writes them, in its order.
        append_text(json, self.names.token_type())?;
        json.push(b':');
        append_text(json, self.token_type.as_str())?;
        append_date(json, "exp", self.expires_at)?;
        append_date(json, "iat", self.issued_at)?;
        append_member(json, self.names.jti(), self.jti)?;
        append_member(json, self.names.user_id(), self.user_id)?;
        for (name, text) in texts {
            if let Some(text) = text {
                append_member(json, name, text)?;
            }
        }
        match self.auth_time {
            Some(auth_time) => append_date(json, "auth_time", auth_time),
            None => Ok(()),
        }
    }

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
                "client_id" => self.client_id.is_some(),
                "sub" => self.subject.is_some(),
                _ => false,
            }
    }
}

/// Signs a token of `registered` and the members of `custom`, which must be an object without
/// members that `registered` takes.
pub(crate) fn sign<C: Serialize>(
    key: &SigningKey,
    registered: &NewToken<'_>,
    custom: &C,
) -> Result<String, AuthError> {
    let misconfigured = |error| AuthError::with_source(AuthErrorKind::Misconfigured, error);
    let mut payload = Vec::with_capacity(TYPICAL_PAYLOAD);
    registered.append(&mut payload).map_err(|_| misconfigured(SigningError::NoObject))?;
    let allows = |name: &str| !registered.takes(name);
    let end = payload.len();
    if append_fields(&mut payload, custom, allows).is_err() {
        payload.truncate(end);
        append_members(&mut payload, custom, allows).map_err(misconfigured)?;
    }
    payload.push(b'}');
    let header = match registered.client_id {
        Some(_) => key.encoded_at_jwt_header(),
        None => key.encoded_header(),
    };
    sign_encoded(key, header, &payload)
}

/// Signs the JSON `payload` as it is.
#[cfg(feature = "django")]
pub(crate) fn sign_payload(key: &SigningKey, payload: &[u8]) -> Result<String, AuthError> {
    sign_encoded(key, key.encoded_header(), payload)
}

fn sign_encoded(key: &SigningKey, header: &str, payload: &[u8]) -> Result<String, AuthError> {
    let mut token = String::with_capacity(header.len() + payload.len() * 4 / 3 + 128);
    token.push_str(header);
    append(&mut token, payload);
    key.sign(&mut token).ok_or_else(|| {
        AuthError::with_source(AuthErrorKind::Misconfigured, SigningError::Crypto)
    })?;
    Ok(token)
}

fn append_member(json: &mut Vec<u8>, name: &str, text: &str) -> Result<(), serde_json::Error> {
    json.push(b',');
    append_text(json, name)?;
    json.push(b':');
    append_text(json, text)
}

fn append_date(json: &mut Vec<u8>, name: &str, date: NumericDate) -> Result<(), serde_json::Error> {
    json.push(b',');
    append_text(json, name)?;
    json.push(b':');
    serde_json::to_writer(json, &date.as_secs())
}

/// Appends the members of `own`, which is no plain struct, so that only what it wrote tells their
/// names.
fn append_members(
    json: &mut Vec<u8>,
    own: &impl Serialize,
    allows: impl Fn(&str) -> bool,
) -> Result<(), SigningError> {
    let own = serde_json::to_string(own).map_err(|_| SigningError::NoObject)?;
    let members = own.strip_prefix('{').and_then(|own| own.strip_suffix('}'));
    let members = members.ok_or(SigningError::NoObject)?;
    // A verifier would refuse a token that repeats a member; better here than at every request.
    check_members(&own, allows).map_err(|_| SigningError::NameTaken)?;
    if !members.is_empty() {
        json.push(b',');
        json.extend_from_slice(members.as_bytes());
    }
    Ok(())
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
