//! Password hashing, its limits, and users in memory.

use std::{
    error::Error,
    future::Future,
    pin::pin,
    sync::mpsc,
    task::Poll,
    time::{Duration, Instant},
};

use futures::{FutureExt, future::try_join_all, poll};
use serde_json::json;
use tokio::{runtime, task};
use tower_jwt_auth::{
    error::ConfigErrorKind,
    password::{
        MemoryUsers, PasswordError, PasswordErrorKind, PasswordHasher, PasswordHasherBuilder,
    },
    token::UserId,
    user::{BackendError, Credentials, Fields, User, UserBackend, UsernamePassword},
};
use zeroize::Zeroizing;

type Outcome = Result<(), Box<dyn Error>>;

const PASSWORD: &str = "correct horse battery staple ✓";

/// Hashes of [`PASSWORD`] from argon2-cffi 25.1, the reference implementation.
const FOREIGN: [&str; 7] = [
    "$argon2id$v=19$m=1024,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$SJmCTesYs/2A1Adczi/TdpDGs9Ot2SqWzf4xrEtTsrk",
    "$argon2id$v=19$m=2048,t=3,p=4$AAECAwQFBgcICQoLDA0ODw$cjQm+gidy0oGaMclY3dq7+GqjL6tLuQ1aOY1mmJhqlI",
    "$argon2id$v=19$m=8,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$hUPxlWJPbIbhjGD55j5tu/NYP+BkjE6D2hVl7V/DsdU",
    "$argon2id$v=19$m=1024,t=2,p=1$AAECAwQFBgcICQoL$hcvepDLP8esaU+RIuk7Wyg",
    "$argon2i$v=19$m=1024,t=2,p=1$AAECAwQFBgcICQoLDA0ODw$Y0qkzyEStw6NulKcmR9a7qbpdTR1SU3s1JJOJ/qhyAE",
    "$argon2d$v=19$m=1024,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$rzHr7Mc23hngZ3vU7F7oiflGMCMVcLrpySrpC1IPp8U",
    "$argon2id$m=1024,t=2,p=2$AAECAwQFBgcICQoLDA0ODw$4gMVXNOxyy4VZ8tMmPaNUzVzhqtVO7I18vm2/8EzY9c",
];

const MALFORMED: [&str; 8] = [
    "",
    "$",
    "!",
    "correct horse battery staple ✓",
    "$2b$12$LQv3c1yqBWVHxkd0LHAkCOYz6TtxMQJqhN8/LewY5GyYzK9vZ7i6e",
    "pbkdf2_sha256$870000$c2FsdHNhbHQ$SJmCTesYs/2A1Adczi/TdpDGs9Ot2SqWzf4xrEtTsrk=",
    "$argon2id$v=19$m=1024,t=1,p=1$AAECAwQFBgcICQoLDA0ODw",
    "$argon2id$v=19$m=4194304,t=1,p=1$AAECAwQFBgcICQoLDA0ODw$SJmCTesYs/2A1Adczi/TdpDGs9Ot2SqWzf4xrEtTsrk",
];

/// The cheapest permitted settings.
fn cheap() -> PasswordHasherBuilder {
    PasswordHasher::builder().memory_kib(1024).iterations(1)
}

fn kind<T>(result: Result<T, PasswordError>) -> Option<PasswordErrorKind> {
    result.err().map(|error| error.kind())
}

/// Whether the call fails at once with `Overloaded`.
fn is_rejected<T>(call: impl Future<Output = Result<T, PasswordError>>) -> bool {
    call.now_or_never().and_then(kind) == Some(PasswordErrorKind::Overloaded)
}

/// Runs `test` on a runtime whose only blocking thread is busy until the sender is dropped.
fn with_busy_thread<F: Future<Output = Outcome>>(
    test: impl FnOnce(mpsc::Sender<()>) -> F,
) -> Outcome {
    let runtime = runtime::Builder::new_current_thread().max_blocking_threads(1).build()?;
    let (release, released) = mpsc::channel();
    runtime.spawn_blocking(move || released.recv());
    runtime.block_on(test(release))
}

#[tokio::test]
async fn verifies_only_the_correct_password() -> Outcome {
    let hasher = cheap().build()?;
    let hash = hasher.hash(PASSWORD).await?;
    assert!(hasher.verify(PASSWORD, Some(&hash)).await?);
    for wrong in ["", "correct horse battery staple", "correct horse battery staple ✓\0"] {
        assert!(!hasher.verify(wrong, Some(&hash)).await?, "{wrong}");
    }
    Ok(())
}

