//! Rows as accounts.

use std::{error::Error, fmt};

use crate::{clock::NumericDate, user::accounts::Account};

use super::{
    database::Fields,
    extra::{ExtraColumns, ExtraValues},
};

/// An account with its password hash.
pub(super) struct SecretAccount<X> {
    pub(super) account: Account<X>,
    pub(super) hash: Option<String>,
}

/// The row must have the columns of an account, in the order of the statements.
pub(super) fn account<X: ExtraColumns>(row: Fields) -> Result<Account<X>, Malformed> {
    Ok(secret_account(row)?.account)
}

/// The same, followed by the password hash.
pub(super) fn secret_account<X: ExtraColumns>(row: Fields) -> Result<SecretAccount<X>, Malformed> {
    let mut fields = row.into_iter();
    let mut next = || fields.next().flatten();
    let id = next().ok_or(Malformed)?;
    let generation = next().ok_or(Malformed)?;
    let (username, email) = (next(), next());
    let [active, verified, staff] = [(); 3].map(|()| next().is_some_and(|flag| flag == "1"));
    let roles: Vec<String> =
        serde_json::from_str(&next().ok_or(Malformed)?).map_err(|_| Malformed)?;
    let time = |text: String| text.parse().map(NumericDate::from_secs).map_err(|_| Malformed);
    let created_at = time(next().ok_or(Malformed)?)?;
    let last_login = next().map(time).transpose()?;
    let extra = X::COLUMNS.iter().map(|_| next()).collect();
    let extra = X::read(&ExtraValues::read(X::COLUMNS, extra));
    let account = Account::new(id, generation)
        .with_username(username.as_deref())
        .with_email(email.as_deref())
        .with_active(active)
        .with_verified(verified)
        .with_staff(staff)
        .with_roles(roles)
        .with_created_at(created_at)
        .with_last_login(last_login)
        .with_extra(extra);
    Ok(SecretAccount { account, hash: next() })
}

/// Why a row is no account.
#[derive(Debug)]
pub(super) struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a row of the table of accounts is malformed")
    }
}

impl Error for Malformed {}
