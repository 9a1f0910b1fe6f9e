//! Enrolments, and how they end.

use tower_jwt_auth::{
    totp::{TotpError, TotpStore},
    user::SecondFactor,
};

use super::{clock, code, enable, on_all_stores, totp, user, verify, wrong_code};

on_all_stores! {
    logins_require_a_code_once_it_is_confirmed
    a_wrong_code_does_not_confirm
    a_new_enrolment_replaces_one_that_is_not_confirmed
    an_enabled_second_factor_cannot_be_replaced
    disabling_removes_everything
    secrets_are_imported
}

async fn is_enabled(totp: &tower_jwt_auth::totp::Totp) -> bool {
    totp.is_enabled(&user()).await.unwrap()
}

async fn logins_require_a_code_once_it_is_confirmed<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    assert!(!is_enabled(&totp).await);
    assert!(matches!(totp.confirm(&user(), "000000").await, Err(TotpError::NotEnrolled)));
    let enrolment = totp.enrol(&user(), "ada").await.unwrap();
    assert!(!is_enabled(&totp).await);
    assert!(!verify(&totp, &code(enrolment.secret(), &clock, 0)).await);
    assert_eq!(totp.recovery_codes_left(&user()).await.unwrap(), None);

    let codes = totp.confirm(&user(), &code(enrolment.secret(), &clock, 0)).await.unwrap();
    assert!(is_enabled(&totp).await);
    assert_eq!(codes.iter().count(), 10);
    assert_eq!(totp.recovery_codes_left(&user()).await.unwrap(), Some(10));
    assert!(!totp.is_enabled(&"2".into()).await.unwrap());
}

async fn a_wrong_code_does_not_confirm<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let enrolment = totp.enrol(&user(), "ada").await.unwrap();
    let wrong = wrong_code(enrolment.secret(), &clock);
    let early = code(enrolment.secret(), &clock, 2);
    let late = code(enrolment.secret(), &clock, -2);
    for code in [&*wrong, &*early, &*late, "", "0000000", "4v7c-9kq2-xm3t-0hzb", "１２３４５６"]
    {
        let result = totp.confirm(&user(), code).await;
        assert!(matches!(result, Err(TotpError::InvalidCode)), "{code}");
    }
    assert!(!is_enabled(&totp).await);
    drop(totp.confirm(&user(), &code(enrolment.secret(), &clock, 1)).await.unwrap());
}

async fn a_new_enrolment_replaces_one_that_is_not_confirmed<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let first = totp.enrol(&user(), "ada").await.unwrap();
    let second = totp.enrol(&user(), "ada").await.unwrap();
    assert_ne!(first.secret(), second.secret());
    let result = totp.confirm(&user(), &code(first.secret(), &clock, 0)).await;
    assert!(matches!(result, Err(TotpError::InvalidCode)));
    drop(totp.confirm(&user(), &code(second.secret(), &clock, 0)).await.unwrap());
}

async fn an_enabled_second_factor_cannot_be_replaced<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    let again = totp.enrol(&user(), "ada").await;
    assert!(matches!(again, Err(TotpError::AlreadyEnabled)));
    let again = totp.confirm(&user(), &code(enrolment.secret(), &clock, 0)).await;
    assert!(matches!(again, Err(TotpError::AlreadyEnabled)));
    let again = totp.import(&user(), &[7; 20]).await;
    assert!(matches!(again, Err(TotpError::AlreadyEnabled)));
    assert!(verify(&totp, &code(enrolment.secret(), &clock, 0)).await);
    assert_eq!(totp.recovery_codes_left(&user()).await.unwrap(), Some(10));
}

async fn disabling_removes_everything<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    assert!(!totp.disable(&user()).await.unwrap());
    drop(totp.enrol(&user(), "ada").await.unwrap());
    assert!(!totp.disable(&user()).await.unwrap(), "it was not enabled");
    assert!(matches!(totp.confirm(&user(), "000000").await, Err(TotpError::NotEnrolled)));

    let (enrolment, codes) = enable(&totp, &clock).await;
    assert!(totp.disable(&user()).await.unwrap());
    assert!(!totp.disable(&user()).await.unwrap());
    assert!(!is_enabled(&totp).await);
    assert!(!verify(&totp, &code(enrolment.secret(), &clock, 0)).await);
    assert!(!verify(&totp, codes.iter().next().unwrap()).await);

    // A new secret begins anew, in the same step.
    let (new, new_codes) = enable(&totp, &clock).await;
    assert!(!verify(&totp, codes.iter().next().unwrap()).await);
    assert!(verify(&totp, &code(new.secret(), &clock, 0)).await);
    assert!(verify(&totp, new_codes.iter().next().unwrap()).await);
}

async fn secrets_are_imported<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    for len in [0, 15, 65] {
        let result = totp.import(&user(), &vec![7; len]).await;
        assert!(matches!(result, Err(TotpError::InvalidSecret)), "{len}");
    }
    let codes = totp.import(&user(), b"a secret of twenty b").await.unwrap();
    let secret = "MEQHGZLDOJSXIIDPMYQHI53FNZ2HSIDC";
    assert!(verify(&totp, &code(secret, &clock, -1)).await);
    assert!(verify(&totp, &code(secret, &clock, 0)).await);
    assert!(verify(&totp, codes.iter().next().unwrap()).await);
}