#[tokio::test]
async fn unknown_users_and_malformed_hashes_never_verify() -> Outcome {
    let hasher = cheap().build()?;
    assert!(!hasher.verify(PASSWORD, None).await?);
    assert!(!hasher.verify("", None).await?);
    for malformed in MALFORMED {
        assert!(!hasher.verify(PASSWORD, Some(malformed)).await?, "{malformed}");
        assert!(hasher.needs_rehash(malformed), "{malformed}");
    }
    Ok(())
}

#[tokio::test]
async fn verifies_hashes_of_the_reference_implementation() -> Outcome {
    let hasher = cheap().build()?;
    for foreign in FOREIGN {
        assert!(hasher.verify(PASSWORD, Some(foreign)).await?, "{foreign}");
        assert!(!hasher.verify("wrong", Some(foreign)).await?, "{foreign}");
    }
    Ok(())
}

#[test]
fn a_hash_unlike_a_new_one_needs_a_rehash() -> Outcome {
    let hasher = cheap().build()?;
    let (like_new, others) = FOREIGN.split_first().ok_or("no hashes")?;
    assert!(!hasher.needs_rehash(like_new));
    for other in others {
        assert!(hasher.needs_rehash(other), "{other}");
    }
    for builder in [cheap().memory_kib(2048), cheap().iterations(2), cheap().parallelism(2)] {
        assert!(builder.build()?.needs_rehash(like_new));
    }
    Ok(())
}

#[tokio::test]
async fn hashes_are_phc_strings_with_fresh_salts() -> Outcome {
    let hasher = cheap().iterations(2).parallelism(3).build()?;
    let first = hasher.hash(PASSWORD).await?;
    let second = hasher.hash(PASSWORD).await?;
    for hash in [&first, &second] {
        let rest = hash.strip_prefix("$argon2id$v=19$m=1024,t=2,p=3$").ok_or("prefix")?;
        let (salt, output) = rest.split_once('$').ok_or("salt")?;
        assert_eq!((salt.len(), output.len()), (22, 43), "16 and 32 bytes in base64");
        assert!(!hasher.needs_rehash(hash));
    }
    assert_ne!(first[..54], second[..54], "the salts differ");
    Ok(())
}

#[tokio::test]
async fn rejects_passwords_that_are_too_long() -> Outcome {
    let hasher = cheap().max_password_len(64).build()?;
    let longest = "é".repeat(32);
    let too_long = format!("{longest}x");
    let hash = hasher.hash(&longest).await?;
    assert!(hasher.verify(&longest, Some(&hash)).await?);
    assert!(!hasher.verify(&too_long, Some(&hash)).await?);
    assert_eq!(kind(hasher.hash(&too_long).await), Some(PasswordErrorKind::TooLong));
    Ok(())
}

#[test]
fn rejects_calls_beyond_the_limits() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().max_concurrent(1).max_waiting(2).build()?;
        let mut flood: Vec<_> = (0..10).map(|_| Box::pin(hasher.hash(PASSWORD))).collect();
        let mut polls = Vec::new();
        for hash in &mut flood {
            polls.push(poll!(hash));
        }
        let rejected = polls.split_off(3);
        assert!(polls.iter().all(Poll::is_pending), "one runs and two wait");
        for poll in rejected {
            let Poll::Ready(result) = poll else { panic!("not rejected") };
            assert_eq!(kind(result), Some(PasswordErrorKind::Overloaded));
        }

        drop(release);
        try_join_all(flood.drain(..3)).await?;
        hasher.hash(PASSWORD).await?;
        Ok(())
    })
}

#[test]
fn dropping_a_waiting_call_frees_its_slot() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().max_concurrent(1).max_waiting(1).build()?;
        let mut running = pin!(hasher.hash(PASSWORD));
        assert!(poll!(&mut running).is_pending());
        let mut waiting = Box::pin(hasher.hash(PASSWORD));
        assert!(poll!(&mut waiting).is_pending());
        assert!(is_rejected(hasher.hash(PASSWORD)));

        drop(waiting);
        let mut next = pin!(hasher.hash(PASSWORD));
        assert!(poll!(&mut next).is_pending());

        drop(release);
        running.await?;
        next.await?;
        Ok(())
    })
}

#[test]
fn a_running_hash_keeps_its_slot_after_its_call_is_dropped() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().max_concurrent(1).max_waiting(0).build()?;
        let mut abandoned = Box::pin(hasher.hash(PASSWORD));
        assert!(poll!(&mut abandoned).is_pending());
        drop(abandoned);
        assert!(is_rejected(hasher.hash(PASSWORD)));

        drop(release);
        // The only blocking thread works in order, so the hash is done before this.
        task::spawn_blocking(|| ()).await?;
        hasher.hash(PASSWORD).await?;
        Ok(())
    })
}

