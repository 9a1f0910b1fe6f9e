//! Recovery codes.

use std::collections::HashSet;

use tower_jwt_auth::{totp::TotpStore, user::SecondFactor};

use super::{clock, code, enable, on_all_stores, totp, user, verify};

on_all_stores! {
    each_code_works_once
    codes_are_accepted_in_any_spelling
    codes_are_unique_and_random
}

async fn each_code_works_once<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let machines = [totp(open(), &clock), totp(open(), &clock)];
    let (enrolment, codes) = enable(&machines[0], &clock).await;
    for (index, recovery) in codes.iter().enumerate() {
        assert!(verify(&machines[index % 2], recovery).await);
        for machine in &machines {
            assert!(!verify(machine, recovery).await);
            let left = machine.recovery_codes_left(&user()).await.unwrap();
            assert_eq!(left, Some(9 - index));
        }
    }
    // They use up no code of the app, and it goes on to be required.
    assert!(verify(&machines[0], &code(enrolment.secret(), &clock, 0)).await);
    assert!(machines[0].is_enabled(&user()).await.unwrap());
}

async fn codes_are_accepted_in_any_spelling<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (_, codes) = enable(&totp, &clock).await;
    let codes: Vec<_> = codes.iter().collect();
    let letters = codes[3].replace('0', "O").replace('1', "l");
    let spellings = [
        codes[0].to_uppercase(),
        codes[1].replace('-', ""),
        format!(" {} ", codes[2].replace('-', " ")),
        letters,
    ];
    for spelling in &spellings {
        assert!(verify(&totp, spelling).await, "{spelling}");
        assert!(!verify(&totp, spelling).await, "{spelling}");
    }
    for part in [&codes[4][1..], &format!("{}0", codes[4]), &codes[4].replace('-', "_")] {
        assert!(!verify(&totp, part).await, "{part}");
    }
}

async fn codes_are_unique_and_random<S: TotpStore>(open: impl Fn() -> S) {
    let clock = clock();
    let totp = totp(open(), &clock);
    let (_, codes) = enable(&totp, &clock).await;
    let unique: HashSet<_> = codes.iter().collect();
    assert_eq!(unique.len(), 10);
    for code in codes.iter() {
        assert_eq!((code.len(), code.matches('-').count()), (19, 3));
        assert!(code.bytes().all(|byte| b"0123456789abcdefghjkmnpqrstvwxyz-".contains(&byte)));
    }
    // All of 160 characters of 32 have one chance in 10^59 to be among half of them.
    let chars: HashSet<_> = codes.iter().flat_map(str::chars).collect();
    assert!(chars.len() > 17, "{chars:?}");
}
