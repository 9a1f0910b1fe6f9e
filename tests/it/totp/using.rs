//! Which codes are valid, and how often.

use tower_jwt_auth::{totp::TotpStore, user::SecondFactor};

use super::{STEP, clock, code, enable, on_all_stores, totp, user, verify, wrong_code};

on_all_stores! {
    codes_are_valid_for_one_step_before_and_after
    a_code_works_once
    the_code_that_confirms_counts_as_used
    codes_before_the_last_one_are_worthless
    a_code_is_that_of_its_user
    malformed_codes_are_wrong
}

async fn codes_are_valid_for_one_step_before_and_after<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    let secret = enrolment.secret();
    for _ in 0..3 {
        clock.advance(4 * STEP);
        for steps in [-2, 2, 3] {
            assert!(!verify(&totp, &code(secret, &clock, steps)).await, "{steps}");
        }
        assert!(!verify(&totp, &wrong_code(secret, &clock)).await);
        for steps in [-1, 0, 1] {
            assert!(verify(&totp, &code(secret, &clock, steps)).await, "{steps}");
        }
    }
}

async fn a_code_works_once<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (enrolment, _) = enable(&machines[0], &clock).await;
    let code = code(enrolment.secret(), &clock, 0);
    assert!(verify(&machines[0], &code).await);
    for _ in 0..3 {
        for machine in &machines {
            assert!(!verify(machine, &code).await);
        }
        clock.advance(STEP);
    }
}

async fn the_code_that_confirms_counts_as_used<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let enrolment = machines[0].enrol(&user(), "ada").await.unwrap();
    let first = code(enrolment.secret(), &clock, 0);
    drop(machines[0].confirm(&user(), &first).await.unwrap());
    for machine in &machines {
        assert!(!verify(machine, &first).await);
    }
    assert!(verify(&machines[1], &code(enrolment.secret(), &clock, 1)).await);
}

async fn codes_before_the_last_one_are_worthless<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (enrolment, _) = enable(&machines[0], &clock).await;
    clock.advance(4 * STEP);
    assert!(verify(&machines[0], &code(enrolment.secret(), &clock, 1)).await);
    for machine in &machines {
        for steps in [-1, 0, 1] {
            assert!(!verify(machine, &code(enrolment.secret(), &clock, steps)).await, "{steps}");
        }
    }
}

async fn a_code_is_that_of_its_user<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (enrolment, codes) = enable(&totp, &clock).await;
    let other = "2".into();
    let secret = totp.enrol(&other, "bob").await.unwrap();
    drop(totp.confirm(&other, &code(secret.secret(), &clock, -1)).await.unwrap());
    assert!(!totp.verify(&other, &code(enrolment.secret(), &clock, 0)).await.unwrap());
    assert!(!totp.verify(&other, codes.iter().next().unwrap()).await.unwrap());
    for unknown in ["3", "", "a\0b", "%"] {
        let unknown = unknown.into();
        assert!(!totp.is_enabled(&unknown).await.unwrap());
        assert!(!totp.verify(&unknown, codes.iter().next().unwrap()).await.unwrap());
        assert!(!totp.disable(&unknown).await.unwrap());
    }
}

async fn malformed_codes_are_wrong<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    let valid = code(enrolment.secret(), &clock, 0);
    let long = format!("{valid}{}", " ".repeat(100));
    let signed = format!("+{}", &valid[1..]);
    let wide: String =
        valid.chars().map(|digit| char::from_u32(digit as u32 + 0xfee0).unwrap()).collect();
    for code in
        [&*long, &*signed, &*wide, &valid[1..], &format!("{valid}0"), "", "%", "\0", "______"]
    {
        assert!(!verify(&totp, code).await, "{code:?}");
    }
    // Apps show codes in groups.
    assert!(verify(&totp, &format!(" {} {} ", &valid[..3], &valid[3..])).await);
}
