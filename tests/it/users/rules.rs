//! Accounts are created, found and changed.

use std::time::Duration;

use tower_jwt_auth::{
    ManualClock, NumericDate,
    token::UserId,
    user::{
        AccountBackend, AccountError, AccountIds, ExtraColumn, ExtraColumns, ExtraValues,
        FieldProblem, NewAccount, SqlUsers, UserBackend,
    },
};

use super::database::{Database, PASSWORD, create, hasher, on_both_databases};

on_both_databases! {
    a_new_account_is_found_by_id_name_and_email
    every_field_is_stored
    ids_are_integers_or_uuids
    ids_of_deleted_accounts_are_not_used_again
    ids_of_another_form_are_unknown
    a_change_of_the_password_is_based_on_the_newest_state
    deactivation_changes_the_generation
    an_address_is_verified_only_while_it_is_current
    extra_columns_are_stored
    values_for_undeclared_columns_are_errors
    statements_use_an_index
    debug_output_shows_nothing_of_a_user
}

async fn a_new_account_is_found_by_id_name_and_email(database: Database) {
    let users = database.users();
    let ada = create(&users, "Ada", "Ada@Example.com").await.unwrap();
    assert_eq!((ada.username(), ada.email()), (Some("Ada"), Some("Ada@Example.com")));
    assert!(ada.is_active() && !ada.is_verified() && !ada.is_staff());
    for found in [
        users.account(ada.id()).await,
        users.account_by_username("ADA").await,
        users.account_by_email("ada@example.COM").await,
    ] {
        let found = found.unwrap().unwrap();
        assert_eq!((found.id(), found.username()), (ada.id(), Some("Ada")));
    }
    assert!(users.account_by_username("ada@example.com").await.unwrap().is_none());
    assert!(users.account_by_email("ada").await.unwrap().is_none());
    users.delete(ada.id()).await.unwrap();
    users.delete(ada.id()).await.unwrap();
    assert!(users.account(ada.id()).await.unwrap().is_none());
    create(&users, "ada", "ada@example.com").await.unwrap();
}

async fn every_field_is_stored(database: Database) {
    let clock = ManualClock::new(NumericDate::from_secs(1_000));
    let builder = SqlUsers::builder(database.connect(), hasher()).clock(&clock);
    let users = builder.build().unwrap();
    let new = NewAccount::new()
        .with_username("ada")
        .with_active(false)
        .with_verified(true)
        .with_staff(true)
        .with_roles(["editor", "a \"quoted\" role", "ä"]);
    let id = users.create(new).await.unwrap().id().clone();
    let ada = users.account(&id).await.unwrap().unwrap();
    assert!(!ada.is_active() && ada.is_verified() && ada.is_staff());
    assert_eq!(ada.roles().collect::<Vec<_>>(), ["editor", "a \"quoted\" role", "ä"]);
    assert_eq!((ada.email(), ada.last_login()), (None, None));
    assert_eq!(ada.created_at(), NumericDate::from_secs(1_000));

    let ada = users.set_roles(&id, ["owner"]).await.unwrap().unwrap();
    assert!(ada.has_role("owner") && !ada.has_role("editor"));
    assert!(!users.set_staff(&id, false).await.unwrap().unwrap().is_staff());
    assert!(users.set_staff(&UserId::from("7"), true).await.unwrap().is_none());
}

