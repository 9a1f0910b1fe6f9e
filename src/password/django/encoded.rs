//! Hashes as Django stores them.

use std::{hint::black_box, num::NonZeroU32};

use aws_lc_rs::constant_time;

use crate::password::blocks::BlockPool;

use super::{argon2, bcrypt, failed::Failed, format::Format, pbkdf2, salt, scrypt};

/// A stored hash, within the limits.
pub(super) struct Stored<'a> {
    /// The format with the parameters of this hash.
    format: Format,
    salt: &'a str,
    text: &'a str,
}

impl<'a> Stored<'a> {
    /// Parses a hash of any format. `None` if it is malformed or beyond the limits.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (algorithm, rest) = text.split_once('$')?;
        let (format, salt) = match algorithm {
            "pbkdf2_sha256" => pbkdf2::decode(rest)
                .map(|(iterations, salt)| (Format::Pbkdf2Sha256 { iterations }, salt))?,
            "pbkdf2_sha1" => pbkdf2::decode(rest)
                .map(|(iterations, salt)| (Format::Pbkdf2Sha1 { iterations }, salt))?,
            // The rest is a PHC string or a bcrypt hash, which include the salt.
            "argon2" => (Format::argon2(&argon2::decode(&text[algorithm.len()..])?), ""),
            "bcrypt_sha256" => (Format::BcryptSha256 { rounds: bcrypt::rounds(rest)? }, ""),
            "bcrypt" => (Format::Bcrypt { rounds: bcrypt::rounds(rest)? }, ""),
            "scrypt" => scrypt::decode(rest).map(|found| (Format::scrypt(&found), found.salt))?,
            _ => return None,
        };
        Some(Self { format, salt, text })
    }

    /// Whether it is the hash of `password`. This is the slow operation.
    pub(super) fn matches(&self, blocks: &BlockPool, password: &[u8]) -> Result<bool, Failed> {
        let rest = &self.text[self.format.algorithm().len()..];
        match self.format {
            Format::Argon2 { .. } => argon2::matches(rest, blocks, password),
            Format::BcryptSha256 { .. } => {
                Ok(bcrypt::matches(&rest[1..], bcrypt::digest(password).as_bytes()))
            }
            Format::Bcrypt { .. } => Ok(bcrypt::matches(&rest[1..], password)),
            Format::Pbkdf2Sha256 { .. } | Format::Pbkdf2Sha1 { .. } | Format::Scrypt { .. } => {
                let computed = encode_with_salt(self.format, self.salt, blocks, password)?;
                let (stored, computed) = (self.text.as_bytes(), computed.as_bytes());
                Ok(constant_time::verify_slices_are_equal(stored, computed).is_ok())
            }
        }
    }

    /// Whether Django would keep it: the opposite of `must_update`.
    pub(super) fn is_like_new(&self, preferred: Format) -> bool {
        self.format == preferred
            && match self.format {
                Format::Pbkdf2Sha256 { .. } | Format::Pbkdf2Sha1 { .. } => {
                    !salt::is_short(self.salt)
                }
                Format::Argon2 { .. } => {
                    argon2::is_like_new(&self.text[self.format.algorithm().len()..])
                }
                Format::BcryptSha256 { .. } | Format::Bcrypt { .. } | Format::Scrypt { .. } => true,
            }
    }

    /// Does the work by which a new hash exceeds this one: Django's `harden_runtime`. Django does
    /// this for two algorithms, if they are the preferred ones.
    pub(super) fn harden_runtime(&self, preferred: Format, password: &[u8]) {
        match (self.format, preferred) {
            (
                Format::Pbkdf2Sha256 { iterations: done },
                Format::Pbkdf2Sha256 { iterations: wanted },
            ) => pbkdf2::work(pbkdf2::SHA256, wanted.saturating_sub(done), password),
            (
                Format::Pbkdf2Sha1 { iterations: done },
                Format::Pbkdf2Sha1 { iterations: wanted },
            ) => pbkdf2::work(pbkdf2::SHA1, wanted.saturating_sub(done), password),
            (Format::BcryptSha256 { rounds: done }, Format::BcryptSha256 { rounds: wanted })
            | (Format::Bcrypt { rounds: done }, Format::Bcrypt { rounds: wanted }) => {
                // Each round doubles the work, so these add up to the difference.
                for missing in done..wanted {
                    let _ = black_box(bcrypt::encode(missing, password));
                }
            }
            _ => {}
        }
    }
}

/// A new hash.
pub(super) fn encode(
    format: Format,
    blocks: &BlockPool,
    password: &[u8],
) -> Result<String, Failed> {
    encode_with_salt(format, &salt::new()?, blocks, password)
}

/// bcrypt generates its own salt and ignores `salt`.
fn encode_with_salt(
    format: Format,
    salt: &str,
    blocks: &BlockPool,
    password: &[u8],
) -> Result<String, Failed> {
    let algorithm = format.algorithm();
    match format {
        Format::Pbkdf2Sha256 { iterations } | Format::Pbkdf2Sha1 { iterations } => {
            let digest = match format {
                Format::Pbkdf2Sha1 { .. } => pbkdf2::SHA1,
                _ => pbkdf2::SHA256,
            };
            let times = NonZeroU32::new(iterations).ok_or(Failed)?;
            let hash = pbkdf2::derive(digest, times, salt, password);
            Ok(format!("{algorithm}${iterations}${salt}${hash}"))
        }
        Format::Argon2 { memory_kib, iterations, parallelism } => {
            let params = argon2::params(memory_kib, iterations, parallelism);
            let phc = argon2::encode(&params.ok_or(Failed)?, salt, blocks, password)?;
            Ok(format!("{algorithm}{phc}"))
        }
        Format::BcryptSha256 { rounds } => {
            let hash = bcrypt::encode(rounds, bcrypt::digest(password).as_bytes())?;
            Ok(format!("{algorithm}${hash}"))
        }
        Format::Bcrypt { rounds } => {
            Ok(format!("{algorithm}${}", bcrypt::encode(rounds, password)?))
        }
        Format::Scrypt { work_factor, block_size, parallelism } => {
            let hash = scrypt::derive(work_factor, block_size, parallelism, salt, password)?;
            Ok(format!("{algorithm}${work_factor}${salt}${block_size}${parallelism}${hash}"))
        }
    }
}
