//! What a database contains.

use tower_jwt_auth::user::SecondFactor;

use crate::users::database::{Database, on_both_databases};

use super::{clock, code, decoded, enable, encryption::assert_is_undecryptable, open, totp};

on_both_databases! {
    the_database_contains_neither_secrets_nor_codes
    a_secret_of_another_user_is_not_decrypted
}

async fn the_database_contains_neither_secrets_nor_codes(database: Database) {
    let clock = clock();
    let totp = totp(open(&database), &clock);
    let (enrolment, codes) = enable(&totp, &clock).await;
    let columns = ["user_id", "secret", "CAST(last_step AS TEXT)", "recovery_codes", "last_use"];
    let mut stored = String::new();
    for column in columns {
        let values = database.strings(&format!("SELECT {column} FROM jwt_totp")).await;
        stored += values[0].as_deref().unwrap();
    }
    let secret = decoded(enrolment.secret());
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let last = code(enrolment.secret(), &clock, -1);
    let plain = codes.iter().map(|code| code.replace('-', ""));
    let plain = plain.chain(codes.iter().map(str::to_owned));
    for shown in plain.chain([enrolment.secret().to_owned(), hex, last]) {
        assert!(!stored.to_lowercase().contains(&shown.to_lowercase()), "{shown}");
    }
}

async fn a_secret_of_another_user_is_not_decrypted(database: Database) {
    let clock = clock();
    let totp = totp(open(&database), &clock);
    let (enrolment, _) = enable(&totp, &clock).await;
    database.execute("UPDATE jwt_totp SET user_id = '2'").await;
    let code = code(enrolment.secret(), &clock, 0);
    assert_is_undecryptable(&totp.verify(&"2".into(), &code).await.unwrap_err());
}