async fn ids_are_integers_or_uuids(database: Database) {
    for (number, (ids, version)) in [
        (AccountIds::UuidV7, Some('7')),
        (AccountIds::UuidV4, Some('4')),
        (AccountIds::Integer, None),
    ]
    .into_iter()
    .enumerate()
    {
        let table = tower_jwt_auth::user::AccountTable::new(format!("accounts_{number}"));
        let builder = SqlUsers::builder(database.connect(), hasher()).ids(ids).table(table);
        let users = builder.build().unwrap();
        let mut made = Vec::new();
        for name in ["a", "b", "c"] {
            let id = create(&users, name, None).await.unwrap().id().clone();
            assert!(users.account(&id).await.unwrap().is_some(), "{id}");
            made.push(id.to_string());
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        match version {
            Some(version) => assert!(made.iter().all(|id| {
                let variant = id.as_bytes()[19];
                id.len() == 36
                    && id.chars().nth(14) == Some(version)
                    && matches!(variant, b'8' | b'9' | b'a' | b'b')
            })),
            None => assert_eq!(made, ["1", "2", "3"]),
        }
        if ids != AccountIds::UuidV4 {
            assert!(made.is_sorted(), "{made:?}");
        }
    }
}

async fn ids_of_deleted_accounts_are_not_used_again(database: Database) {
    let builder = SqlUsers::builder(database.connect(), hasher()).ids(AccountIds::Integer);
    let users = builder.build().unwrap();
    let ada = create(&users, "ada", None).await.unwrap();
    users.delete(ada.id()).await.unwrap();
    let bob = create(&users, "bob", None).await.unwrap();
    assert_ne!(ada.id(), bob.id());
}

async fn ids_of_another_form_are_unknown(database: Database) {
    let builder = SqlUsers::builder(database.connect(), hasher()).ids(AccountIds::Integer);
    let users = builder.build().unwrap();
    create(&users, "ada", None).await.unwrap();
    let odd = ["", "01", "+1", " 1", "1 ", "1.0", "x", "\0", "99999999999999999999", "1;"];
    for id in odd.map(UserId::from).into_iter().chain([UserId::from("1".repeat(100_000))]) {
        assert!(users.find(&id).await.unwrap().is_none());
        assert!(users.account(&id).await.unwrap().is_none());
        assert!(users.verify_password(&id, PASSWORD).await.unwrap().is_none());
        assert!(users.set_username(&id, "eve").await.unwrap().is_none());
        assert!(users.set_email(&id, "eve@example.com", true).await.unwrap().is_none());
        assert!(users.set_active(&id, false).await.unwrap().is_none());
        users.delete(&id).await.unwrap();
    }
    let uuids = SqlUsers::builder(database.connect(), hasher())
        .table(tower_jwt_auth::user::AccountTable::new("others"))
        .build()
        .unwrap();
    let ada = create(&uuids, "ada", None).await.unwrap();
    let id = ada.id().as_str();
    for id in [id.to_uppercase(), id.replace('-', ""), format!("{{{id}}}"), "1".to_owned()] {
        let same = id == ada.id().as_str();
        assert_eq!(uuids.account(&UserId::from(id)).await.unwrap().is_some(), same);
    }
}

async fn a_change_of_the_password_is_based_on_the_newest_state(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", None).await.unwrap();
    assert!(users.verify_password(ada.id(), PASSWORD).await.unwrap().is_some());
    let changes: Vec<_> = (0..20)
        .map(|number| {
            let (users, ada) = (users.clone(), ada.clone());
            let password = format!("new password {number}");
            tokio::spawn(async move {
                users.set_password(&ada, &password, None).await.unwrap().map(|ada| (ada, password))
            })
        })
        .collect();
    let mut winners = Vec::new();
    for change in changes {
        winners.extend(change.await.unwrap());
    }
    let [(changed, password)] = &*winners else { panic!("one of the changes wins") };
    assert_ne!(changed.generation(), ada.generation());
    assert!(users.verify_password(ada.id(), PASSWORD).await.unwrap().is_none());
    assert!(users.verify_password(ada.id(), password).await.unwrap().is_some());

    let too_long = "p".repeat(2_000);
    for (password, problem) in [("", FieldProblem::Missing), (&too_long, FieldProblem::TooLong)] {
        let error = users.set_password(changed, password, None).await.unwrap_err();
        let AccountError::Rejected(problems) = error else { panic!("{error}") };
        assert_eq!(problems.password, Some(problem));
    }
    assert!(users.verify_password(ada.id(), password).await.unwrap().is_some());
}

async fn deactivation_changes_the_generation(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", None).await.unwrap();
    let same = users.set_active(ada.id(), true).await.unwrap().unwrap();
    assert_eq!(same.generation(), ada.generation());
    let inactive = users.set_active(ada.id(), false).await.unwrap().unwrap();
    assert!(!inactive.is_active());
    assert!(!users.find(ada.id()).await.unwrap().unwrap().is_active());
    let active = users.set_active(ada.id(), true).await.unwrap().unwrap();
    assert!(active.is_active());
    assert_ne!(active.generation(), ada.generation());
}

async fn an_address_is_verified_only_while_it_is_current(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", "old@example.com").await.unwrap();
    let changed = users.set_email(ada.id(), "new@example.com", false).await.unwrap().unwrap();
    assert_eq!((changed.email(), changed.is_verified()), (Some("new@example.com"), false));
    assert!(users.mark_verified(ada.id(), "old@example.com").await.unwrap().is_none());
    assert!(!users.account(ada.id()).await.unwrap().unwrap().is_verified());
    let verified = users.mark_verified(ada.id(), "NEW@example.com").await.unwrap().unwrap();
    assert!(verified.is_verified());
    let changed = users.set_email(ada.id(), "third@example.com", true).await.unwrap().unwrap();
    assert!(changed.is_verified());
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Member {
    display_name: Option<String>,
    plan: Option<i64>,
    newsletter: Option<bool>,
}

impl ExtraColumns for Member {
    const COLUMNS: &'static [ExtraColumn] = &[
        ExtraColumn::text("display_name"),
        ExtraColumn::integer("plan"),
        ExtraColumn::boolean("newsletter"),
    ];

    fn read(values: &ExtraValues) -> Self {
        Self {
            display_name: values.text("display_name").map(str::to_owned),
            plan: values.integer("plan"),
            newsletter: values.boolean("newsletter"),
        }
    }

    fn write(&self, values: &mut ExtraValues) {
        values.set_text("display_name", self.display_name.as_deref());
        values.set_integer("plan", self.plan);
        values.set_boolean("newsletter", self.newsletter);
    }
}

async fn extra_columns_are_stored(database: Database) {
    // The table was made by a version of the application that had none.
    let before = create(&database.users(), "ada", None).await.unwrap();
    let users = SqlUsers::builder_with_columns::<Member>(database.connect(), hasher())
        .claims(|account| account.extra().plan)
        .build()
        .unwrap();
    let ada = users.account(before.id()).await.unwrap().unwrap();
    assert_eq!(*ada.extra(), Member::default());
    for (name, extra) in [
        ("bob", Member::default()),
        (
            "eve",
            Member {
                display_name: Some("Eve 'O' \\ 😀".to_owned()),
                plan: Some(-7),
                newsletter: Some(true),
            },
        ),
        (
            "kim",
            Member { display_name: Some(String::new()), plan: Some(0), newsletter: Some(false) },
        ),
    ] {
        let new = NewAccount::new().with_username(name).with_extra(extra.clone());
        let account = users.create(new).await.unwrap();
        assert_eq!(*account.extra(), extra);
        let found = users.find(account.id()).await.unwrap().unwrap();
        assert_eq!(*found.claims(), extra.plan);
        let changed = users.set_extra(before.id(), &extra).await.unwrap().unwrap();
        assert_eq!(*changed.extra(), extra);
    }
}

/// Writes to a column that it does not declare, and null characters.
#[derive(Default)]
struct Odd(&'static str);

impl ExtraColumns for Odd {
    const COLUMNS: &'static [ExtraColumn] = &[ExtraColumn::text("note")];

    fn read(_: &ExtraValues) -> Self {
        Self::default()
    }

    fn write(&self, values: &mut ExtraValues) {
        match self.0 {
            "number" => values.set_integer("note", 1),
            "unknown" => values.set_text("unknown", "x"),
            text => values.set_text("note", text),
        }
    }
}

async fn values_for_undeclared_columns_are_errors(database: Database) {
    let builder = SqlUsers::builder_with_columns::<Odd>(database.connect(), hasher());
    let users = builder.build().unwrap();
    for odd in ["number", "unknown", "a\0b"] {
        let new = NewAccount::new().with_username("ada").with_extra(Odd(odd));
        assert!(matches!(users.create(new).await, Err(AccountError::Backend(_))), "{odd:?}");
    }
    let new = NewAccount::new().with_username("ada").with_extra(Odd("fine"));
    users.create(new).await.unwrap();
}

async fn statements_use_an_index(database: Database) {
    let users = SqlUsers::builder_with_columns::<Member>(database.connect(), hasher());
    let users = users.build().unwrap();
    users.migrate().await.unwrap();
    let is_file = matches!(database, Database::File(_));
    let id = if is_file { "'user ' || n" } else { "CAST(md5(n::text) AS uuid)" };
    database
        .execute(&format!(
            "INSERT INTO jwt_accounts (id, username_key, email_key, is_active, is_verified,
                is_staff, roles, generation, created_at)
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 20000)
            SELECT {id}, 'user ' || n, 'user ' || n || '@a', TRUE, TRUE, FALSE, '[]', 'g', 0
            FROM numbers"
        ))
        .await;
    database.execute("ANALYZE").await;
    // Each statement is prepared in PostgreSQL when it is first used.
    let new = NewAccount::new().with_username("ada").with_email("ada@example.com");
    let new = new.with_extra(Member::default());
    let ada = users.create(new.with_password(PASSWORD)).await.unwrap();
    users.set_username(ada.id(), "ada2").await.unwrap();
    users.set_email(ada.id(), "ada2@example.com", true).await.unwrap();
    let mut checked = 0;
    for statement in users.statements() {
        let plan = if is_file {
            let mut connection = database.open_file().await;
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let rows = sqlx::query(sql).fetch_all(&mut connection).await.unwrap();
            rows.iter().map(|row| sqlx::Row::get::<String, _>(row, "detail")).collect::<Vec<_>>()
        } else {
            let typed = typed(statement);
            let mut connection = database.open_schema().await;
            let sql = format!("EXPLAIN (COSTS OFF) {typed}");
            let rows = sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).fetch_all(&mut connection).await;
            let rows = rows.unwrap_or_else(|error| panic!("{typed}: {error}"));
            rows.iter().map(|row| sqlx::Row::get::<String, _>(row, 0)).collect()
        };
        for line in plan {
            assert!(!line.contains("Seq Scan on"), "{statement}\n{line}");
            assert!(!line.contains("SCAN jwt") && !line.starts_with("SCAN o"), "{line}");
        }
        checked += 1;
    }
    assert_eq!(checked, 23);
}

