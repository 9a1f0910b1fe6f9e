//! Logins by user name and e-mail address.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tower_jwt_auth::{
    ManualClock, NumericDate,
    password::PasswordHasher,
    token::UserId,
    user::{
        AccountBackend, BackendError, Credentials, Fields, LoginBy, NewAccount, PasswordHashing,
        SqlUsers, User, UserBackend, UsernamePassword,
    },
};

use super::database::{Database, PASSWORD, create, hasher, on_both_databases};

on_both_databases! {
    users_log_in_by_either_name
    the_kind_of_login_can_be_limited
    inactive_and_unverified_users_are_inactive
    accounts_without_a_password_cannot_log_in
    a_login_is_recorded
    outdated_hashes_are_replaced
    a_login_that_cannot_be_recorded_succeeds
    unknown_users_cost_as_much_as_known_ones
}

pub(super) async fn log_in(users: &SqlUsers, username: &str, password: &str) -> Option<User> {
    users.authenticate(credentials(username, password)).await.unwrap().user()
}

pub(super) fn credentials(username: &str, password: &str) -> UsernamePassword {
    let body = serde_json::json!({ "username": username, "password": password });
    let serde_json::Value::Object(body) = body else { panic!("an object") };
    UsernamePassword::from_fields(&mut Fields::new(body)).unwrap()
}

async fn users_log_in_by_either_name(database: Database) {
    let users = database.users();
    let ada = create(&users, "Ada", "Ada@Example.com").await.unwrap();
    create(&users, "bob", "bob@example.com").await.unwrap();
    for name in ["Ada", "ada", "ＡＤＡ", "Ada@Example.com", "ADA@EXAMPLE.COM"] {
        let user = log_in(&users, name, PASSWORD).await.expect(name);
        assert_eq!(user.id(), ada.id());
        assert_eq!(user.epoch(), Some(ada.generation()));
        assert!(user.is_active());
        assert!(log_in(&users, name, "difference engine").await.is_none());
    }
    let long = "a".repeat(100_000);
    for name in ["eve", "ada@", " ada", "a\u{1}", "%", "_da", &long] {
        assert!(log_in(&users, name, PASSWORD).await.is_none(), "{name:?}");
    }
    assert!(log_in(&users, "ada", &PASSWORD.repeat(1_000)).await.is_none());
}

async fn the_kind_of_login_can_be_limited(database: Database) {
    create(&database.users(), "ada", "ada@example.com").await.unwrap();
    for (login_by, by_name, by_email) in [
        (LoginBy::Username, true, false),
        (LoginBy::Email, false, true),
        (LoginBy::UsernameOrEmail, true, true),
    ] {
        let builder = SqlUsers::builder(database.connect(), hasher()).login_by(login_by);
        let users = builder.build().unwrap();
        assert_eq!(log_in(&users, "ada", PASSWORD).await.is_some(), by_name, "{login_by:?}");
        let email = log_in(&users, "ada@example.com", PASSWORD).await;
        assert_eq!(email.is_some(), by_email, "{login_by:?}");
    }
}

async fn inactive_and_unverified_users_are_inactive(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", "ada@example.com").await.unwrap();
    let strict = SqlUsers::builder(database.connect(), hasher()).require_verified_email(true);
    let strict = strict.build().unwrap();
    assert!(log_in(&users, "ada", PASSWORD).await.unwrap().is_active());
    assert!(!log_in(&strict, "ada", PASSWORD).await.unwrap().is_active());
    assert!(!strict.find(ada.id()).await.unwrap().unwrap().is_active());
    strict.mark_verified(ada.id(), "ada@example.com").await.unwrap().unwrap();
    assert!(log_in(&strict, "ada", PASSWORD).await.unwrap().is_active());
    users.set_active(ada.id(), false).await.unwrap();
    for users in [&users, &strict] {
        assert!(!log_in(users, "ada", PASSWORD).await.unwrap().is_active());
        assert!(!users.find(ada.id()).await.unwrap().unwrap().is_active());
    }
}

async fn accounts_without_a_password_cannot_log_in(database: Database) {
    let users = database.users();
    let ada = users.create(NewAccount::new().with_username("ada")).await.unwrap();
    for password in ["x", PASSWORD] {
        assert!(log_in(&users, "ada", password).await.is_none());
        assert!(users.verify_password(ada.id(), password).await.unwrap().is_none());
    }
    users.set_password(&ada, PASSWORD, None).await.unwrap().unwrap();
    assert!(log_in(&users, "ada", PASSWORD).await.is_some());
}