#[test]
fn hashing_does_not_block_other_tasks() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().build()?;
        let mut hash = pin!(hasher.hash(PASSWORD));
        assert!(poll!(&mut hash).is_pending(), "not hashed on this thread");
        assert_eq!(task::spawn(async { 42 }).await?, 42);
        assert!(poll!(&mut hash).is_pending());

        drop(release);
        assert!(hash.await?.starts_with("$argon2id$"));
        Ok(())
    })
}

#[test]
fn unknown_users_occupy_a_slot_like_known_ones() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().max_concurrent(1).max_waiting(0).build()?;
        let hashes = [Some(FOREIGN[0]), None, Some(MALFORMED[0]), Some(MALFORMED[7])];
        let mut running = pin!(hasher.hash(PASSWORD));
        assert!(poll!(&mut running).is_pending());
        for hash in hashes {
            assert!(is_rejected(hasher.verify(PASSWORD, hash)), "{hash:?}");
        }

        let roomy = cheap().max_concurrent(8).build()?;
        let mut checks = hashes.map(|hash| Box::pin(roomy.verify(PASSWORD, hash)));
        for check in &mut checks {
            assert!(poll!(check).is_pending());
        }
        drop(release);
        running.await?;
        let [known, unknown, malformed, unbounded] = checks;
        assert!(known.await?);
        assert!(!unknown.await? && !malformed.await? && !unbounded.await?);
        Ok(())
    })
}

/// Otherwise the response time would reveal which users exist.
#[tokio::test]
async fn unknown_users_take_as_long_as_wrong_passwords() -> Outcome {
    // Expensive enough that everything else is negligible.
    let hasher = PasswordHasher::builder().memory_kib(8 * 1024).iterations(4).build()?;
    let stored = hasher.hash(PASSWORD).await?;
    // The minimum of many is the time of the work, even on a busy machine.
    let mut least = [Duration::MAX; 3];
    for round in 1.. {
        for (least, hash) in least.iter_mut().zip([Some(stored.as_str()), None, Some("!")]) {
            let start = Instant::now();
            assert!(!hasher.verify("wrong", hash).await?);
            *least = start.elapsed().min(*least);
        }
        let [known, others @ ..] = least;
        if round >= 10 && others.iter().all(|other| (known / 2..known * 2).contains(other)) {
            break;
        }
        assert!(round < 200, "{least:?}");
    }
    Ok(())
}

#[test]
fn a_password_that_is_too_long_occupies_no_slot() -> Outcome {
    with_busy_thread(async |_held| {
        let hasher = cheap().max_concurrent(1).max_waiting(0).build()?;
        let too_long = "x".repeat(1025);
        for hash in [Some(FOREIGN[0]), None] {
            let verified = hasher.verify(&too_long, hash).now_or_never().ok_or("pending")?;
            assert!(!verified?);
        }
        Ok(())
    })
}

#[test]
fn returns_an_error_without_a_runtime() -> Outcome {
    let hasher = cheap().build()?;
    let error = hasher.hash(PASSWORD).now_or_never().ok_or("pending")?.err().ok_or("hashed")?;
    assert_eq!(error.kind(), PasswordErrorKind::Internal);
    assert_eq!(error.to_string(), "the password could not be hashed");
    assert!(error.source().is_some());
    Ok(())
}

#[test]
fn rejects_settings_out_of_range() {
    for (builder, setting) in [
        (cheap().memory_kib(0), "memory_kib"),
        (cheap().memory_kib(1023), "memory_kib"),
        (cheap().memory_kib(1024 * 1024 + 1), "memory_kib"),
        (cheap().memory_kib(u32::MAX), "memory_kib"),
        (cheap().iterations(0), "iterations"),
        (cheap().iterations(21), "iterations"),
        (cheap().parallelism(0), "parallelism"),
        (cheap().parallelism(17), "parallelism"),
        (cheap().max_concurrent(0), "max_concurrent"),
        (cheap().max_concurrent(usize::MAX), "max_concurrent"),
        (cheap().max_waiting(usize::MAX), "max_waiting"),
        (cheap().max_password_len(0), "max_password_len"),
        (cheap().max_password_len(63), "max_password_len"),
        (cheap().max_password_len(usize::MAX), "max_password_len"),
    ] {
        match builder.build() {
            Ok(_) => panic!("{setting} was accepted"),
            Err(error) => {
                assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
                assert!(error.to_string().starts_with(setting), "{error}");
            }
        }
    }
    let strongest = PasswordHasher::builder().memory_kib(1024 * 1024).iterations(20);
    assert!(strongest.parallelism(16).max_concurrent(512).max_waiting(65_536).build().is_ok());
}

