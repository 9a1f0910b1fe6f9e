//! Hashes as text.

use std::{hint::black_box, num::NonZeroU32};

use aws_lc_rs::constant_time;

use crate::password::blocks::BlockPool;

use super::{argon2, bcrypt, failed::Failed, format::Format, pbkdf2, salt, scrypt};

/// A hash read from storage, within bounds.
pub(super) struct Stored<'a> {
    /// With the cost of this hash.
    format: Format,
    salt: &'a str,
    text: &'a str,
}

impl<'a> Stored<'a> {
    /// Reads a hash of any format, or returns `None` if it is malformed or out of bounds.
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let (algorithm, rest) = text.split_once('$')?;
        let (format, salt) = match algorithm {
            "pbkdf2_sha256" => pbkdf2::decode(rest)
                .map(|(iterations, salt)| (Format::Pbkdf2Sha256 { iterations }, salt))?,
            "pbkdf2_sha1" => pbkdf2::decode(rest)
                .map(|(iterations, salt)| (Format::Pbkdf2Sha1 { iterations }, salt))?,
            // What follows is a PHC string or a bcrypt hash, each complete by itself.
            "argon2" => (Format::argon2(&argon2::decode(&text[algorithm.len()..])?), ""),
            "bcrypt_sha256" => (Format::BcryptSha256 { rounds: bcrypt::rounds(rest)? }, ""),
            "bcrypt" => (Format::Bcrypt { rounds: bcrypt::rounds(rest)? }, ""),
            "scrypt" => scrypt::decode(rest).map(|found| (Format::scrypt(&found), found.salt))?,
            _ => return None,
        };
        Some(Self { format, salt, text })
    }

    /// Whether it is the hash of `password`. This is the slow part.
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

    /// Whether Django would leave it as it is: its `must_update`, the other way round.
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

    /// Does the work that a new hash would have taken beyond this one: Django's `harden_runtime`,
    /// which there is for two of the formats, and runs when the preferred one is the same.
    pub(super) fn make_up_for_less_work(&self, preferred: Format, password: &[u8]) {
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
                // Each round doubles the work, so these add up to what is missing.
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

/// `salt` is for the formats whose salt is text; bcrypt makes its own.
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