async fn a_login_is_recorded(database: Database) {
    let clock = ManualClock::new(NumericDate::from_secs(1_000));
    let builder = SqlUsers::builder(database.connect(), hasher()).clock(&clock);
    let users = builder.build().unwrap();
    let ada = create(&users, "ada", None).await.unwrap();
    let last_login = async || users.account(ada.id()).await.unwrap().unwrap().last_login();
    assert_eq!(last_login().await, None);
    clock.advance(Duration::from_secs(60));
    assert!(log_in(&users, "ada", "wrong").await.is_none());
    assert_eq!(last_login().await, None);
    assert!(log_in(&users, "ada", PASSWORD).await.is_some());
    assert_eq!(last_login().await, Some(NumericDate::from_secs(1_060)));
    // Clocks of different machines differ.
    clock.set(NumericDate::from_secs(1_050));
    assert!(log_in(&users, "ada", PASSWORD).await.is_some());
    assert_eq!(last_login().await, Some(NumericDate::from_secs(1_060)));
    users.set_active(ada.id(), false).await.unwrap();
    clock.set(NumericDate::from_secs(2_000));
    assert!(log_in(&users, "ada", PASSWORD).await.is_some());
    assert_eq!(last_login().await, Some(NumericDate::from_secs(1_060)));
}

async fn outdated_hashes_are_replaced(database: Database) {
    let users = database.users();
    let ada = create(&users, "ada", None).await.unwrap();
    let hash = async || {
        let sql = "SELECT password_hash FROM jwt_accounts";
        database.strings(sql).await.pop().unwrap().unwrap()
    };
    let first = hash().await;
    assert!(log_in(&users, "ada", PASSWORD).await.is_some());
    assert_eq!(hash().await, first);

    let stronger = PasswordHasher::builder().memory_kib(8 * 1024).iterations(5).build().unwrap();
    let later = SqlUsers::builder(database.connect(), stronger).build().unwrap();
    assert!(log_in(&later, "ada", "wrong").await.is_none());
    assert_eq!(hash().await, first);
    let user = log_in(&later, "ada", PASSWORD).await.unwrap();
    let second = hash().await;
    assert!(second.contains("$m=8192,"), "{second}");
    assert_eq!(user.epoch(), Some(ada.generation()), "sessions go on");
    assert!(log_in(&later, "ada", PASSWORD).await.is_some());
    assert_eq!(hash().await, second);
}

/// A trigger makes every update fail.
async fn a_login_that_cannot_be_recorded_succeeds(database: Database) {
    let users = database.users();
    create(&users, "ada", None).await.unwrap();
    database
        .execute(match database {
            Database::File(_) => {
                "CREATE TRIGGER fail BEFORE UPDATE ON jwt_accounts
                BEGIN SELECT RAISE(ABORT, 'no'); END"
            }
            Database::Schema(..) => {
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql
                    AS 'BEGIN RAISE EXCEPTION ''no''; END';
                CREATE TRIGGER fail BEFORE UPDATE ON jwt_accounts
                    FOR EACH ROW EXECUTE FUNCTION fail()"
            }
        })
        .await;
    let user = log_in(&users, "ada", PASSWORD).await.unwrap();
    assert!(user.is_active());
}

/// Counts how often passwords are verified, and how often new ones are hashed.
#[derive(Clone)]
struct Counting(PasswordHasher, Arc<[AtomicUsize; 2]>);

impl Counting {
    fn take(&self) -> [usize; 2] {
        self.1.each_ref().map(|count| count.swap(0, Ordering::SeqCst))
    }
}

impl PasswordHashing for Counting {
    async fn hash(&self, password: &str) -> Result<Option<String>, BackendError> {
        self.1[1].fetch_add(1, Ordering::SeqCst);
        PasswordHashing::hash(&self.0, password).await
    }

    async fn verify(&self, password: &str, hash: Option<&str>) -> Result<bool, BackendError> {
        self.1[0].fetch_add(1, Ordering::SeqCst);
        PasswordHashing::verify(&self.0, password, hash).await
    }

    fn needs_rehash(&self, hash: &str) -> bool {
        self.0.needs_rehash(hash)
    }
}

async fn unknown_users_cost_as_much_as_known_ones(database: Database) {
    let hasher = Counting(hasher(), Arc::default());
    let users = SqlUsers::builder(database.connect(), hasher.clone()).build().unwrap();
    let ada = create(&users, "ada", "ada@example.com").await.unwrap();
    let inactive = NewAccount::new().with_username("inactive").with_password(PASSWORD);
    users.create(inactive.with_active(false)).await.unwrap();
    users.create(NewAccount::new().with_username("no password")).await.unwrap();
    assert_eq!(hasher.take(), [0, 2]);
    let long = "a".repeat(1_000);
    for name in ["ada", "inactive", "eve", "eve@example.com", "no password", "a\u{1}", &long] {
        assert!(log_in(&users, name, "wrong").await.is_none());
        assert_eq!(hasher.take(), [1, 0], "{name:?}");
    }
    for id in [ada.id().clone(), UserId::from("none")] {
        assert!(users.verify_password(&id, "wrong").await.unwrap().is_none());
        assert_eq!(hasher.take(), [1, 0]);
    }
    assert!(users.verify_password(ada.id(), PASSWORD).await.unwrap().is_some());
}
