//! What a restored store makes of tokens that are newer than the backup.

use std::{fs, path::Path, process::Command};

use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection, raw_sql};
use tower_jwt_auth::{
    AuthErrorKind, Issuer, MemoryStore, SigningKey,
    issue::Tokens,
    store::{PostgresStore, SqliteStore, TokenStore},
    token::UserId,
    user::User,
};

use crate::support::{
    folder::Folder,
    login::{MINUTE, Profile, Setup, ada, error_kind, refresh_of},
    postgres, redis,
};

fn bob() -> User<Profile> {
    User::new(2, Profile { username: "bob".to_owned() })
}

fn issuer(setup: &Setup, store: impl TokenStore) -> Issuer<Profile> {
    setup.builder().store(store).build().unwrap()
}

/// Sessions of ada, and one of bob. Each is named after what happens to it after the backup.
struct Sessions {
    unused: Tokens,
    refreshed: Tokens,
    refreshed_twice: Tokens,
    ended: Tokens,
    token_revoked: Tokens,
    user_revoked: Tokens,
}

impl Sessions {
    async fn begin(issuer: &Issuer<Profile>) -> Self {
        let login = async || issuer.login(&ada()).await.unwrap();
        Self {
            unused: login().await,
            refreshed: login().await,
            refreshed_twice: login().await,
            ended: login().await,
            token_revoked: login().await,
            user_revoked: issuer.login(&bob()).await.unwrap(),
        }
    }

    fn all(&self) -> [&Tokens; 6] {
        let Self { unused, refreshed, refreshed_twice, ended, token_revoked, user_revoked } = self;
        [unused, refreshed, refreshed_twice, ended, token_revoked, user_revoked]
    }
}

/// What was issued after the backup.
struct Newer {
    begun: Tokens,
    refreshed: Tokens,
}

async fn use_after_backup(setup: &Setup, issuer: &Issuer<Profile>, before: &Sessions) -> Newer {
    let refresh =
        async |tokens: &Tokens| issuer.refresh(refresh_of(tokens), &setup.users).await.unwrap();
    let newer = Newer {
        begun: issuer.login(&ada()).await.unwrap(),
        refreshed: refresh(&before.refreshed).await,
    };
    refresh(&refresh(&before.refreshed_twice).await).await;
    issuer.logout(refresh_of(&before.ended)).await.unwrap();
    let claims = issuer.verify(before.token_revoked.access()).await.unwrap();
    issuer.revoke_token(&claims).await.unwrap();
    let claims = issuer.verify(refresh_of(&before.token_revoked)).await.unwrap();
    issuer.revoke_token(&claims).await.unwrap();
    issuer.revoke_user(&UserId::from(2)).await.unwrap();
    newer
}

async fn a_restored_store_lacks_what_is_newer(
    setup: &Setup,
    issuer: &Issuer<Profile>,
    before: &Sessions,
    newer: &Newer,
) {
    let refresh = async |tokens: &Tokens| issuer.refresh(refresh_of(tokens), &setup.users).await;
    for tokens in before.all().into_iter().chain([&newer.begun, &newer.refreshed]) {
        assert!(issuer.verify(tokens.access()).await.is_ok());
    }
    assert_eq!(error_kind(refresh(&newer.begun).await), AuthErrorKind::Revoked);
    setup.events.take();
    assert_eq!(error_kind(refresh(&newer.refreshed).await), AuthErrorKind::Reused);
    let reuse = format!("ReuseDetected 1 {}", before.refreshed.session_id());
    assert_eq!(setup.events.take(), [reuse]);
    assert_eq!(error_kind(refresh(&before.refreshed).await), AuthErrorKind::Revoked);
    let Sessions { unused, refreshed_twice, ended, token_revoked, user_revoked, .. } = before;
    for tokens in [unused, refreshed_twice, ended, token_revoked, user_revoked] {
        assert!(refresh(tokens).await.is_ok());
    }
}