#[test]
fn debug_shows_settings_and_no_secrets() -> Outcome {
    let hasher = PasswordHasher::builder().max_concurrent(2).build()?;
    assert_eq!(
        format!("{hasher:?}"),
        "PasswordHasher { memory_kib: 19456, iterations: 2, parallelism: 1, max_concurrent: 2, \
         max_waiting: 32, max_password_len: 1024, .. }"
    );
    let users: MemoryUsers<&str> = MemoryUsers::new(hasher);
    assert_eq!(format!("{users:?}"), "MemoryUsers { .. }");
    Ok(())
}

fn login(username: &str, password: &str) -> Result<UsernamePassword, &'static str> {
    let body = [("username".to_owned(), json!(username)), ("password".to_owned(), json!(password))];
    UsernamePassword::from_fields(&mut Fields::new(body.into_iter().collect())).ok_or("fields")
}

#[tokio::test]
async fn authenticates_users_in_memory() -> Outcome {
    let users: MemoryUsers<&str> = MemoryUsers::new(cheap().build()?);
    users.insert("ada", "engine", User::new(1, "a")).await?;
    users.insert("bob", "builder", User::new(2, "b")).await?;

    let valid = login("ada", "engine")?;
    // The password is wiped when it is dropped.
    let _: &Zeroizing<String> = &valid.password;
    let ada = users.authenticate(valid).await?.user().ok_or("rejected")?;
    assert_eq!((ada.id().as_str(), *ada.claims()), ("1", "a"));
    for (username, password) in [("ada", "builder"), ("Ada", "engine"), ("eve", "engine")] {
        let user = users.authenticate(login(username, password)?).await?.user();
        assert!(user.is_none(), "{username} {password}");
    }

    let bob = users.find(&UserId::from(2)).await?.ok_or("not found")?;
    assert_eq!(*bob.claims(), "b");
    assert!(users.find(&UserId::from(3)).await?.is_none());
    Ok(())
}

#[tokio::test]
async fn changes_users_in_memory() -> Outcome {
    let users: MemoryUsers<&str> = MemoryUsers::new(cheap().build()?);
    users.insert("ada", "old", User::new(1, "a")).await?;
    let same_users = users.clone();

    assert!(same_users.update("ada", |user| user.with_active(false).with_epoch("2")));
    let ada = users.authenticate(login("ada", "old")?).await?.user().ok_or("rejected")?;
    assert_eq!((ada.is_active(), ada.epoch()), (false, Some("2")));
    assert!(users.authenticate(login("ada", "wrong")?).await?.user().is_none());

    assert!(same_users.set_password("ada", "new").await?);
    assert!(users.authenticate(login("ada", "old")?).await?.user().is_none());
    assert!(users.authenticate(login("ada", "new")?).await?.user().is_some());

    users.insert("ada", "third", User::new(7, "replaced")).await?;
    assert!(users.find(&UserId::from(1)).await?.is_none());
    assert!(users.find(&UserId::from(7)).await?.is_some());

    assert!(users.remove("ada"));
    assert!(!users.remove("ada"));
    assert!(!users.update("ada", |user| user));
    assert!(!users.set_password("ada", "new").await?);
    assert!(users.authenticate(login("ada", "third")?).await?.user().is_none());
    Ok(())
}

#[test]
fn the_backend_reports_an_overload() -> Outcome {
    with_busy_thread(async |release| {
        let hasher = cheap().max_concurrent(1).max_waiting(0).build()?;
        let users: MemoryUsers<&str> = MemoryUsers::new(hasher.clone());
        let mut running = pin!(hasher.hash(PASSWORD));
        assert!(poll!(&mut running).is_pending());
        let checked =
            users.authenticate(login("ada", "engine")?).now_or_never().ok_or("pending")?;
        let error = checked.err().ok_or("checked")?;
        assert!(error.is_overloaded());
        drop(release);
        running.await?;
        Ok(())
    })
}

#[tokio::test]
async fn other_errors_become_unavailable() -> Outcome {
    let error = cheap().build()?.hash(&"x".repeat(1025)).await.err().ok_or("hashed")?;
    let error = BackendError::from(error);
    assert!(!error.is_overloaded());
    assert_eq!(
        error.source().map(ToString::to_string).as_deref(),
        Some("the password is too long")
    );
    Ok(())
}
