//! User names and e-mail addresses are unique and bounded.

use tower_jwt_auth::user::{
    Account, AccountBackend, AccountError, FieldProblem, FieldProblems, LoginBy, NewAccount,
    SqlUsers,
};

use super::database::{Database, PASSWORD, create, hasher, on_both_databases};

on_both_databases! {
    all_taken_fields_are_named_at_once
    no_username_equals_the_email_of_another_account
    an_account_may_have_its_email_as_username
    one_of_many_creations_over_two_pools_wins
    one_of_many_creations_with_crossed_names_wins
    one_of_many_renames_over_two_pools_wins
    a_name_that_others_have_just_inserted_is_taken
    invalid_names_are_rejected
    required_fields_are_named
    long_normalized_names_are_rejected
}

fn problems<T>(outcome: Result<T, AccountError>) -> FieldProblems {
    match outcome {
        Err(AccountError::Rejected(problems)) => problems,
        Err(error) => panic!("{error:?}"),
        Ok(_) => panic!("it was accepted"),
    }
}

fn taken<T>(outcome: Result<T, AccountError>) -> (bool, bool) {
    let problems = problems(outcome);
    let is_taken = |problem: Option<FieldProblem>| match problem {
        Some(FieldProblem::Taken) => true,
        None => false,
        Some(other) => panic!("{other}"),
    };
    (is_taken(problems.username), is_taken(problems.email))
}

async fn all_taken_fields_are_named_at_once(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", "ada@example.com").await.unwrap();
    let bob = create(&users, "bob", "bob@example.com").await.unwrap();
    assert_eq!(taken(create(&users, "ADA", "ada@EXAMPLE.com").await), (true, true));
    assert_eq!(taken(create(&users, "Ada", "new@example.com").await), (true, false));
    assert_eq!(taken(create(&users, "new", "BOB@example.com").await), (false, true));
    assert_eq!(taken(create(&users, "ada", "bob@example.com").await), (true, true));
    assert_eq!(taken(users.set_username(bob.id(), "ADA").await), (true, false));
    assert_eq!(taken(users.set_email(bob.id(), "Ada@example.com", true).await), (false, true));

    // The own name is not taken.
    let renamed = users.set_username(ada.id(), "ADA").await.unwrap().unwrap();
    assert_eq!(renamed.username(), Some("ADA"));
    assert!(users.set_email(ada.id(), "ADA@example.com", true).await.unwrap().is_some());
    // A name that was given up is free.
    users.set_username(ada.id(), "lovelace").await.unwrap().unwrap();
    users.set_username(bob.id(), "ada").await.unwrap().unwrap();
    assert!(users.account_by_username("ada").await.unwrap().unwrap().id() == bob.id());
}

async fn no_username_equals_the_email_of_another_account(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada@x.example", "ada@example.com").await.unwrap();
    let bob = create(&users, "bob", None).await.unwrap();
    assert_eq!(taken(create(&users, "ADA@example.com", None).await), (true, false));
    assert_eq!(taken(create(&users, "ada＠example.com", None).await), (true, false));
    assert_eq!(taken(create(&users, "eve", "Ada@X.example").await), (false, true));
    assert_eq!(taken(create(&users, "ada@example.com", "ada@x.example").await), (true, true));
    assert_eq!(taken(users.set_username(bob.id(), "ada@example.com").await), (true, false));
    assert_eq!(taken(users.set_email(bob.id(), "ada@x.example", true).await), (false, true));
    users.set_username(ada.id(), "ada@example.com").await.unwrap().unwrap();
}

async fn an_account_may_have_its_email_as_username(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada@example.com", "ada@example.com").await.unwrap();
    assert_eq!(ada.username(), ada.email());
    assert_eq!(taken(create(&users, "ada@example.com", "b@example.com").await), (true, false));
}

/// Runs 100 calls at once, over two pools. Returns those that succeeded.
async fn race<F>(database: &Database, call: impl Fn(SqlUsers, usize) -> F) -> Vec<Account>
where
    F: Future<Output = Result<Option<Account>, AccountError>> + Send + 'static,
{
    let pools = [database.users(), database.users()];
    let calls: Vec<_> =
        (0..100).map(|number| tokio::spawn(call(pools[number % 2].clone(), number))).collect();
    let mut winners = Vec::new();
    for call in calls {
        match call.await.unwrap() {
            Ok(account) => winners.push(account.unwrap()),
            rejected => assert_ne!(taken(rejected), (false, false)),
        }
    }
    winners
}