async fn no_session_continues(
    setup: &Setup,
    issuer: &Issuer<Profile>,
    before: &Sessions,
    newer: &Newer,
) {
    for tokens in before.all().into_iter().chain([&newer.begun, &newer.refreshed]) {
        let refreshed = issuer.refresh(refresh_of(tokens), &setup.users).await;
        assert_eq!(error_kind(refreshed), AuthErrorKind::Revoked);
        assert_eq!(error_kind(issuer.verify(refresh_of(tokens)).await), AuthErrorKind::Revoked);
    }
    let tokens = issuer.login(&ada()).await.unwrap();
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn sqlite_restored_from_a_backup() {
    let (setup, folder) = (Setup::new(), Folder::new());
    setup.users.put(bob());
    let url = |name: &str| format!("sqlite:{}/{name}.db", folder.path().display());
    let live = issuer(&setup, SqliteStore::connect_lazy(&url("live")).unwrap());
    let before = Sessions::begin(&live).await;
    let execute = async |name: &str, sql: String| {
        let mut connection = SqliteConnection::connect(&url(name)).await.unwrap();
        raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await.unwrap();
    };
    for copy in ["first", "second"] {
        let into = folder.path().join(format!("{copy}.db"));
        execute("live", format!("VACUUM INTO '{}'", into.display())).await;
    }
    let newer = use_after_backup(&setup, &live, &before).await;

    let restored = |name| issuer(&setup, SqliteStore::connect_lazy(&url(name)).unwrap());
    a_restored_store_lacks_what_is_newer(&setup, &restored("first"), &before, &newer).await;
    execute("second", END_ALL.to_owned()).await;
    let ended = restored("second");
    for tokens in before.all() {
        assert_eq!(error_kind(ended.verify(tokens.access()).await), AuthErrorKind::Revoked);
    }
    assert!(ended.verify(newer.begun.access()).await.is_ok());
    no_session_continues(&setup, &ended, &before, &newer).await;
}

/// From the page on backups.
const END_ALL: &str = "UPDATE jwt_sessions SET ended = 1;";

#[tokio::test]
async fn the_page_shows_the_statement_that_ends_all_sessions() {
    assert!(include_str!("../../src/backup.md").contains(END_ALL));
}

#[tokio::test]
async fn a_copy_of_a_sqlite_file_lacks_the_log() {
    let folder = Folder::new();
    let path = |name: &str| folder.path().join(name);
    let store = SqliteStore::connect_lazy(&format!("sqlite:{}", path("live.db").display()));
    let live = issuer(&Setup::new(), store.unwrap());
    live.login(&ada()).await.unwrap();
    fs::copy(path("live.db"), path("copy.db")).unwrap();
    let url = format!("sqlite:{}", path("copy.db").display());
    let mut copy = SqliteConnection::connect(&url).await.unwrap();
    let rows: Result<i64, _> =
        sqlx::query_scalar("SELECT count(*) FROM jwt_sessions").fetch_one(&mut copy).await;
    assert!(rows.is_err() || rows.is_ok_and(|rows| rows == 0));
}

#[tokio::test]
async fn postgres_restored_from_a_dump() {
    let Some(server) = postgres::Server::start() else { return };
    let (setup, folder) = (Setup::new(), Folder::new());
    setup.users.put(bob());
    let url = |name: &str| server.url().replace("/postgres?", &format!("/{name}?"));
    let execute = async |name: &str, sql: &str| {
        let mut connection = PgConnection::connect(&url(name)).await.unwrap();
        raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut connection).await.unwrap();
    };
    for name in ["live", "first", "second"] {
        execute("postgres", &format!("CREATE DATABASE {name}")).await;
    }
    let live = issuer(&setup, PostgresStore::connect_lazy(&url("live")).unwrap());
    let before = Sessions::begin(&live).await;
    let dump = folder.path().join("dump.sql");
    run(Command::new("pg_dump").args(["--dbname", &url("live")]).arg("--file").arg(&dump));
    let newer = use_after_backup(&setup, &live, &before).await;
    for name in ["first", "second"] {
        restore(&dump, &url(name));
    }

    let restored = |name| issuer(&setup, PostgresStore::connect_lazy(&url(name)).unwrap());
    a_restored_store_lacks_what_is_newer(&setup, &restored("first"), &before, &newer).await;
    execute("second", END_ALL).await;
    let ended = restored("second");
    for tokens in before.all() {
        assert_eq!(error_kind(ended.verify(tokens.access()).await), AuthErrorKind::Revoked);
    }
    assert!(ended.verify(newer.begun.access()).await.is_ok());
    no_session_continues(&setup, &ended, &before, &newer).await;
}

#[tokio::test]
async fn redis_restored_from_a_snapshot() {
    if !redis::is_installed() {
        return;
    }
    let setup = Setup::new();
    setup.users.put(bob());
    let mut server = redis::RedisServer::start(&["--appendonly", "no"]);
    let live = issuer(&setup, server.store());
    let before = Sessions::begin(&live).await;
    server.run::<String>("SAVE").await;
    let [_, folder]: [String; 2] =
        server.run::<Vec<String>>("CONFIG GET dir").await.try_into().unwrap();
    let [snapshot, backup] = ["dump.rdb", "backup.rdb"].map(|file| Path::new(&folder).join(file));
    fs::copy(&snapshot, &backup).unwrap();
    let newer = use_after_backup(&setup, &live, &before).await;
    server.kill();
    fs::copy(&backup, &snapshot).unwrap();
    server.restart();
    let restored = issuer(&setup, server.store());
    a_restored_store_lacks_what_is_newer(&setup, &restored, &before, &newer).await;
    let empty = server.store().with_prefix("after-restore:").unwrap();
    no_session_continues(&setup, &issuer(&setup, empty), &before, &newer).await;
}

fn restore(dump: &Path, url: &str) {
    run(Command::new("psql").args(["--quiet", "--dbname", url]).arg("--file").arg(dump));
}

fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[tokio::test]
async fn an_empty_store_rejects_all_refresh_tokens() {
    let setup = Setup::new();
    setup.users.put(bob());
    let live = issuer(&setup, MemoryStore::new());
    let before = Sessions::begin(&live).await;
    let newer = use_after_backup(&setup, &live, &before).await;
    let empty = issuer(&setup, MemoryStore::new());
    let access = || before.all().into_iter().chain([&newer.begun, &newer.refreshed]);
    for tokens in access() {
        assert!(empty.verify(tokens.access()).await.is_ok());
    }
    no_session_continues(&setup, &empty, &before, &newer).await;
    setup.clock.advance(5 * MINUTE);
    for tokens in access() {
        assert_eq!(error_kind(empty.verify(tokens.access()).await), AuthErrorKind::Expired);
    }
}

#[tokio::test]
async fn a_new_signing_key_ends_everything() {
    let setup = Setup::new();
    let live = setup.issuer();
    let tokens = live.login(&ada()).await.unwrap();
    let key = SigningKey::hs256([7, 9].repeat(16)).unwrap();
    let replaced: Issuer<Profile> = Issuer::builder(key)
        .claims()
        .clock(&setup.clock)
        .store(setup.store.clone())
        .build()
        .unwrap();
    for token in [tokens.access(), refresh_of(&tokens)] {
        let kind = error_kind(replaced.verify(token).await);
        assert_eq!(kind, AuthErrorKind::InvalidSignature);
    }
}
