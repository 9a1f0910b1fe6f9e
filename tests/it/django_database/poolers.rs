//! Django's database behind PgBouncer.

use futures::future::join_all;
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection,
    postgres::{PgConnectOptions, PgPoolOptions},
    raw_sql,
};
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};

use crate::support::{pgbouncer::PgBouncer, postgres::Server, session::at};

use super::schema::{POSTGRES, token};

/// PgBouncer rejects unknown startup parameters by default, or ignores them.
const SETTINGS: [&str; 2] = ["", "ignore_startup_parameters = options,extra_float_digits"];
const MODES: [&str; 2] = ["session", "transaction"];

/// A server with Django's tables and the users 1 to 9, called `user 1` to `user 9`.
async fn server() -> Option<Server> {
    let server = Server::start()?;
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    raw_sql(POSTGRES).execute(&mut connection).await.unwrap();
    let users = "INSERT INTO auth_user (id, username, password, is_active, is_superuser, is_staff,
            first_name, last_name, email, date_joined)
        SELECT id, 'user ' || id, '!', TRUE, FALSE, FALSE, '', '', '', now()
        FROM generate_series(1, 9) AS id";
    raw_sql(users).execute(&mut connection).await.unwrap();
    Some(server)
}

/// A pool of the application, with the settings that a pooler accepts.
fn pool(pooler: &PgBouncer) -> sqlx::PgPool {
    let options: PgConnectOptions = pooler.url().parse().unwrap();
    let pool = PgPoolOptions::new().test_before_acquire(false);
    pool.connect_lazy_with(options.extra_float_digits(None))
}

/// Calls everything with ids that begin with `name`.
async fn call_everything(database: &DjangoDatabase, name: &str) {
    let id = |number: usize| format!("{name} {number}");
    let users = DjangoUsers::new(database.clone());
    let store = DjangoStore::new(users.clone());
    database.ping().await.unwrap();
    for number in 1..=9 {
        let user = users.find(&number.to_string()).await.unwrap().unwrap();
        assert_eq!(user.username(), format!("user {number}"));
        users.record_login(&user, at(1)).await.unwrap();
    }
    assert!(users.find("10").await.unwrap().is_none());
    store.outstand(&token(&id(1), "1", 1000), at(1)).await.unwrap();
    assert!(!store.is_blacklisted(&id(1)).await.unwrap());
    let won = store.rotate(&token(&id(1), "1", 1000), &token(&id(2), "1", 1000), at(2)).await;
    assert!(won.unwrap());
    assert!(store.is_blacklisted(&id(1)).await.unwrap());
    assert!(!store.is_blacklisted(&id(2)).await.unwrap());
    assert!(store.slide(&token(&id(3), "3", 1000), at(1)).await.unwrap());
    assert!(store.blacklist(&token(&id(3), "3", 1000), at(1)).await.unwrap());
    assert!(!store.slide(&token(&id(3), "3", 2000), at(1)).await.unwrap());
    store.purge(at(10), 10).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn works_in_every_mode_of_the_pooler() {
    let Some(server) = server().await else { return };
    for (mode, settings) in MODES.iter().flat_map(|mode| SETTINGS.map(|it| (mode, it))) {
        let Some(pooler) = PgBouncer::start(&server, mode, settings) else { return };
        let lazy = DjangoDatabase::connect_lazy(&pooler.url()).unwrap();
        call_everything(&lazy, &format!("lazy {mode} {settings}")).await;
        let shared = DjangoDatabase::from_pool(pool(&pooler));
        call_everything(&shared, &format!("shared {mode} {settings}")).await;
    }
}

/// Every process of an application that uses sqlx names its statements `sqlx_s_1`, `sqlx_s_2`, …
#[tokio::test(flavor = "multi_thread")]
async fn no_call_runs_a_statement_of_another_process() {
    let Some(server) = server().await else { return };
    let Some(pooler) = PgBouncer::start(&server, "transaction", "") else { return };
    let options: PgConnectOptions = pooler.url().parse().unwrap();
    let mut others = Vec::new();
    for number in 0..4 {
        let mut other = options.clone().extra_float_digits(None).connect().await.unwrap();
        raw_sql("BEGIN").execute(&mut other).await.unwrap();
        for params in ["$1::text", "$1::text, $2::text", "$1::text, $2::text, $3::text"] {
            let sql = format!("SELECT 'other {number}', {params}");
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for _ in params.matches('$') {
                query = query.bind("");
            }
            query.execute(&mut other).await.unwrap();
        }
        others.push(other);
    }
    for other in &mut others {
        raw_sql("COMMIT").execute(other).await.unwrap();
    }
    let processes = (0..8).map(|process| {
        let database = match process % 2 {
            0 => DjangoDatabase::connect_lazy(&pooler.url()).unwrap(),
            _ => DjangoDatabase::from_pool(pool(&pooler)),
        };
        async move {
            for round in 0..3 {
                call_everything(&database, &format!("{process} {round}")).await;
            }
        }
    });
    join_all(processes).await;
}

/// As in a restart or a failover, or by an administrator.
#[tokio::test(flavor = "multi_thread")]
async fn replaces_connections_that_the_server_has_ended() {
    let Some(server) = server().await else { return };
    let pool = PgPoolOptions::new().test_before_acquire(false).connect_lazy(&server.url());
    let databases = [
        DjangoDatabase::connect_lazy(&server.url()).unwrap(),
        DjangoDatabase::from_pool(pool.unwrap()),
    ];
    let mut administrator = PgConnection::connect(&server.url()).await.unwrap();
    for (number, database) in databases.iter().enumerate() {
        let store = DjangoStore::new(DjangoUsers::new(database.clone()));
        for round in 0..5 {
            let jti = format!("{number} {round}");
            let calls = (0..4).map(|_| store.is_blacklisted(&jti));
            join_all(calls).await.into_iter().for_each(|found| assert!(!found.unwrap()));
            let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'";
            raw_sql(end).execute(&mut administrator).await.unwrap();
            assert!(store.blacklist(&token(&jti, "1", 1000), at(1)).await.unwrap());
            assert!(store.is_blacklisted(&jti).await.unwrap());
        }
    }
}