async fn one_of_many_creations_over_two_pools_wins(database: Database) {
    let winners = race(&database, |users, number| async move {
        let (username, email) = match number % 3 {
            0 => ("ada", "Ada@example.com"),
            1 => ("ADA", "other@example.com"),
            _ => ("AdA", "ada@EXAMPLE.com"),
        };
        create(&users, username, email).await.map(Some)
    });
    assert_eq!(winners.await.len(), 1);
    assert_eq!(database.strings("SELECT username_key FROM jwt_accounts").await.len(), 1);
}

/// No unique index covers these. In PostgreSQL, a trigger lets the others catch up before the first
/// one commits.
async fn one_of_many_creations_with_crossed_names_wins(database: Database) {
    database.users().migrate().await.unwrap();
    if matches!(database, Database::Schema(..)) {
        database
            .execute(
                "CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN PERFORM pg_sleep(0.1); RETURN NULL; END';
                CREATE TRIGGER wait AFTER INSERT ON jwt_accounts
                    FOR EACH ROW EXECUTE FUNCTION wait()",
            )
            .await;
    }
    let winners = race(&database, |users, number| async move {
        let new = match number % 2 {
            0 => NewAccount::new().with_username("ada@example.com"),
            _ => NewAccount::new().with_email("ada@example.com"),
        };
        users.create(new).await.map(Some)
    });
    assert_eq!(winners.await.len(), 1);
}

async fn one_of_many_renames_over_two_pools_wins(database: Database) {
    let users = database.users();
    let mut ids = Vec::new();
    for number in 0..10 {
        let email = format!("{number}@example.com");
        ids.push(create(&users, None, &*email).await.unwrap().id().clone());
    }
    let winners = race(&database, |users, number| {
        let id = ids[number % 10].clone();
        async move { users.set_username(&id, "ada").await }
    });
    let winners = winners.await;
    // The same account may take its own name again.
    assert_eq!(winners.len(), 10);
    assert!(winners.iter().all(|winner| winner.id() == winners[0].id()));
}

/// Other programs write to the table too, and do not take the lock.
async fn a_name_that_others_have_just_inserted_is_taken(database: Database) {
    if matches!(database, Database::File(_)) {
        return; // One transaction writes at a time.
    }
    let users = database.users();
    let bob = create(&users, "bob", "bob@example.com").await.unwrap();
    for number in 0..3 {
        let mut other = database.open_schema().await;
        let key = format!("ada{number}@example.com");
        let sql = format!(
            "BEGIN; INSERT INTO jwt_accounts (id, username, username_key, email, email_key,
                is_active, is_verified, is_staff, roles, generation, created_at)
            VALUES (gen_random_uuid(), '{key}', '{key}', '{key}', '{key}',
                TRUE, TRUE, TRUE, '[]', '', 0)"
        );
        sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut other).await.unwrap();
        let call = {
            let (users, id) = (users.clone(), bob.id().clone());
            tokio::spawn(async move {
                match number {
                    0 => taken(users.set_username(&id, &key).await),
                    1 => taken(users.set_email(&id, &key, true).await),
                    _ => taken(create(&users, &*key, None).await),
                }
            })
        };
        // It waits for the transaction of the other program.
        let waits = "SELECT count(*)::text FROM pg_locks WHERE NOT granted";
        while database.strings(waits).await == [Some("0".to_owned())] {
            tokio::task::yield_now().await;
        }
        sqlx::raw_sql("COMMIT").execute(&mut other).await.unwrap();
        let expected = if number == 1 { (false, true) } else { (true, false) };
        assert_eq!(call.await.unwrap(), expected);
    }
}

