//! The strength of a password, estimated by zxcvbn.

use std::str::{self, Utf8Error};

use crate::{
    metrics::{Stopwatch, observe},
    password::error::PasswordError,
};

use super::hashing_pool::HashingPool;

/// The least strength of a password, and the threads that estimate it.
#[derive(Clone, Debug)]
pub(super) struct MinStrength {
    pub(super) score: u8,
    pub(super) pool: HashingPool,
}

impl MinStrength {
    /// Whether the password is strong enough. An attacker is assumed to know `words`.
    pub(super) async fn is_reached(
        &self,
        password: &str,
        words: Vec<String>,
    ) -> Result<bool, PasswordError> {
        let min = self.score;
        let estimate = move |password: &[u8]| {
            let estimating = Stopwatch::start();
            let password = affordable(str::from_utf8(password)?);
            let words: Vec<_> = words.iter().map(String::as_str).collect();
            let score = u8::from(zxcvbn::zxcvbn(password, &words).score());
            observe!("jwt_auth_password_strength_seconds"; estimating);
            Ok::<_, Utf8Error>(score >= min)
        };
        self.pool.0.run(password, move |_, password| estimate(password)).await
    }
}

/// The characters that zxcvbn tries as a letter. Some stand for two letters.
const SUBSTITUTES: [&str; 12] =
    ["4@", "8", "({[<", "3", "69", "1!|", "1|7", "0", "$5", "+7", "%", "2"];

/// What an estimate may cost, in characters squared times ways to substitute. This is about 50 ms.
const BUDGET: usize = 600_000;

/// The longest start of `password` that zxcvbn can estimate within the [`BUDGET`].
///
/// It reads at most 100 characters. Its time grows with the square of their number, and with the
/// number of ways to substitute letters, so a crafted password would take seconds. A password with
/// so many different characters is strong after a few of them.
fn affordable(password: &str) -> &str {
    let ways: usize = SUBSTITUTES
        .iter()
        .map(|group| group.chars().filter(|&c| password.contains(c)).map(letters).sum::<usize>())
        .map(|ways| ways.max(1))
        .product();
    let count = (BUDGET / ways).isqrt();
    password.char_indices().nth(count).map_or(password, |(end, _)| &password[..end])
}

/// The number of letters for which zxcvbn tries a character.
const fn letters(c: char) -> usize {
    if matches!(c, '1' | '|' | '7') { 2 } else { 1 }
}
