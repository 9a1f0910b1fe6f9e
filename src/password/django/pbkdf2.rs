use std::{hint::black_box, num::NonZeroU32};

use aws_lc_rs::pbkdf2::{self, Algorithm, PBKDF2_HMAC_SHA1, PBKDF2_HMAC_SHA256};

/// Ten times Django 5.2's default.
pub(super) const MAX_ITERATIONS: u32 = 10_000_000;
const MAX_OUTPUT_LEN: usize = 32;

#[derive(Clone, Copy)]
pub(super) struct Digest {
    algorithm: Algorithm,
    len: usize,
}

pub(super) const SHA256: Digest = Digest { algorithm: PBKDF2_HMAC_SHA256, len: 32 };
pub(super) const SHA1: Digest = Digest { algorithm: PBKDF2_HMAC_SHA1, len: 20 };

pub(super) fn derive(
    digest: Digest,
    iterations: NonZeroU32,
    salt: &str,
    password: &[u8],
) -> String {
    let mut output = [0; MAX_OUTPUT_LEN];
    let output = &mut output[..digest.len];
    pbkdf2::derive(digest.algorithm, iterations, salt.as_bytes(), password, output);
    base64_simd::STANDARD.encode_to_string(output)
}

/// Does the work of `iterations` and discards the result.
pub(super) fn work(digest: Digest, iterations: u32, password: &[u8]) {
    if let Some(iterations) = NonZeroU32::new(iterations) {
        black_box(derive(digest, iterations, "", password));
    }
}

/// Iterations and salt of `<iterations>$<salt>$<hash>`.
pub(super) fn decode(text: &str) -> Option<(u32, &str)> {
    let (iterations, rest) = text.split_once('$')?;
    let (salt, _) = rest.split_once('$')?;
    let iterations = iterations.parse().ok()?;
    ((1..=MAX_ITERATIONS).contains(&iterations) && !salt.is_empty()).then_some((iterations, salt))
}
