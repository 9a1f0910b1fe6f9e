//! The settings of users in a SQL database.

use tower_jwt_auth::{
    ConfigErrorKind,
    user::{
        AccountBackend, AccountColumn, AccountIds, AccountTable, ExtraColumn, ExtraColumns,
        ExtraValues, SqlDatabase, SqlUsers,
    },
};

use super::{
    database::{Database, PASSWORD, create, hasher, on_both_databases},
    login::log_in,
};

on_both_databases! {
    table_and_columns_can_be_renamed
    tables_are_independent
}

const COLUMNS: [AccountColumn; 13] = [
    AccountColumn::Id,
    AccountColumn::Username,
    AccountColumn::UsernameKey,
    AccountColumn::Email,
    AccountColumn::EmailKey,
    AccountColumn::PasswordHash,
    AccountColumn::IsActive,
    AccountColumn::IsVerified,
    AccountColumn::IsStaff,
    AccountColumn::Roles,
    AccountColumn::Generation,
    AccountColumn::CreatedAt,
    AccountColumn::LastLogin,
];

/// The names are key words, or those of other columns.
async fn table_and_columns_can_be_renamed(database: Database) {
    let names = [
        "user",
        "select",
        "from",
        "username",
        "where",
        "order",
        "table",
        "group",
        "default",
        "email_key",
        "id",
        "check",
        "end",
    ];
    for ids in [AccountIds::UuidV7, AccountIds::Integer] {
        let name = if ids == AccountIds::Integer { "order" } else { "user" };
        let table =
            COLUMNS.iter().zip(names).fold(AccountTable::new(name), |table, (column, name)| {
                table.with_column(*column, name)
            });
        let users = SqlUsers::builder(database.connect(), hasher()).table(table).ids(ids);
        let users = users.build().unwrap();
        let ada = create(&users, "ada", "ada@example.com").await.unwrap();
        assert_eq!((ada.username(), ada.email()), (Some("ada"), Some("ada@example.com")));
        create(&users, "ADA", "ADA@example.com").await.unwrap_err();
        assert!(log_in(&users, "ada", PASSWORD).await.is_some());
        users.set_username(ada.id(), "lovelace").await.unwrap().unwrap();
        users.set_email(ada.id(), "other@example.com", true).await.unwrap().unwrap();
        users.set_password(&ada, "difference engine", None).await.unwrap().unwrap();
        users.set_active(ada.id(), false).await.unwrap().unwrap();
        let ada = users.account(ada.id()).await.unwrap().unwrap();
        assert_eq!((ada.username(), ada.email()), (Some("lovelace"), Some("other@example.com")));
        assert!(ada.is_verified() && !ada.is_active() && ada.last_login().is_some());
    }
}

async fn tables_are_independent(database: Database) {
    let longest = "t".repeat(40);
    for name in ["jwt_accounts", "_", "members", &longest] {
        let users = SqlUsers::builder(database.connect(), hasher()).table(AccountTable::new(name));
        let users = users.build().unwrap();
        create(&users, "ada", None).await.unwrap();
        create(&users, "ada", None).await.unwrap_err();
    }
}

struct Duplicate;

impl ExtraColumns for Duplicate {
    const COLUMNS: &'static [ExtraColumn] = &[ExtraColumn::text("email")];

    fn read(_: &ExtraValues) -> Self {
        Self
    }

    fn write(&self, _: &mut ExtraValues) {}
}

#[tokio::test]
async fn rejects_names_that_are_not_allowed() {
    let database = SqlDatabase::connect_lazy("sqlite:/nowhere/app.db").unwrap();
    let kind = |table: AccountTable| {
        let users = SqlUsers::builder(&database, hasher()).table(table).build();
        users.map(drop).unwrap_err().kind()
    };
    let too_long = "t".repeat(41);
    for name in [
        "", "1", "A", "a-b", "a.b", "a b", "é", "a\"", "a;", "a\0", "{table}", "pg_a", "sqlite_a",
        &too_long,
    ] {
        assert_eq!(kind(AccountTable::new(name)), ConfigErrorKind::OutOfRange, "{name:?}");
    }
    let too_long = "c".repeat(64);
    for name in ["", "1", "A", "a\"b", "{id}", "a\0", &too_long] {
        let table = AccountTable::default().with_column(AccountColumn::Roles, name);
        assert_eq!(kind(table), ConfigErrorKind::OutOfRange, "{name:?}");
    }
    let table = AccountTable::default().with_column(AccountColumn::Roles, "id");
    assert_eq!(kind(table), ConfigErrorKind::Conflict);
    let builder = SqlUsers::builder_with_columns::<Duplicate>(&database, hasher());
    assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Conflict);
}

#[tokio::test]
async fn rejects_urls_of_other_databases() {
    for url in ["", "mysql://localhost/app", "/tmp/app.db", "sqlite::memory:", "postgres:/x"] {
        assert!(SqlDatabase::connect_lazy(url).is_err(), "{url}");
    }
}
