//! [`Keys`]: the keys of a [`KeySet`](super::KeySet) at one moment.

use std::time::Duration;

use crate::error::AuthErrorKind;

use super::{
    algorithm::Algorithm,
    compact::{Compact, SignatureBuffer, encode},
    header::Header,
    key::{SigningKey, VerifyingKey},
};

/// How many keys are tried for a token without `kid`.
const MAX_CANDIDATES: usize = 4;

/// Verifying keys and at most one signing key. They never change.
pub(crate) struct Keys {
    signing: Option<SigningKey>,
    verifying: Vec<VerifyingKey>,
    terms: Option<RotationTerms>,
    has_public_key: bool,
    /// Common encoded headers with their contents, sorted by the encoded form.
    known_headers: Vec<(String, Header<'static>)>,
}

/// What rotated keys require of the issuer that signs with them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RotationTerms {
    /// How long a key is published before it signs.
    #[cfg_attr(not(feature = "routes"), expect(dead_code, reason = "read by the JWKS route"))]
    pub(crate) lead_time: Duration,
    /// The longest lifetime of a token, so that its verifying key outlives it.
    pub(crate) token_lifetime: Duration,
    /// The algorithm of the next key.
    #[cfg_attr(
        not(all(feature = "cookie", feature = "ml-dsa", feature = "routes")),
        expect(dead_code, reason = "read by the session routes")
    )]
    pub(crate) algorithm: Algorithm,
}

impl Keys {
    pub(super) fn new(
        signing: Option<SigningKey>,
        verifying: Vec<VerifyingKey>,
        terms: Option<RotationTerms>,
    ) -> Self {
        let mut known_headers: Vec<_> = verifying.iter().flat_map(common_headers).collect();
        known_headers.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
        known_headers.dedup_by(|(one, _), (other, _)| one == other);
        let has_public_key = verifying.iter().any(|key| !key.algorithm().is_symmetric());
        Self { signing, verifying, terms, has_public_key, known_headers }
    }

    /// Creates a state without a signing key.
    #[cfg(feature = "jwks")]
    pub(crate) fn of_verifying(keys: Vec<VerifyingKey>) -> Self {
        Self::new(None, keys, None)
    }

    /// Returns the terms of the rotation if the keys are rotated.
    pub(crate) const fn terms(&self) -> Option<RotationTerms> {
        self.terms
    }

    pub(crate) const fn signing_key(&self) -> Option<&SigningKey> {
        self.signing.as_ref()
    }

    pub(super) fn verifying_keys(&self) -> &[VerifyingKey] {
        &self.verifying
    }

    /// Returns whether a key is asymmetric, so that verifying may cost much more than an HMAC.
    pub(super) const fn has_public_key(&self) -> bool {
        self.has_public_key
    }

    pub(super) fn known_header(&self, token: &Compact<'_>) -> Option<&Header<'static>> {
        let known = &self.known_headers;
        let found = known.binary_search_by(|(encoded, _)| encoded.as_bytes().cmp(token.header));
        found.ok().map(|index| &known[index].1)
    }

    /// Verifies the signature of `token` with the keys that match its header and that `permits`
    /// accepts.
    pub(super) fn verify(
        &self,
        token: &Compact<'_>,
        header: &Header<'_>,
        permits: impl Fn(&VerifyingKey) -> bool,
    ) -> Result<(), SignatureError> {
        let matching = || {
            let named = |key: &&VerifyingKey| key.algorithm().has_name(&header.algorithm);
            self.verifying.iter().filter(named).filter(|key| permits(key))
        };
        let key_id = header.key_id.as_deref();
        let is_named = key_id.is_some() && matching().any(|key| key.kid() == key_id);
        let mut candidates = matching()
            .filter(|key| match key_id {
                Some(_) if is_named => key.kid() == key_id,
                Some(_) => !key.has_chosen_kid(),
                None => true,
            })
            .peekable();
        if candidates.peek().is_none() {
            return Err(SignatureError::with_these_keys(AuthErrorKind::UnknownKey));
        }
        let mut buffer = SignatureBuffer::new();
        let signature =
            token.decode_signature(&mut buffer).map_err(SignatureError::with_any_keys)?;
        if candidates
            .take(MAX_CANDIDATES)
            .any(|key| key.verify_signature(token.signing_input, signature))
        {
            Ok(())
        } else if is_named {
            Err(SignatureError::with_any_keys(AuthErrorKind::InvalidSignature))
        } else {
            Err(SignatureError::with_these_keys(AuthErrorKind::InvalidSignature))
        }
    }
}

/// Why a signature was not verified.
#[derive(Clone, Copy)]
pub(super) struct SignatureError {
    pub(super) kind: AuthErrorKind,
    /// Whether a key that is still to be fetched may verify it.
    pub(super) is_provisional: bool,
}

impl SignatureError {
    pub(super) const fn with_these_keys(kind: AuthErrorKind) -> Self {
        Self { kind, is_provisional: true }
    }

    const fn with_any_keys(kind: AuthErrorKind) -> Self {
        Self { kind, is_provisional: false }
    }
}

/// Returns the headers that common libraries write for tokens of `key`.
fn common_headers(key: &VerifyingKey) -> Vec<(String, Header<'static>)> {
    let algorithm = key.algorithm();
    let mut headers = headers_with_alg(key, algorithm.as_str());
    if algorithm.fully_specified() != algorithm.as_str() {
        headers.extend(headers_with_alg(key, algorithm.fully_specified()));
    }
    headers
}

fn headers_with_alg(key: &VerifyingKey, algorithm: &'static str) -> Vec<(String, Header<'static>)> {
    let header = Header { algorithm: algorithm.into(), key_id: None, typ: Some("JWT".into()) };
    let mut headers: Vec<_> = [
        format!(r#"{{"alg":"{algorithm}","typ":"JWT"}}"#),
        format!(r#"{{"typ":"JWT","alg":"{algorithm}"}}"#),
    ]
    .into_iter()
    .map(|json| (encode(json.as_bytes()), header.clone()))
    .collect();
    if let Some(key_id) = key.kid() {
        let named = Header { key_id: Some(key_id.to_owned().into()), ..header };
        let kid = serde_json::Value::from(key_id);
        let spellings = [
            format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":"JWT"}}"#),
            format!(r#"{{"alg":"{algorithm}","typ":"JWT","kid":{kid}}}"#),
            format!(r#"{{"typ":"JWT","alg":"{algorithm}","kid":{kid}}}"#),
        ];
        let at_jwt = Header { typ: Some("at+jwt".into()), ..named.clone() };
        headers.extend(spellings.into_iter().map(|json| (encode(json.as_bytes()), named.clone())));
        let json = format!(r#"{{"alg":"{algorithm}","kid":{kid},"typ":"at+jwt"}}"#);
        headers.push((encode(json.as_bytes()), at_jwt));
    }
    headers
}
