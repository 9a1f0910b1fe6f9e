//! A database that has lost what was used last.

use crate::users::database::{Database, on_both_databases};

use super::{clock, code, enable, open, totp, verify};

on_both_databases! {
    a_process_rejects_the_codes_that_it_has_accepted
}

async fn a_process_rejects_the_codes_that_it_has_accepted(database: Database) {
    let clock = clock();
    let totp = totp(open(&database), &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    let steps = database.strings("SELECT CAST(last_step AS TEXT) FROM jwt_totp").await;
    let code = code(enrolment.secret(), &clock, 0);
    assert!(verify(&totp, &code).await);
    let restore = format!("UPDATE jwt_totp SET last_step = {}", steps[0].as_deref().unwrap());
    database.execute(&restore).await;
    assert!(!verify(&totp, &code).await);
    // The documentation says so of other processes.
    assert!(verify(&super::totp(open(&database), &clock), &code).await);
}
