//! Password hashes as Django stores them.

use std::{
    env,
    error::Error,
    io::Write,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tower_jwt_auth::{
    error::ConfigErrorKind,
    password::{
        PasswordErrorKind,
        django::{DjangoHasher, Format},
    },
};

type Outcome = Result<(), Box<dyn Error>>;

const PASSWORD: &str = "correct horse battery staple ✓";

/// Each format with cheap parameters.
const QUICK: [Format; 6] = [
    Format::Pbkdf2Sha256 { iterations: 2000 },
    Format::Pbkdf2Sha1 { iterations: 2000 },
    Format::Argon2 { memory_kib: 1024, iterations: 1, parallelism: 1 },
    Format::BcryptSha256 { rounds: 4 },
    Format::Bcrypt { rounds: 4 },
    Format::Scrypt { work_factor: 1024, block_size: 8, parallelism: 1 },
];

/// Hashes of [`PASSWORD`] from Django 5.2, one for each of [`QUICK`].
const QUICK_HASHES: [&str; 6] = [
    "pbkdf2_sha256$2000$7HsAgBN3qRUCPSGifc9tVw$LBVGq4zWWEW5as8guDh7bha3UoDF+dP6uz8rXXgw/P0=",
    "pbkdf2_sha1$2000$TDsXJfmLtNptzpUVQ3TDkQ$Zql/EC54a/z4iGy3MyymoqXtBu8=",
    "argon2$argon2id$v=19$m=1024,t=1,p=1$ZVdvQk1hN2VlVjY1ZHVRNzVZZmFBUg$BdYrBwypcG6gRT/q9hw3TdsX9PKx/+ZNYWWn6XdxeOk",
    "bcrypt_sha256$$2b$04$YvrnlQbnn.zI9k2LMoY8zOWebVmI67pvCTl9YU9htnz9k0OXsM0re",
    "bcrypt$$2b$04$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "scrypt$1024$WaeN9D1NQ0jwNVDVRjac1E$8$1$moLcFzesjBPoWYk2IrgMqA0cYnX+SuB3L5GTKdG5Y4Iy9Y1vqAiwajTGFJFDNHozeCjY/5J+81BDqAYh9ENsbA==",
];

/// Hashes of `analytical engine` from Django 5.2 with its default parameters.
const DEFAULT_HASHES: [&str; 6] = [
    "pbkdf2_sha256$1000000$xbjlODwrDH9nDT7der8kws$jmqg3YROOy3gKt5hgcooJhyydGsWIXoB2N+jKUeu6rc=",
    "pbkdf2_sha1$1000000$FGQsb1GzsSDDM0DhFFdoGK$RNyTa4J95PVRDTzAViLXPHieSJ8=",
    "argon2$argon2id$v=19$m=102400,t=2,p=8$alVzMWpJeUVkQTVXR24yZElSSmk2dQ$kUmX2hakeVgnectC7Bsq5oLYA0AI0WL/XzvUrJisZpg",
    "bcrypt_sha256$$2b$12$a1SPbF.TyQGG1WzE5JVk.umbcHHx0mZkVMYyPZpncXGcxg7fwui6q",
    "bcrypt$$2b$12$BehMf5vtnARZdMqksW.po.IFmCv6FYglLG8LMwvNJ/SRGnNrhGDH2",
    "scrypt$16384$OIZXtEUHx72w5jlRj4CVss$8$5$jUg73CaCCoCuqw9GFr2XSgvKxXQnCO3SFPzmoEcrIXddn9X9n3q8fRwSf6kDKdFiH/De7II2jOu261/WP1nUkA==",
];

/// Hashes of [`PASSWORD`] from Django and argon2-cffi that differ from new ones.
const UNUSUAL: [&str; 9] = [
    "pbkdf2_sha256$1000$s$hlTFA/u69XgPEcJH8U/WblQgwXmHydrVKfB/czQp7HQ=",
    "pbkdf2_sha256$1000$söl$mONeXMKKauEs0G/mW30q+kYnJvoPGerKgkQEKETVssk=",
    "pbkdf2_sha256$1000$xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx$pIEuhfkhN+20V487+NPK9eQnbIFjkJ381VrYNc3f79M=",
    "pbkdf2_sha256$2000$seasalt$Or0NDByph2wCxi6UyAxeDFwnORpI9LUPuXmdG5BlfR4=",
    "argon2$argon2id$v=19$m=2048,t=2,p=8$RGRjVGZpSnhkZGlCMlJYVHhxUFl0aQ$q0+ifkaY49NctXbL5gM/jZL/qRHa0uwbrcuKMSZRHiE",
    "argon2$argon2i$v=19$m=1024,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$7nFgeC3+CUwRwx2hjlxwXEkAtRa1JO38xEWPwmIqng8",
    "argon2$argon2d$v=19$m=1024,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$Ru/3ySoEtz/EETyIjg0liDHXZ6R6c07RcenQedxDOsw",
    "argon2$argon2id$v=19$m=1024,t=1,p=1$YWJjZGVmZ2g$C/MS5qT8nLjRbMMwJxIy2YRYn7Q94HMrZ6+UiVQ7OPw",
    "argon2$argon2id$v=19$m=1024,t=1,p=1$YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg$JNA8mWH53GInPDSGDC27Sg",
];

const REJECTED: [&str; 33] = [
    "",
    "!",
    "!rNjXHlCMAwVSbhVsjOVaEkQrJvDVIEPMyyE4pQEb",
    "$",
    "correct horse battery staple ✓",
    "md5$CBNZr2WvrjC8FhQOOiOQEw$4d428ef5fc0d4ca5b352d795f62f7020",
    "pbkdf2_sha512$2000$salt$hash",
    "pbkdf2_sha256",
    "pbkdf2_sha256$",
    "pbkdf2_sha256$2000",
    "pbkdf2_sha256$2000$salt",
    "pbkdf2_sha256$2000$$LBVGq4zWWEW5as8guDh7bha3UoDF+dP6uz8rXXgw/P0=",
    "pbkdf2_sha256$0$salt$hash",
    "pbkdf2_sha256$-1$salt$hash",
    "pbkdf2_sha256$x$salt$hash",
    // These would take too long.
    "pbkdf2_sha256$10000001$salt$hash",
    "pbkdf2_sha256$4294967295$salt$hash",
    "pbkdf2_sha256$99999999999999999999$salt$hash",
    "argon2$argon2id$v=19$m=4194304,t=1,p=1$YWJjZGVmZ2g$C/MS5qT8nLjRbMMwJxIy2YRYn7Q94HMrZ6+UiVQ7OPw",
    "argon2$argon2id$v=19$m=1024,t=4000000,p=1$YWJjZGVmZ2g$C/MS5qT8nLjRbMMwJxIy2YRYn7Q94HMrZ6+UiVQ7OPw",
    "bcrypt$$2b$31$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "bcrypt_sha256$$2b$17$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "bcrypt$$2b$03$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "bcrypt$$2b$04$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYC",
    "bcrypt$$2x$04$2VNz1EO4ipOPr5AV7qB7kuQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "bcrypt$$2b$04$ééééééééééééééééééééééééééé",
    // Of the right length in bytes. bcrypt before 0.19.2 panics (RUSTSEC-2026-0199).
    "bcrypt$$2b$04$ééééééééééééééééééééééééééa",
    "bcrypt$$2b$04$2VNz1EO4ipOPr5AV7qB7éQknEGSeRf9wylWx29YDsxlxJpSgNYCG",
    "bcrypt_sha256$$2b$04$a☃☃☃☃☃☃☃☃☃☃☃☃☃☃☃☃éé",
    "scrypt$1073741824$salt$8$1$hash",
    "scrypt$1024$salt$8$4294967295$hash",
    "scrypt$1000$salt$8$1$hash",
    "scrypt$1$salt$8$1$hash",
];

fn hasher(formats: &[Format]) -> DjangoHasher {
    DjangoHasher::builder().formats(formats.iter().copied()).build().unwrap()
}

/// A hasher that prefers one of the formats.
fn preferring(index: usize) -> DjangoHasher {
    let mut formats = QUICK;
    formats.swap(0, index);
    hasher(&formats)
}

#[tokio::test]
async fn verifies_djangos_hashes() -> Outcome {
    let quick = hasher(&QUICK);
    for hash in QUICK_HASHES.iter().chain(&UNUSUAL) {
        assert!(quick.verify(PASSWORD, Some(hash)).await?, "{hash}");
        for wrong in ["", "correct horse battery staple", "Correct horse battery staple ✓"] {
            assert!(!quick.verify(wrong, Some(hash)).await?, "{hash}");
        }
    }
    let all = [
        Format::PBKDF2_SHA256,
        Format::PBKDF2_SHA1,
        Format::ARGON2,
        Format::BCRYPT_SHA256,
        Format::BCRYPT,
        Format::SCRYPT,
    ];
    for (format, hash) in all.iter().zip(DEFAULT_HASHES) {
        let hasher = hasher(&[*format]);
        assert!(hasher.verify("analytical engine", Some(hash)).await?, "{hash}");
        assert!(!hasher.needs_rehash(hash), "{hash}");
    }
    Ok(())
}

#[tokio::test]
async fn verifies_unusual_passwords() -> Outcome {
    let hasher = hasher(&QUICK);
    for (password, hash) in [
        (
            "",
            "pbkdf2_sha256$2000$HlM2S6h5YDgGFBuWgEcoOv$LI4JWDyttrY5LV50Cki3ufafg5u+rqguYMHh1Fp6kEc=",
        ),
        ("", "bcrypt_sha256$$2b$04$rjBlxurzoMNa.oczi3xvY.GjaSMMB54aGTEKL4ttNc6OwvpQQZGri"),
        ("", "bcrypt$$2b$04$99PqaQWV4X68UGSMNh86JuE4GsWeCHOs6pnINKP6xlKyHRxzwVldi"),
        ("a\0b", "pbkdf2_sha256$1000$salt$66OR5Hdrldsmb4YIqQsETBdcauulvNNA2ign1a7b86M="),
        ("a\0b", "bcrypt$$2b$04$1gTgFwvy78N6wd4GiyJgSuqaWrZtlnu4gntM1Soa.04t9Cyc/33ke"),
        (&"x".repeat(72), "bcrypt$$2b$04$4zFeyvKQOIBbkaY938F5OOX00wYvbdRXoCid.7wMg6lb6JwHDkqVO"),
        (
            &"y".repeat(200),
            "bcrypt_sha256$$2b$04$gs5vxWXrwq0woxmqj78eaOSi1xor83tmI15b2ANmWA76ahqoglX6K",
        ),
        (&"y".repeat(200), "pbkdf2_sha256$1000$salt$pDUNh0mA6cXzH8j8m5/+oKDILVNULXbNIbT5e9bLbZE="),
    ] {
        assert!(hasher.verify(password, Some(hash)).await?, "{hash}");
        let other = format!("{}z", password.get(..password.len().min(71)).unwrap_or("z"));
        assert!(!hasher.verify(&other, Some(hash)).await?, "{hash}");
    }
    Ok(())
}

#[tokio::test]
async fn malformed_and_excessive_hashes_never_verify() -> Outcome {
    let hasher = hasher(&QUICK);
    let began = Instant::now();
    assert!(!hasher.verify(PASSWORD, None).await?);
    for hash in REJECTED {
        assert!(!hasher.verify(PASSWORD, Some(hash)).await?, "{hash}");
        assert!(!hasher.verify("", Some(hash)).await?, "{hash}");
        assert!(hasher.needs_rehash(hash), "{hash}");
    }
    assert!(began.elapsed() < Duration::from_secs(20), "{:?}", began.elapsed());
    Ok(())
}

#[tokio::test]
async fn changed_hashes_never_verify_or_panic() -> Outcome {
    let hasher = hasher(&[Format::Pbkdf2Sha256 { iterations: 1000 }, QUICK[2], QUICK[4], QUICK[5]]);
    for hash in QUICK_HASHES {
        for at in (0..hash.len()).step_by(5) {
            for byte in ["", "$", "9", "\0", "é"] {
                let changed = [&hash[..at], byte, &hash[at + 1..]].concat();
                let verified = hasher.verify(PASSWORD, Some(&changed)).await?;
                assert!(!verified || changed == hash, "{changed}");
            }
        }
    }
    Ok(())
}

#[tokio::test]
async fn verifies_only_listed_formats() -> Outcome {
    for (format, hash) in QUICK.iter().zip(QUICK_HASHES) {
        let others: Vec<_> = QUICK.iter().copied().filter(|other| other != format).collect();
        assert!(!hasher(&others).verify(PASSWORD, Some(hash)).await?, "{hash}");
        assert!(hasher(&[*format]).verify(PASSWORD, Some(hash)).await?, "{hash}");
    }
    // Django's own list is without plain bcrypt.
    assert!(!DjangoHasher::new().verify(PASSWORD, Some(QUICK_HASHES[4])).await?);
    Ok(())
}

#[tokio::test]
async fn new_hashes_have_the_preferred_format() -> Outcome {
    for (index, format) in QUICK.iter().enumerate() {
        let hasher = preferring(index);
        let (one, two) = (hasher.hash(PASSWORD).await?, hasher.hash(PASSWORD).await?);
        assert_ne!(one, two);
        assert!(one.starts_with(&format!("{}$", format.algorithm())), "{one}");
        assert!(one.len() <= 128, "Django's column is too short for {one}");
        assert!(hasher.verify(PASSWORD, Some(&one)).await?);
        assert!(!hasher.needs_rehash(&one));
        for (other, stored) in QUICK_HASHES.iter().enumerate() {
            assert_eq!(hasher.needs_rehash(stored), other != index, "{stored}");
        }
    }
    Ok(())
}

/// The last test of this file compares this with Django's `must_update`.
#[test]
fn hashes_with_other_parameters_or_a_short_salt_need_a_rehash() {
    for hash in UNUSUAL {
        let index = if hash.starts_with("argon2") { 2 } else { 0 };
        assert!(preferring(index).needs_rehash(hash), "{hash}");
    }
    for (costs, hash) in [
        (Format::Pbkdf2Sha256 { iterations: 1999 }, QUICK_HASHES[0]),
        (Format::Pbkdf2Sha256 { iterations: 2001 }, QUICK_HASHES[0]),
        (Format::Pbkdf2Sha1 { iterations: 2001 }, QUICK_HASHES[1]),
        (Format::Argon2 { memory_kib: 1025, iterations: 1, parallelism: 1 }, QUICK_HASHES[2]),
        (Format::Argon2 { memory_kib: 1024, iterations: 2, parallelism: 1 }, QUICK_HASHES[2]),
        (Format::Argon2 { memory_kib: 1024, iterations: 1, parallelism: 2 }, QUICK_HASHES[2]),
        (Format::BcryptSha256 { rounds: 5 }, QUICK_HASHES[3]),
        (Format::Bcrypt { rounds: 5 }, QUICK_HASHES[4]),
        (Format::Scrypt { work_factor: 2048, block_size: 8, parallelism: 1 }, QUICK_HASHES[5]),
        (Format::Scrypt { work_factor: 1024, block_size: 4, parallelism: 1 }, QUICK_HASHES[5]),
        (Format::Scrypt { work_factor: 1024, block_size: 8, parallelism: 2 }, QUICK_HASHES[5]),
    ] {
        assert!(hasher(&[costs]).needs_rehash(hash), "{costs:?}");
    }
}

/// Otherwise the response time would reveal which users exist. This includes unusable passwords, and
/// hashes with fewer iterations than new ones.
#[tokio::test]
async fn unknown_users_take_as_long_as_wrong_passwords() -> Outcome {
    const IN_FORMATS: [(Format, &str); 2] = [
        (Format::Pbkdf2Sha256 { iterations: 100_000 }, QUICK_HASHES[0]),
        (Format::Bcrypt { rounds: 10 }, QUICK_HASHES[4]),
    ];
    for (format, old) in IN_FORMATS {
        let hasher = hasher(&[format]);
        let stored = hasher.hash(PASSWORD).await?;
        // The minimum of many is the time of the work, even on a busy machine.
        let mut least = [Duration::MAX; 4];
        for round in 1.. {
            let hashes = [Some(stored.as_str()), None, Some("!"), Some(old)];
            for (least, hash) in least.iter_mut().zip(hashes) {
                let start = Instant::now();
                assert!(!hasher.verify("wrong", hash).await?);
                *least = start.elapsed().min(*least);
            }
            let [known, others @ ..] = least;
            if round >= 5 && others.iter().all(|other| (known / 2..known * 2).contains(other)) {
                break;
            }
            assert!(round < 200, "{least:?}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn rejects_passwords_that_are_too_long() -> Outcome {
    let hasher = hasher(&QUICK);
    let longest = "x".repeat(1024);
    let hash = hasher.hash(&longest).await?;
    assert!(hasher.verify(&longest, Some(&hash)).await?);
    let too_long = "x".repeat(1025);
    assert!(!hasher.verify(&too_long, Some(&hash)).await?);
    let error = hasher.hash(&too_long).await.unwrap_err();
    assert_eq!(error.kind(), PasswordErrorKind::TooLong);
    Ok(())
}

#[tokio::test]
async fn rejects_calls_beyond_the_limits() -> Outcome {
    let costly = DjangoHasher::builder().max_concurrent(1).max_waiting(1).build()?;
    let calls = (0..8).map(|_| costly.verify(PASSWORD, None));
    let outcomes = futures::future::join_all(calls).await;
    let rejected = outcomes.iter().filter_map(|outcome| outcome.as_ref().err());
    assert!(rejected.clone().all(|error| error.kind() == PasswordErrorKind::Overloaded));
    assert_eq!(rejected.count(), 6);
    Ok(())
}

#[test]
fn rejects_invalid_lists_of_formats() {
    let kind = |formats: &[Format]| {
        let built = DjangoHasher::builder().formats(formats.iter().copied()).build();
        built.unwrap_err().kind()
    };
    assert_eq!(kind(&[]), ConfigErrorKind::Ineffective);
    let twice = [Format::PBKDF2_SHA256, Format::ARGON2, QUICK[0]];
    assert_eq!(kind(&twice), ConfigErrorKind::Conflict);
    for format in [
        Format::Pbkdf2Sha256 { iterations: 999 },
        Format::Pbkdf2Sha1 { iterations: 10_000_001 },
        Format::Argon2 { memory_kib: 1023, iterations: 1, parallelism: 1 },
        Format::Argon2 { memory_kib: 1024, iterations: 0, parallelism: 1 },
        Format::Argon2 { memory_kib: 1024, iterations: 1, parallelism: 17 },
        Format::BcryptSha256 { rounds: 3 },
        Format::Bcrypt { rounds: 17 },
        Format::Scrypt { work_factor: 1000, block_size: 8, parallelism: 1 },
        Format::Scrypt { work_factor: 1 << 20, block_size: 8, parallelism: 1 },
        Format::Scrypt { work_factor: 1024, block_size: 0, parallelism: 1 },
    ] {
        assert_eq!(kind(&[format]), ConfigErrorKind::OutOfRange, "{format:?}");
    }
    let built = DjangoHasher::builder().max_concurrent(0).build();
    assert_eq!(built.unwrap_err().kind(), ConfigErrorKind::OutOfRange);
}

/// Prints for each hash whether it verifies in Django, and whether Django would replace it.
const CHECK: &str = r#"
import json, sys
import django
from django.conf import settings

HASHERS = json.load(sys.stdin)
settings.configure(PASSWORD_HASHERS=["__main__." + name for name in HASHERS["hashers"]])
django.setup()

from django.contrib.auth import hashers


class Pbkdf2Sha256(hashers.PBKDF2PasswordHasher):
    iterations = 2000


class Pbkdf2Sha1(hashers.PBKDF2SHA1PasswordHasher):
    iterations = 2000


class Argon2(hashers.Argon2PasswordHasher):
    memory_cost, time_cost, parallelism = 1024, 1, 1


class BcryptSha256(hashers.BCryptSHA256PasswordHasher):
    rounds = 4


class Bcrypt(hashers.BCryptPasswordHasher):
    rounds = 4


class Scrypt(hashers.ScryptPasswordHasher):
    work_factor, block_size, parallelism = 1024, 8, 1


checked = [hashers.verify_password(HASHERS["password"], hash) for hash in HASHERS["hashes"]]
json.dump(checked, sys.stdout)
"#;

#[tokio::test]
async fn django_verifies_our_hashes_and_agrees_on_outdated_ones() -> Outcome {
    const NAMES: [&str; 6] =
        ["Pbkdf2Sha256", "Pbkdf2Sha1", "Argon2", "BcryptSha256", "Bcrypt", "Scrypt"];
    let Some(python) = env::var_os("TOWER_JWT_AUTH_PYTHON") else {
        eprintln!("skipped: TOWER_JWT_AUTH_PYTHON is not set (tests/run sets it)");
        return Ok(());
    };
    for index in 0..QUICK.len() {
        let hasher = preferring(index);
        let mut names = NAMES;
        names.swap(0, index);
        let made = hasher.hash(PASSWORD).await?;
        let hashes: Vec<_> = [&*made].into_iter().chain(QUICK_HASHES).chain(UNUSUAL).collect();
        let mut child = Command::new(&python)
            .args(["-c", CHECK])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let input = json!({ "hashers": names, "password": PASSWORD, "hashes": hashes });
        child.stdin.take().ok_or("no input")?.write_all(input.to_string().as_bytes())?;
        let output = child.wait_with_output()?;
        assert!(output.status.success(), "the script failed: are the packages installed?");
        let checked: Value = serde_json::from_slice(&output.stdout)?;
        for (hash, checked) in hashes.iter().zip(checked.as_array().ok_or("no list")?) {
            assert_eq!(checked, &json!([true, hasher.needs_rehash(hash)]), "{hash}");
        }
    }
    Ok(())
}
