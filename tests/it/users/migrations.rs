//! The table is created and upgraded.

use tower_jwt_auth::{
    store::{PostgresStore, Purger, SqliteStore, TokenStore},
    user::{
        AccountBackend, ExtraColumn, ExtraColumns, ExtraValues, NewAccount, SqlDatabase, SqlUsers,
    },
};

use crate::support::{postgres::PASSWORD as SERVER_PASSWORD, session::new_id};

use super::database::{Database, PASSWORD, create, hasher, on_both_databases};

on_both_databases! {
    concurrent_migrations_succeed
    manual_migration_creates_the_table
    a_table_of_a_later_version_is_used_as_it_is
    the_scripts_are_the_schema
    an_unprivileged_role_uses_a_table_made_from_the_schema
    stores_share_their_database
}

#[derive(Default)]
struct Note;

impl ExtraColumns for Note {
    const COLUMNS: &'static [ExtraColumn] = &[ExtraColumn::text("note")];

    fn read(_: &ExtraValues) -> Self {
        Self
    }

    fn write(&self, values: &mut ExtraValues) {
        values.set_text("note", "x");
    }
}

async fn concurrent_migrations_succeed(database: Database) {
    // Half of them also add a column, at the first start and later.
    for round in 0..2 {
        let processes: Vec<_> = (0..8)
            .map(|number| {
                let database = database.connect();
                tokio::spawn(async move {
                    let name = format!("user {round} {number}");
                    if (number + round) % 2 == 0 {
                        let users = SqlUsers::builder(database, hasher()).build().unwrap();
                        if number % 4 == 0 {
                            users.migrate().await.unwrap();
                        }
                        create(&users, &*name, None).await.unwrap();
                    } else {
                        let users = SqlUsers::builder_with_columns::<Note>(database, hasher());
                        let new = NewAccount::new().with_username(&*name).with_extra(Note);
                        users.build().unwrap().create(new).await.unwrap();
                    }
                })
            })
            .collect();
        for process in processes {
            process.await.unwrap();
        }
    }
    let notes = database.strings("SELECT note FROM jwt_accounts").await;
    assert_eq!(notes.len(), 16);
    assert_eq!(notes.iter().flatten().count(), 8);
    let versions = "SELECT CAST(version AS TEXT) FROM jwt_accounts_migrations";
    assert_eq!(database.strings(versions).await, [Some("1".to_owned())]);
}

async fn manual_migration_creates_the_table(database: Database) {
    let builder = SqlUsers::builder(database.connect(), hasher()).automatic_migration(false);
    let users = builder.build().unwrap();
    users.account_by_username("ada").await.unwrap_err();
    users.ping().await.unwrap_err();
    for _ in 0..2 {
        users.migrate().await.unwrap();
    }
    users.ping().await.unwrap();
    create(&users, "ada", None).await.unwrap();
}

async fn a_table_of_a_later_version_is_used_as_it_is(database: Database) {
    database.users().migrate().await.unwrap();
    database.execute("INSERT INTO jwt_accounts_migrations (version) VALUES (1000)").await;
    database.execute("ALTER TABLE jwt_accounts ADD COLUMN later BIGINT").await;
    let users = database.users();
    users.migrate().await.unwrap();
    create(&users, "ada", None).await.unwrap();
}

async fn the_scripts_are_the_schema(database: Database) {
    let builder = SqlUsers::builder_with_columns::<Note>(database.connect(), hasher());
    let users = builder.automatic_migration(false).build().unwrap();
    assert_eq!(users.migrations().collect::<String>(), users.schema());
    database.execute(&users.schema()).await;
    let new = NewAccount::new().with_extra(Note).with_username("ada");
    users.create(new.with_password(PASSWORD)).await.unwrap();
    users.migrate().await.unwrap();
    assert_eq!(database.strings("SELECT note FROM jwt_accounts").await, [Some("x".to_owned())]);
}

async fn an_unprivileged_role_uses_a_table_made_from_the_schema(database: Database) {
    let Database::Schema(_, name) = &database else { return };
    let builder = SqlUsers::builder_with_columns::<Note>(database.connect(), hasher());
    database.execute(&format!("BEGIN; {} COMMIT;", builder.build().unwrap().schema())).await;
    // The privileges are those that the documentation lists.
    database
        .execute(&format!(
            "CREATE ROLE {name} LOGIN PASSWORD '{SERVER_PASSWORD}';
            GRANT USAGE ON SCHEMA {name} TO {name};
            GRANT SELECT, INSERT, UPDATE, DELETE ON jwt_accounts TO {name};
            GRANT SELECT ON jwt_accounts_migrations TO {name}"
        ))
        .await;
    let url = database.url().replace("//postgres:", &format!("//{name}:"));
    for automatic in [true, false] {
        let unprivileged = SqlDatabase::connect_lazy(&url).unwrap();
        let users = SqlUsers::builder_with_columns::<Note>(unprivileged, hasher())
            .automatic_migration(automatic)
            .build()
            .unwrap();
        let username = format!("ada {automatic}");
        let new = NewAccount::new().with_extra(Note).with_username(&*username);
        let ada = users.create(new.with_password(PASSWORD)).await.unwrap();
        users.set_username(ada.id(), "ada").await.unwrap().unwrap();
        users.set_password(&ada, "difference engine", None).await.unwrap().unwrap();
        users.delete(ada.id()).await.unwrap();
        users.ping().await.unwrap();
        users.migrate().await.unwrap();
    }
}

async fn stores_share_their_database(database: Database) {
    let users = match &database {
        Database::File(_) => {
            let store = SqliteStore::connect_lazy(&database.url()).unwrap();
            store.ping().await.unwrap();
            let _purger = Purger::spawn(store.clone(), std::time::Duration::from_secs(60));
            SqlUsers::builder(&store, hasher()).build().unwrap()
        }
        Database::Schema(..) => {
            let name = new_id();
            let url = format!("{}&application_name={name}", database.url());
            let store = PostgresStore::connect_lazy(&url).unwrap();
            store.ping().await.unwrap();
            let users = SqlUsers::builder(&store, hasher()).build().unwrap();
            for number in 0..10 {
                create(&users, &*format!("user {number}"), None).await.unwrap();
            }
            assert_eq!(connections(&database, &name).await, 1);
            users
        }
    };
    create(&users, "ada", None).await.unwrap();
    assert!(database.users().account_by_username("ada").await.unwrap().is_some());
    let Database::Schema(..) = database else { return };
    let options: sqlx::postgres::PgConnectOptions = database.url().parse().unwrap();
    let pool = sqlx::PgPool::connect_lazy_with(options);
    let users = SqlUsers::builder(pool, hasher()).build().unwrap();
    assert!(users.account_by_username("ada").await.unwrap().is_some());
}

/// How many connections to the server have this name.
async fn connections(database: &Database, name: &str) -> i64 {
    let sql =
        format!("SELECT count(*)::text FROM pg_stat_activity WHERE application_name = '{name}'");
    database.strings(&sql).await.pop().unwrap().unwrap().parse().unwrap()
}
