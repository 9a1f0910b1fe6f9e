use argon2::{
    Algorithm, Argon2, Params, PasswordHash, Version,
    password_hash::{
        self,
        phc::{Output, ParamsString, Salt},
    },
};

use super::{
    blocks::BlockPool,
    limits::{MAX_ITERATIONS, MAX_MEMORY_KIB, MAX_PARALLELISM},
};

/// A stored argon2 hash, complete and within the limits.
pub(super) struct StoredHash {
    algorithm: Algorithm,
    version: Version,
    params: Params,
    salt: Salt,
    output: Output,
}

impl StoredHash {
    /// Parses a PHC string. `None` if it is malformed, not argon2, or beyond the limits.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let phc = PasswordHash::new(text).ok()?;
        let algorithm = Algorithm::new(phc.algorithm).ok()?;
        // The reference implementation wrote no version before 19. `argon2` would assume 19.
        let version = phc.version.unwrap_or(Version::V0x10.into());
        let version = Version::try_from(version).ok()?;
        let (salt, output) = phc.salt.zip(phc.hash)?;

        let params = Params::try_from(&phc.params).ok()?;
        // `argon2` would assume its default for a missing parameter, and the last of duplicates.
        let is_complete = ParamsString::try_from(&params).ok()? == phc.params;
        let is_bounded = params.m_cost() <= MAX_MEMORY_KIB
            && params.t_cost() <= MAX_ITERATIONS
            && params.p_cost() <= MAX_PARALLELISM;
        (is_complete && is_bounded).then_some(Self { algorithm, version, params, salt, output })
    }

    #[cfg(feature = "django")]
    pub(super) const fn params(&self) -> &Params {
        &self.params
    }

    /// Whether a new hash would have the same parameters and an acceptable salt length.
    pub(super) fn is_like_new(
        &self,
        params: &Params,
        is_salt_len: impl FnOnce(usize) -> bool,
    ) -> bool {
        self.algorithm == Algorithm::Argon2id
            && self.version == Version::V0x13
            && self.params == *params
            && is_salt_len(self.salt.len())
            && self.output.len() == Params::DEFAULT_OUTPUT_LEN
    }

    /// Whether it is the hash of `password`. This is the slow operation.
    pub(super) fn matches(
        &self,
        blocks: &BlockPool,
        password: &[u8],
    ) -> password_hash::Result<bool> {
        let argon2 = Argon2::new(self.algorithm, self.version, self.params.clone());
        let computed = blocks.output(&argon2, &self.salt, password, self.output.len())?;
        // `Output` compares in constant time.
        Ok(computed == self.output)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$argon2id$v=19$m=1024,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$SJmCTesYs/2A1Adczi/TdpDGs9Ot2SqWzf4xrEtTsrk";

    #[test]
    fn parses_a_complete_hash() {
        assert!(StoredHash::parse(HASH).is_some());
    }

    #[test]
    fn rejects_a_truncated_hash() {
        // A truncated output is still a well-formed, shorter output.
        let output = HASH.len() - 43;
        for end in 0..output {
            assert!(StoredHash::parse(&HASH[..end]).is_none(), "{end}");
        }
    }

    #[test]
    fn a_changed_byte_never_exceeds_the_limits() {
        for at in 0..HASH.len() {
            for byte in ["", "$", ",", "=", "9", "A", "\0", "é"] {
                let changed = [&HASH[..at], byte, &HASH[at + 1..]].concat();
                if let Some(stored) = StoredHash::parse(&changed) {
                    assert!(stored.params.m_cost() <= MAX_MEMORY_KIB, "{changed}");
                }
            }
        }
    }

    #[test]
    fn requires_all_parameters_within_the_limits() {
        for (params, is_accepted) in [
            ("m=1048576,t=20,p=16", true),
            ("m=1048577,t=1,p=1", false),
            ("m=4294967295,t=1,p=1", false),
            ("m=4294967296,t=1,p=1", false),
            ("m=1024,t=21,p=1", false),
            ("m=1024,t=1,p=17", false),
            ("m=0,t=1,p=1", false),
            ("m=7,t=1,p=1", false),
            ("m=1024,t=0,p=1", false),
            ("m=1024,t=1,p=0", false),
            ("m=-1024,t=1,p=1", false),
            ("m=1024,t=1", false),
            ("t=1,p=1", false),
            ("m=1024,m=1024,t=1,p=1", false),
            ("t=1,m=1024,p=1", false),
            ("m=1024,t=1,p=1,x=1", false),
        ] {
            let hash = HASH.replace("m=1024,t=1,p=1", params);
            assert_eq!(StoredHash::parse(&hash).is_some(), is_accepted, "{params}");
        }
    }
}
