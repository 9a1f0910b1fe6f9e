use crate::error::ConfigError;

use super::extra::ExtraColumn;

/// PostgreSQL truncates names after 63 bytes, and `_username_key` follows.
const MAX_TABLE_LEN: usize = 40;
const MAX_COLUMN_LEN: usize = 63;

/// The names of the table of accounts and of its columns.
///
/// ```
/// use tower_jwt_auth::user::{AccountColumn, AccountTable};
///
/// let members = AccountTable::new("members")
///     .with_column(AccountColumn::Id, "member_id")
///     .with_column(AccountColumn::Username, "login");
/// ```
#[derive(Clone, Debug)]
#[must_use]
pub struct AccountTable {
    pub(super) name: String,
    columns: [String; AccountColumn::ALL.len()],
}

/// A column of the table of accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountColumn {
    /// `id`: a UUID or an integer.
    Id,
    /// `username`: the name as the user wrote it.
    Username,
    /// `username_key`: its [`login_key`](crate::user::login_key), which is unique.
    UsernameKey,
    /// `email`: the address as the user wrote it.
    Email,
    /// `email_key`: its [`login_key`](crate::user::login_key), which is unique.
    EmailKey,
    /// `password_hash`.
    PasswordHash,
    /// `is_active`: a boolean.
    IsActive,
    /// `is_verified`: a boolean.
    IsVerified,
    /// `is_staff`: a boolean.
    IsStaff,
    /// `roles`: a JSON array of strings.
    Roles,
    /// `generation`: a random string.
    Generation,
    /// `created_at`: seconds since 1970.
    CreatedAt,
    /// `last_login`: seconds since 1970.
    LastLogin,
}

impl AccountColumn {
    pub(super) const ALL: [Self; 13] = [
        Self::Id,
        Self::Username,
        Self::UsernameKey,
        Self::Email,
        Self::EmailKey,
        Self::PasswordHash,
        Self::IsActive,
        Self::IsVerified,
        Self::IsStaff,
        Self::Roles,
        Self::Generation,
        Self::CreatedAt,
        Self::LastLogin,
    ];

    pub(super) const fn default_name(self) -> &'static str {
        match self {
            Self::Id => "id",
            Self::Username => "username",
            Self::UsernameKey => "username_key",
            Self::Email => "email",
            Self::EmailKey => "email_key",
            Self::PasswordHash => "password_hash",
            Self::IsActive => "is_active",
            Self::IsVerified => "is_verified",
            Self::IsStaff => "is_staff",
            Self::Roles => "roles",
            Self::Generation => "generation",
            Self::CreatedAt => "created_at",
            Self::LastLogin => "last_login",
        }
    }
}

impl AccountTable {
    /// The table `name`, with the default names of the columns.
    pub fn new(name: impl Into<String>) -> Self {
        let columns = AccountColumn::ALL.map(|column| column.default_name().to_owned());
        Self { name: name.into(), columns }
    }

    /// Sets the name of a column. Default: see [`AccountColumn`].
    pub fn with_column(mut self, column: AccountColumn, name: impl Into<String>) -> Self {
        self.columns[column as usize] = name.into();
        self
    }

    pub(super) fn column(&self, column: AccountColumn) -> &str {
        &self.columns[column as usize]
    }

    pub(super) fn check(&self, extra: &[ExtraColumn]) -> Result<(), ConfigError> {
        if !is_table_name(&self.name) {
            return Err(ConfigError::out_of_range(
                "the table of accounts must have a name of 1 to 40 characters of a-z, 0-9 and _, \
                 none of 0-9 first, that does not begin with pg_ or sqlite_",
            ));
        }
        let names = self.columns.iter().map(String::as_str);
        let names: Vec<_> = names.chain(extra.iter().map(|column| column.name)).collect();
        if !names.iter().all(|name| is_name(name, MAX_COLUMN_LEN)) {
            return Err(ConfigError::out_of_range(
                "the columns of accounts must have names of 1 to 63 characters of a-z, 0-9 and _, \
                 none of 0-9 first",
            ));
        }
        if names.iter().enumerate().any(|(index, name)| names[..index].contains(name)) {
            return Err(ConfigError::conflict("two columns of accounts have the same name"));
        }
        Ok(())
    }
}

impl Default for AccountTable {
    /// The table `jwt_accounts`.
    fn default() -> Self {
        Self::new("jwt_accounts")
    }
}

/// Whether a table can have this name in both databases, and other names can be made of it.
pub(crate) fn is_table_name(name: &str) -> bool {
    is_name(name, MAX_TABLE_LEN) && !is_reserved(name)
}

fn is_name(name: &str, max_len: usize) -> bool {
    let is_letter = |byte| matches!(byte, b'a'..=b'z' | b'_');
    name.len() <= max_len
        && name.bytes().next().is_some_and(is_letter)
        && name.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
}

fn is_reserved(name: &str) -> bool {
    name.starts_with("pg_") || name.starts_with("sqlite_")
}
