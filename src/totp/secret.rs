//! The codes of a secret.

use aws_lc_rs::rand;
use totp_rs::{Algorithm, Builder, Secret};
use zeroize::Zeroizing;

/// In seconds.
pub(super) const STEP: u64 = 30;
pub(super) const DIGITS: u8 = 6;
/// How many steps before and after the current one have valid codes.
const WINDOW: u64 = 1;
/// RFC 4226 section 4 requires 16 bytes and recommends 20.
const GENERATED_LEN: usize = 20;
pub(super) const IMPORTED_LEN: std::ops::RangeInclusive<usize> = 16..=64;

pub(super) fn generate() -> Result<Zeroizing<Vec<u8>>, aws_lc_rs::error::Unspecified> {
    let mut secret = Zeroizing::new(vec![0; GENERATED_LEN]);
    rand::fill(&mut secret)?;
    Ok(secret)
}

/// The form in which users type a secret into an app.
pub(super) fn base32(secret: &[u8]) -> Zeroizing<String> {
    Secret::new(secret.into()).to_base32().into()
}

/// A code in the form that apps show, without the spaces between groups of digits. `None` if it cannot
/// be one.
pub(super) fn digits(code: &str) -> Option<String> {
    let digits: String = code.chars().filter(|char| *char != ' ').collect();
    let is_code =
        digits.len() == usize::from(DIGITS) && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_code.then_some(digits)
}

/// The step after `last_step` whose code is `code`, if it is in the window around `now`, in seconds
/// since 1970.
pub(super) fn step_of(secret: &[u8], code: &str, now: u64, last_step: u64) -> Option<u64> {
    let totp = Builder::new()
        .with_algorithm(Algorithm::SHA1)
        .with_digits(DIGITS)
        .with_step_duration(STEP)
        // One step at a time: the first that matches may have been used, and another one not.
        .with_skew(0)
        .with_secret(Secret::new(secret.into()))
        .build()
        .ok()?;
    let current = now / STEP;
    let mut steps = current.saturating_sub(WINDOW)..=current.saturating_add(WINDOW);
    steps.find(|step| *step > last_step && totp.check(code, step * STEP).is_some())
}
