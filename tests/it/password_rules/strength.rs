//! The strength of passwords, estimated on the threads of a hasher.

use std::{
    error::Error,
    pin::pin,
    sync::mpsc,
    task::Poll,
    time::{Duration, Instant},
};

use futures::{FutureExt, poll};
use tokio::runtime;
use tower_jwt_auth::{
    AuthError,
    error::AuthErrorKind,
    password::{
        PasswordCheckError, PasswordErrorKind, PasswordHasher, PasswordRules, Similarity,
        UserAttributes,
    },
    user::BackendError,
};

type Outcome = Result<(), Box<dyn Error>>;

fn rules(min_score: u8, hasher: &PasswordHasher) -> PasswordRules {
    PasswordRules::builder().min_length(1).min_strength(min_score, hasher).build().unwrap()
}

async fn is_weak(rules: &PasswordRules, password: &str, user: &UserAttributes) -> bool {
    match rules.check(password, user).await {
        Ok(()) => false,
        Err(PasswordCheckError::Rejected(problems)) => {
            problems.iter().any(|problem| problem.code() == "password_too_weak")
        }
        Err(error) => panic!("not checked: {error:?}"),
    }
}

#[tokio::test]
async fn rejects_passwords_below_the_score() {
    let hasher = PasswordHasher::new();
    let nobody = UserAttributes::new();
    for (password, score) in [
        ("abcdefghijklmnop", 0),
        ("hippocampus", 1),
        ("hey<123", 2),
        ("TestMeNow!", 3),
        ("correct horse battery staple", 4),
    ] {
        for min_score in 1..=4 {
            let is_weak = is_weak(&rules(min_score, &hasher), password, &nobody).await;
            assert_eq!(is_weak, score < min_score, "{password} {min_score}");
        }
    }
}

#[tokio::test]
async fn knows_the_users_attributes_and_the_blocked_words() -> Outcome {
    let hasher = PasswordHasher::new();
    let builder = PasswordRules::builder().min_strength(3, &hasher).similarity(Similarity::Off);
    let (password, nobody) = ("zyxxvorbulon42", UserAttributes::new());
    let rules = builder.clone().build()?;
    assert!(!is_weak(&rules, password, &nobody).await);
    for user in [
        nobody.clone().with_username("Zyxxvorbulon42"),
        nobody.clone().with_email("first.zyxxvorbulon@example.com"),
    ] {
        assert!(is_weak(&rules, password, &user).await);
    }
    let rules = builder.blocked_words(["Quargnip", "Zyxxvorbulon Ltd"]).build()?;
    assert!(is_weak(&rules, password, &nobody).await);
    Ok(())
}

#[tokio::test]
async fn crafted_passwords_take_no_seconds() {
    let rules = rules(4, &PasswordHasher::new());
    let crafted = "4@8({[<369!1|70$5+%2".repeat(7)[..128].to_owned();
    assert!(!is_weak(&rules, "correct horse battery staple", &UserAttributes::new()).await);
    let started = Instant::now();
    assert!(!is_weak(&rules, &crafted, &UserAttributes::new()).await);
    assert!(started.elapsed() < Duration::from_secs(1), "{:?}", started.elapsed());
}

#[tokio::test]
async fn is_reported_after_the_other_problems() {
    let rules = PasswordRules::builder().min_strength(3, &PasswordHasher::new()).build().unwrap();
    let Err(PasswordCheckError::Rejected(problems)) =
        rules.check("letmein", &UserAttributes::new()).await
    else {
        panic!("accepted")
    };
    assert_eq!(
        problems.to_string(),
        "This password is too short. It must contain at least 15 characters. \
         This password is too common. This password is too easy to guess."
    );
}

/// A runtime whose only blocking thread is busy until the sender is dropped.
fn busy_runtime() -> std::io::Result<(runtime::Runtime, mpsc::Sender<()>)> {
    let runtime = runtime::Builder::new_current_thread().max_blocking_threads(1).build()?;
    let (release, released) = mpsc::channel();
    runtime.spawn_blocking(move || released.recv());
    Ok((runtime, release))
}

#[test]
fn is_estimated_on_a_blocking_thread() -> Outcome {
    let (runtime, release) = busy_runtime()?;
    runtime.block_on(async {
        let rules = rules(3, &PasswordHasher::new());
        let user = UserAttributes::new();
        let mut check = pin!(rules.check("correct horse battery staple", &user));
        assert!(matches!(poll!(&mut check), Poll::Pending));
        drop(release);
        check.await?;
        Ok(())
    })
}

#[test]
fn a_full_pool_is_overloaded_and_accepts_nothing() -> Outcome {
    let (runtime, release) = busy_runtime()?;
    runtime.block_on(async {
        let hasher = PasswordHasher::builder().max_concurrent(1).max_waiting(0).build()?;
        let rules = rules(3, &hasher);
        let user = UserAttributes::new();
        let mut hash = pin!(hasher.hash("password"));
        assert!(matches!(poll!(&mut hash), Poll::Pending));

        for password in ["correct horse battery staple", "password"] {
            let Some(Err(PasswordCheckError::Failed(error))) =
                rules.check(password, &user).now_or_never()
            else {
                panic!("checked")
            };
            assert_eq!(error.kind(), PasswordErrorKind::Overloaded);
            let error = AuthError::from(BackendError::from(error));
            assert_eq!(error.kind(), AuthErrorKind::Overloaded);
        }

        // No turn on the pool is needed to see that a password is too long.
        let too_long = rules.check(&"🐴".repeat(129), &user).now_or_never();
        assert!(matches!(too_long, Some(Err(PasswordCheckError::Rejected(_)))));
        drop(release);
        hash.await?;
        rules.check("correct horse battery staple", &user).await?;
        Ok(())
    })
}

#[test]
fn without_a_runtime_the_check_fails() {
    let rules = rules(3, &PasswordHasher::new());
    let check = rules.check("correct horse battery staple", &UserAttributes::new()).now_or_never();
    let Some(Err(PasswordCheckError::Failed(error))) = check else { panic!("checked") };
    assert_eq!(error.kind(), PasswordErrorKind::Internal);
}
