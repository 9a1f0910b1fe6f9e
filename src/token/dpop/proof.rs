//! The rules for proofs ([RFC 9449 section 4.3]).
//!
//! [RFC 9449 section 4.3]: https://www.rfc-editor.org/rfc/rfc9449#section-4.3

use std::time::Duration;

use aws_lc_rs::digest;

use crate::{clock::NumericDate, error::AuthError};

use super::{
    super::{
        algorithm::Algorithm,
        compact::{Compact, SignatureBuffer, encode},
        confirmation::KeyThumbprint,
    },
    header::ProofHeader,
    key_cache::KeyCache,
    payload::ProofClaims,
    public_jwk::thumbprint,
    url::normalize_url,
    violation::invalid_proof,
};

/// A proof with a key of 8192 bits has about 4 KiB.
const MAX_LEN: usize = 12 * 1024 - 1;

/// What every proof must satisfy.
#[derive(Clone)]
pub(crate) struct ProofRules {
    algorithms: Box<[Algorithm]>,
    /// How old a proof may be.
    max_age: Duration,
    /// How far the clock of a client may be ahead.
    max_ahead: Duration,
    keys: KeyCache,
}

/// What the proof of one request must be about.
pub(crate) struct Expected<'a> {
    pub(crate) method: &'a str,
    /// The [normalized](normalize_url) URL.
    pub(crate) url: &'a str,
    /// Whether the URL of the request may be that with a slash at its end.
    pub(crate) may_end_with_slash: bool,
    /// The access token that the request carries.
    pub(crate) access_token: Option<&'a [u8]>,
    /// The thumbprint of the key to which the token is bound.
    pub(crate) thumbprint: Option<KeyThumbprint>,
    pub(crate) now: NumericDate,
}

impl Expected<'_> {
    fn is_url(&self, url: &str) -> bool {
        // Nearly all clients write the URL in its normalized form.
        if url == self.url {
            return true;
        }
        let url = normalize_url(url).unwrap_or_default();
        let without_slash = url.strip_suffix('/').filter(|_| self.may_end_with_slash);
        url == self.url || without_slash == Some(self.url)
    }
}

/// A proof that satisfies all rules. Whether it was used before is not known yet.
pub(crate) struct VerifiedProof {
    /// The thumbprint of its key.
    pub(crate) thumbprint: KeyThumbprint,
    /// A hash of its id.
    pub(crate) id_hash: String,
    /// The last second in which it is accepted.
    pub(crate) accepted_until: NumericDate,
    pub(crate) nonce: Option<String>,
}

impl ProofRules {
    pub(crate) fn new(
        algorithms: Box<[Algorithm]>,
        max_age: Duration,
        max_ahead: Duration,
    ) -> Self {
        Self { algorithms, max_age, max_ahead, keys: KeyCache::new() }
    }

    /// The names of the accepted algorithms, all names of each.
    pub(crate) fn algorithm_names(&self) -> impl Iterator<Item = &'static str> {
        self.algorithms.iter().flat_map(|algorithm| algorithm.names())
    }

    /// Verifies a proof. The cheap rules come first.
    pub(crate) fn verify(
        &self,
        proof: &[u8],
        expected: &Expected<'_>,
    ) -> Result<VerifiedProof, AuthError> {
        let malformed = |_| invalid_proof("DPoP", "expected a signed JWT of less than 12 KiB");
        let proof = Compact::split(proof, MAX_LEN).map_err(malformed)?;
        let header = proof.decode_header().map_err(malformed)?;
        let ProofHeader { algorithm, jwk } = ProofHeader::read(&header, &self.algorithms)?;
        let payload = proof.decode_payload().map_err(malformed)?;
        let claims = ProofClaims::read(&payload)?;
        self.check(&claims, expected)?;

        let invalid_key = || invalid_proof("jwk", "expected a valid key for the algorithm");
        let canonical = jwk.canonical().ok_or_else(invalid_key)?;
        let thumbprint = thumbprint(&canonical);
        if expected.thumbprint.is_some_and(|bound| bound != thumbprint) {
            return Err(invalid_proof("jwk", "expected the key to which the token is bound"));
        }
        let key = self.keys.key(algorithm, thumbprint, &canonical).ok_or_else(invalid_key)?;
        let mut buffer = SignatureBuffer::new();
        let signature = proof.decode_signature(&mut buffer).map_err(malformed)?;
        if !key.verify_signature(proof.signing_input, signature) {
            return Err(invalid_proof("DPoP", "expected a valid signature"));
        }
        Ok(VerifiedProof {
            thumbprint,
            id_hash: hash(claims.jti.as_bytes()),
            accepted_until: claims.issued_at.saturating_add(self.max_age),
            nonce: claims.nonce.map(Into::into),
        })
    }

    fn check(&self, claims: &ProofClaims<'_>, expected: &Expected<'_>) -> Result<(), AuthError> {
        if claims.htm != expected.method {
            return Err(invalid_proof("htm", "expected the method of the request"));
        }
        if !expected.is_url(&claims.htu) {
            return Err(invalid_proof("htu", "expected the URL of the request"));
        }
        let (issued_at, now) = (claims.issued_at, expected.now);
        if issued_at > now.saturating_add(self.max_ahead) {
            return Err(invalid_proof("iat", "not in the future"));
        }
        if now > issued_at.saturating_add(self.max_age) {
            return Err(invalid_proof("iat", "not older than the maximum age"));
        }
        if let Some(token) = expected.access_token
            && claims.ath.as_deref() != Some(&hash(token))
        {
            return Err(invalid_proof("ath", "expected the hash of the token"));
        }
        Ok(())
    }
}

/// The SHA-256 hash of `bytes` in base64url.
fn hash(bytes: &[u8]) -> String {
    encode(digest::digest(&digest::SHA256, bytes).as_ref())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Expected, ProofRules};
    use crate::{clock::NumericDate, token::dpop::DEFAULT_ALGORITHMS};

    const HEADER: &str = "eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6I\
        mw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRs\
        Y3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19";
    const THUMBPRINT: &str = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";

    fn rules() -> ProofRules {
        let (max_age, max_ahead) = (Duration::from_secs(60), Duration::from_secs(5));
        ProofRules::new(DEFAULT_ALGORITHMS.into(), max_age, max_ahead)
    }

    /// RFC 9449 section 4.1.
    #[test]
    fn accepts_the_proof_for_a_token_request_of_the_rfc() {
        let proof = format!(
            "{HEADER}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2Vyd\
             mVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igi\
             MLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg"
        );
        let expected = Expected {
            method: "POST",
            url: "https://server.example.com/token",
            may_end_with_slash: false,
            access_token: None,
            thumbprint: None,
            now: NumericDate::from_secs(1_562_262_616),
        };
        let proof = rules().verify(proof.as_bytes(), &expected).expect("a valid proof");
        assert_eq!(proof.thumbprint.encode(), THUMBPRINT);
        assert_eq!(proof.nonce, None);
    }

    /// RFC 9449 section 7.1.
    #[test]
    fn accepts_the_proof_for_a_protected_resource_of_the_rfc() {
        let proof = format!(
            "{HEADER}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvd\
             XJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8y\
             cjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimP\
             PToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA"
        );
        let expected = Expected {
            method: "GET",
            url: "https://resource.example.org/protectedresource",
            may_end_with_slash: false,
            access_token: Some(b"Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"),
            thumbprint: None,
            now: NumericDate::from_secs(1_562_262_618),
        };
        let proof = rules().verify(proof.as_bytes(), &expected).expect("a valid proof");
        assert_eq!(proof.thumbprint.encode(), THUMBPRINT);
    }
}
