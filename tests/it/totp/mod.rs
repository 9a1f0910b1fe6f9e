//! One-time codes of authenticator apps.

mod at_rest;
mod confirming;
mod encryption;
mod lost_responses;
mod processes;
mod qr;
mod races;
mod recovery;
mod restoring;
mod routes;
mod settings;
mod sql;
mod stores;
mod using;
mod vectors;

use std::time::Duration;

use aws_lc_rs::hmac;
use tower_jwt_auth::{
    ManualClock, NumericDate,
    token::UserId,
    totp::{Enrolment, RecoveryCodes, Totp, TotpStore},
    user::SecondFactor,
};

use crate::support::login::NOW;

const STEP: Duration = Duration::from_secs(30);

/// A key that is not that of another number.
pub(crate) fn key(number: u8) -> [u8; 32] {
    std::array::from_fn(|index| number.wrapping_add(u8::try_from(index).unwrap()))
}

fn user() -> UserId {
    UserId::from(1)
}

/// The time is [`NOW`].
pub(crate) fn clock() -> ManualClock {
    ManualClock::new(NumericDate::from_secs(NOW))
}

fn totp(store: impl TotpStore, clock: &ManualClock) -> Totp {
    Totp::builder(store, key(1)).issuer("Example").clock(clock).build().unwrap()
}

/// The code of a secret in base32, computed as in RFC 4226 section 5.3.
fn code_at(secret: &str, time: u64) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &decoded(secret));
    let mac = hmac::sign(&key, &(time / 30).to_be_bytes());
    let mac = mac.as_ref();
    let offset = usize::from(mac[19] & 15);
    let number = u32::from_be_bytes(mac[offset..offset + 4].try_into().unwrap());
    format!("{:06}", (number & 0x7fff_ffff) % 1_000_000)
}

/// The code that is `steps` after the current one.
pub(crate) fn code(secret: &str, clock: &ManualClock, steps: i64) -> String {
    code_at(secret, clock.now().as_secs().checked_add_signed(steps * 30).unwrap())
}

/// A code of six digits that is not valid now.
pub(crate) fn wrong_code(secret: &str, clock: &ManualClock) -> String {
    let valid: Vec<_> = (-2..=2).map(|steps| code(secret, clock, steps)).collect();
    (0..).map(|number| format!("{number:06}")).find(|code| !valid.contains(code)).unwrap()
}

/// Decodes base32 (RFC 4648).
fn decoded(base32: &str) -> Vec<u8> {
    let mut bits = 0_u32;
    let (mut buffer, mut bytes) = (0_u32, Vec::new());
    for char in base32.bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|byte| *byte == char);
        buffer = buffer << 5 | u32::try_from(value.expect("base32")).unwrap();
        bits += 5;
        if bits >= 8 {
            bits -= 8;
            bytes.push(u8::try_from(buffer >> bits & 255).unwrap());
        }
    }
    bytes
}

/// Enables the second factor of [`user`] with the code of the step before the current one, so that the
/// current one is unused.
async fn enable(totp: &Totp, clock: &ManualClock) -> (Enrolment, RecoveryCodes) {
    let enrolment = totp.enrol(&user(), "ada@example.org").await.unwrap();
    let codes = totp.confirm(&user(), &code(enrolment.secret(), clock, -1)).await.unwrap();
    (enrolment, codes)
}

async fn verify(totp: &Totp, code: &str) -> bool {
    totp.verify(&user(), code).await.unwrap()
}

/// Defines a test of each rule for each store. Each rule is a function with another function, which
/// opens the store with connections of its own.
macro_rules! on_all_stores {
    ($($rule:ident)*) => {
        mod memory {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let store = tower_jwt_auth::totp::MemoryTotpStore::new();
                    super::$rule(|| store.clone()).await;
                }
            )*
        }

        mod sqlite {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let database = crate::users::database::Database::file();
                    super::$rule(|| crate::totp::open(&database)).await;
                }
            )*
        }

        mod postgres {
            $(
                #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
                async fn $rule() {
                    let Some(schema) = crate::users::database::Database::schema().await else {
                        return;
                    };
                    super::$rule(|| crate::totp::open(&schema)).await;
                }
            )*
        }
    };
}
use on_all_stores;

fn open(database: &crate::users::database::Database) -> tower_jwt_auth::totp::SqlTotpStore {
    tower_jwt_auth::totp::SqlTotpStore::builder(database.connect()).build().unwrap()
}