/// The statement with values in place of its parameters. Those that are compared with 1 or with
/// times are numbers.
fn typed(statement: &str) -> String {
    let mut typed = statement.replace("CAST($1 AS UUID)", "CAST(md5('1') AS UUID)");
    for number in (1..=15).rev() {
        let parameter = format!("${number}");
        for (from, to) in
            [(format!("({parameter} = 1)"), "(1 = 1)"), (format!("{parameter} = 1 "), "1 = 1 ")]
        {
            typed = typed.replace(&from, to);
        }
        let is_time = (statement.contains("INSERT") && number == 12)
            || (statement.contains("> $2") && number == 2)
            || (statement.contains(&format!("CAST({parameter} AS BIGINT)")));
        let value = if is_time { "1" } else { "'user 77'" };
        typed = typed.replace(&parameter, value);
    }
    typed
}

async fn debug_output_shows_nothing_of_a_user(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", "ada@example.com").await.unwrap();
    let new = NewAccount::new()
        .with_username("ada")
        .with_email("ada@example.com")
        .with_password(PASSWORD);
    let error = create(&users, "ada", "ada@example.com").await.unwrap_err();
    let builder = SqlUsers::builder(database.connect(), hasher());
    let shown = format!("{ada:?} {new:?} {users:?} {builder:?} {error:?} {error}");
    let url = database.url();
    for secret in [
        "ada",
        "example",
        PASSWORD,
        "argon2",
        ada.generation(),
        ada.id().as_str(),
        url.split_once(':').unwrap().1,
    ] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