async fn invalid_names_are_rejected(database: Database) {
    let users = database.users();
    let invalid = Some(FieldProblem::Invalid);
    let too_long = Some(FieldProblem::TooLong);
    let missing = Some(FieldProblem::Missing);
    let (long, longest) = ("a".repeat(151), "😀".repeat(100_000));
    for (username, problem) in [
        ("", missing),
        (" \u{a0}", missing),
        ("a\0b", invalid),
        ("a\nb", invalid),
        ("a\u{7f}", invalid),
        ("a\u{85}", invalid),
        ("ad\u{200b}a", invalid),
        ("\u{202e}ada", invalid),
        ("ada\u{feff}", invalid),
        ("ada\u{2800}", invalid),
        ("\u{1d159}ada", invalid),
        (" ada", invalid),
        ("ada\u{a0}", invalid),
        (&long, too_long),
        (&longest, too_long),
    ] {
        let problems = problems(create(&users, username, None).await);
        assert_eq!((problems.username, problems.email), (problem, None), "{username:?}");
        assert!(users.account_by_username(username).await.unwrap().is_none());
    }
    let long = format!("{}@example.com", "a".repeat(250));
    for (email, problem) in [
        ("", missing),
        ("ada", invalid),
        ("@example.com", invalid),
        ("ada@", invalid),
        ("a b@example.com", invalid),
        ("ada@exam\u{3000}ple.com", invalid),
        ("ada\0@example.com", invalid),
        ("ada@example.com\r\nBcc: eve@example.com", invalid),
        ("ada<eve@example.com>", invalid),
        ("ada@example.com@example.org", invalid),
        ("ada\u{ff20}example.com", invalid),
        ("eve@example.com,ada@example.com", invalid),
        ("eve,ada@example.com", invalid),
        ("eve;ada@example.com", invalid),
        ("group:ada@example.com", invalid),
        ("\"ada\"@example.com", invalid),
        ("ada(eve)@example.com", invalid),
        ("ada\\@example.com", invalid),
        ("ada@[192.0.2.1]", invalid),
        ("-oQ/tmp@example.com", invalid),
        (&long, too_long),
    ] {
        let problems = problems(create(&users, "ada", email).await);
        assert_eq!((problems.username, problems.email), (None, problem), "{email:?}");
    }
    for (username, email) in
        [("ada", "ada+notes@example.com"), ("bob", "o'brien-1.x_y@bücher.example")]
    {
        create(&users, username, email).await.unwrap();
    }
    let both = problems(create(&users, "a\0", "ada").await);
    assert_eq!((both.username, both.email), (invalid, invalid));

    let longest_username = "ä".repeat(150);
    let longest_email = format!("{}@example.com", "a".repeat(242));
    let account = create(&users, &*longest_username, &*longest_email).await.unwrap();
    assert_eq!(account.username(), Some(&*longest_username));
    let renamed = users.set_username(account.id(), "a\0").await;
    assert_eq!(problems(renamed).username, invalid);
    let renamed = users.set_email(account.id(), "ada", true).await;
    assert_eq!(problems(renamed).email, invalid);
}

async fn required_fields_are_named(database: Database) {
    let missing = Some(FieldProblem::Missing);
    for (login_by, username, email, expected) in [
        (LoginBy::Username, None, Some("a@example.com"), (missing, None)),
        (LoginBy::Email, Some("ada"), None, (None, missing)),
        (LoginBy::UsernameOrEmail, None, None, (missing, missing)),
    ] {
        let builder = SqlUsers::builder(database.connect(), hasher()).login_by(login_by);
        let users = builder.build().unwrap();
        let found = problems(create(&users, username, email).await);
        assert_eq!((found.username, found.email), expected);
    }
    let users = database.users();
    let new = NewAccount::new().with_username("ada\0").with_password("");
    let found = problems(users.create(new).await);
    assert_eq!((found.username, found.password), (Some(FieldProblem::Invalid), missing));
    let long = PASSWORD.repeat(100);
    let new = NewAccount::new().with_username("ada").with_password(&*long);
    assert_eq!(problems(users.create(new).await).password, Some(FieldProblem::TooLong));
}

/// One character can become 18, and PostgreSQL cannot index more than 2704 bytes.
async fn long_normalized_names_are_rejected(database: Database) {
    let users = database.users();
    let name = "\u{fdfa}".repeat(150);
    let found = problems(create(&users, &*name, None).await);
    assert_eq!(found.username, Some(FieldProblem::TooLong));
    create(&users, "\u{fdfa}", None).await.unwrap();
}
