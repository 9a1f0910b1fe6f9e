//! From claims to a compact token.

use std::{error::Error, fmt};

use serde::Serialize;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
};

use super::{
    claim_names::ClaimNames,
    claim_value::is_id,
    compact::append,
    custom_claims::{CustomClaimsError, append_custom_claims},
    key::SigningKey,
    private_markers::has_private_marker,
    token_type::TokenType,
};

/// The initial capacity of a payload. Most are shorter.
const TYPICAL_PAYLOAD: usize = 384;

/// The claims that the issuer writes into a token, besides the application's own claims.
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
    /// When an adopted session began, which has no `auth_time`.
    pub(crate) session_start: Option<NumericDate>,
    /// Not written if it is empty.
    pub(crate) amr: &'a [&'a str],
    pub(crate) acr: Option<&'a str>,
    pub(crate) scope: Option<&'a str>,
    pub(crate) epoch: Option<&'a str>,
    /// The store's generation when a single-use token was issued.
    pub(crate) generation: Option<u64>,
    /// If present, the token is an access token of RFC 9068.
    pub(crate) client_id: Option<&'a str>,
    pub(crate) subject: Option<&'a str>,
    /// The thumbprint of the key to which the token is bound, in base64url.
    pub(crate) jkt: Option<&'a str>,
}

impl NewToken<'_> {
    /// Writes the start of a JSON object with these claims.
    fn append(&self, json: &mut Vec<u8>) {
        let strings = [
            ("aud", self.audience),
            ("iss", self.issuer),
            ("sid", self.session_id),
            ("scope", self.scope),
            ("acr", self.acr),
            ("user_epoch", self.epoch),
            ("client_id", self.client_id),
            ("sub", self.subject),
        ];
        json.push(b'{');
        // The first five have the order that SimpleJWT uses.
        append_string(json, self.names.token_type());
        json.push(b':');
        append_string(json, self.token_type.as_str());
        append_date(json, "exp", self.expires_at);
        append_date(json, "iat", self.issued_at);
        append_member(json, self.names.jti(), self.jti);
        append_member(json, self.names.user_id(), self.user_id);
        for (name, value) in strings {
            if let Some(value) = value {
                append_member(json, name, value);
            }
        }
        if let Some(auth_time) = self.auth_time {
            append_date(json, "auth_time", auth_time);
        }
        if let Some(session_start) = self.session_start {
            append_date(json, "session_start", session_start);
        }
        if !self.amr.is_empty() {
            json.extend_from_slice(b",\"amr\":");
            serde_json::to_writer(&mut *json, self.amr).expect("strings serialize to JSON");
        }
        if let Some(generation) = self.generation {
            append_integer(json, "store_generation", generation);
        }
        if let Some(jkt) = self.jkt {
            json.extend_from_slice(br#","cnf":{"jkt":"#);
            append_string(json, jkt);
            json.push(b'}');
        }
    }

    /// Returns whether the application's claims must not have a member of this name: the issuer
    /// writes it, or a verifier gives it a meaning.
    fn reserves(&self, name: &str) -> bool {
        let names = [self.names.token_type(), self.names.jti(), self.names.user_id()];
        names.contains(&name)
            || match name {
                "exp" | "nbf" | "iat" | "iss" | "aud" | "sub" | "sid" | "scope" | "scp"
                | "auth_time" | "amr" | "acr" | "user_epoch" | "store_generation"
                | "session_start" | "cnf" => true,
                "client_id" => self.client_id.is_some(),
                _ => false,
            }
    }
}

/// Signs a token with the claims of `registered` and the members of `custom`, which must serialize
/// to an object without members that `registered` reserves.
pub(crate) fn sign<C: Serialize>(
    key: &SigningKey,
    registered: &NewToken<'_>,
    custom: &C,
) -> Result<String, AuthError> {
    let misconfigured = |error| AuthError::with_source(AuthErrorKind::Misconfigured, error);
    if !is_id(registered.user_id) {
        return Err(misconfigured(SigningError::UserId));
    }
    let mut payload = Vec::with_capacity(TYPICAL_PAYLOAD);
    registered.append(&mut payload);
    append_custom_claims(&mut payload, custom, |name| !registered.reserves(name))
        .map_err(|error| misconfigured(SigningError::Claims(error)))?;
    // Verifiers reject such claims.
    if has_private_marker(&payload) {
        return Err(misconfigured(SigningError::PrivateMarker));
    }
    let header = match registered.client_id {
        Some(_) => key.encoded_at_jwt_header(),
        None => key.encoded_header(),
    };
    sign_encoded(key, header, &payload)
}

/// Signs the JSON `payload` unchanged.
#[cfg(any(feature = "django", feature = "introspection"))]
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

fn append_member(json: &mut Vec<u8>, name: &str, value: &str) {
    json.push(b',');
    append_string(json, name);
    json.push(b':');
    append_string(json, value);
}

fn append_date(json: &mut Vec<u8>, name: &str, date: NumericDate) {
    append_integer(json, name, date.as_secs());
}

fn append_integer(json: &mut Vec<u8>, name: &str, integer: u64) {
    json.push(b',');
    append_string(json, name);
    json.push(b':');
    serde_json::to_writer(json, &integer).expect("an integer serializes to JSON");
}

fn append_string(json: &mut Vec<u8>, string: &str) {
    serde_json::to_writer(json, string).expect("a string serializes to JSON");
}

/// Why a token could not be signed.
#[derive(Debug)]
enum SigningError {
    UserId,
    Claims(CustomClaimsError),
    PrivateMarker,
    Crypto,
}

impl fmt::Display for SigningError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::UserId => "the user id must have 1 to 255 bytes and no NUL",
            Self::Claims(CustomClaimsError::NotAnObject) => {
                "the application's claims must serialize to a JSON object"
            }
            Self::Claims(CustomClaimsError::Name) => {
                "an application claim is duplicate, has a reserved name, or is one too many"
            }
            Self::PrivateMarker => {
                "the application's claims contain a private marker of serde_json"
            }
            Self::Crypto => "the signature could not be computed",
        })
    }
}

impl Error for SigningError {}
