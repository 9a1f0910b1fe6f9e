//! Tests of the SQLite store.

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader},
    path::Path,
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use sqlx::{
    AssertSqlSafe, Connection, Row, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions,
};
use tokio::time::timeout;
use tower_jwt_auth::{
    error::ConfigErrorKind,
    store::{Revocation, Spent, SqliteStore, TokenRef, TokenStore},
    token::UserId,
};

use crate::{
    sql_store::{Database, call_everything, sql_store_rules},
    support::{
        folder::Folder,
        session::{KEPT, at, begin, end, is_spent, new_id, spend},
    },
};

/// How long a layer waits for its store.
const DEADLINE: Duration = Duration::from_secs(2);

mod conformance {
    use std::sync::LazyLock;

    use tower_jwt_auth::store::SqliteStore;

    use crate::support::{folder::Folder, retrying::RetryingStore};

    static FOLDER: LazyLock<Folder> = LazyLock::new(Folder::of_the_process);

    /// Retries calls, since all tests write to one file and every write waits for the disk.
    fn connect() -> RetryingStore<SqliteStore> {
        let file = FOLDER.path().join("conformance.db");
        RetryingStore(SqliteStore::connect_lazy(&format!("sqlite:{}", file.display())).unwrap())
    }

    tower_jwt_auth::token_store_conformance!(connect());
}

mod rules {
    super::sql_store_rules!(super::File::new());
}

/// A database file for one test.
struct File(Folder);

impl File {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn url(&self) -> String {
        format!("sqlite:{}", self.path().display())
    }

    fn path(&self) -> std::path::PathBuf {
        self.0.path().join("test.db")
    }

    async fn open(&self) -> SqliteConnection {
        let options = SqliteConnectOptions::new().filename(self.path()).create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }
}

impl Database for File {
    type Store = SqliteStore;

    fn connect(&self) -> SqliteStore {
        SqliteStore::connect_lazy(&self.url()).unwrap()
    }

    async fn execute(&self, sql: &str) {
        raw_sql(AssertSqlSafe(sql)).execute(&mut self.open().await).await.unwrap();
    }

    async fn plans(&self, store: &SqliteStore) -> Vec<String> {
        call_everything(store).await;
        let mut connection = self.open().await;
        let mut lines = Vec::new();
        for statement in store.statements() {
            let explain = AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            for row in sqlx::query(explain).fetch_all(&mut connection).await.unwrap() {
                lines.push(row.get("detail"));
            }
        }
        lines
    }
}

/// Acquires the write lock of the file.
async fn locked(file: &File) -> SqliteConnection {
    let mut connection = file.open().await;
    raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
    connection
}

#[tokio::test(flavor = "multi_thread")]
async fn accepts_every_common_form_of_url() {
    let folder = Folder::new();
    let path = folder.path().display();
    let here = env::current_dir().unwrap();
    let up = here.iter().skip(1).map(|_| "..").collect::<Vec<_>>().join("/");
    for (number, url) in [
        format!("sqlite:{path}/0.db"),
        format!("sqlite://{path}/1.db"),
        format!("sqlite:{up}{path}/2.db"),
        format!("sqlite://{up}{path}/3.db"),
        format!("sqlite:{path}/4.db?mode=rwc"),
        format!("sqlite:{path}/%35.db"),
        format!("sqlite:{path}/6%3F%20%C3%A9.db"),
        format!("sqlite:///{path}/7.db"),
    ]
    .iter()
    .enumerate()
    {
        let store = SqliteStore::connect_lazy(url).unwrap();
        begin(&store, "ada", "first").await.unwrap();
        let name = if number == 6 { "6? é".to_owned() } else { number.to_string() };
        assert!(folder.path().join(format!("{name}.db")).exists(), "{url}");
        assert!(Path::new(&format!("{path}/{name}.db-wal")).exists(), "{url}");
    }
}

#[tokio::test]
async fn rejects_invalid_urls() {
    for url in [
        "",
        "sqlite",
        "sqlite:",
        "sqlite://",
        "/tmp/a.db",
        "postgres://localhost/a",
        "sqlite:?mode=rwc",
        "sqlite:a.db?mode=ro",
        "sqlite:a.db?cache=shared",
        "sqlite:a.db?immutable=1",
        "sqlite:a.db?mode=rwc&vfs=x",
        "sqlite:%ff.db",
    ] {
        let error = SqliteStore::connect_lazy(url).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange, "{url}");
    }
    for url in
        ["sqlite::memory:", "sqlite://:memory:", "sqlite:a?mode=memory", "sqlite://?mode=memory"]
    {
        let error = SqliteStore::connect_lazy(url).unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::Ineffective, "{url}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn does_not_create_files_in_mode_rw() {
    let file = File::new();
    let store = SqliteStore::connect_lazy(&format!("{}?mode=rw", file.url())).unwrap();
    assert!(begin(&store, "ada", "first").await.is_err());
    assert!(!file.path().exists());
    drop(file.open().await);
    begin(&store, "ada", "first").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn recovers_once_the_folder_exists() {
    let folder = Folder::new();
    let later = folder.path().join("later");
    let store = SqliteStore::connect_lazy(&format!("sqlite:{}/a.db", later.display())).unwrap();
    let error = begin(&store, "ada", "first").await.unwrap_err();
    let shown = format!("{error} {error:?} {:?}", error.source());
    assert!(!shown.contains("later"), "{shown}");
    fs::create_dir(later).unwrap();
    begin(&store, "ada", "first").await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_fail_within_the_deadline_while_the_file_is_locked() {
    let file = File::new();
    let store = file.connect();
    begin(&store, "ada", "first").await.unwrap();
    let lock = locked(&file).await;
    assert!(
        !is_spent(&store, "ada", "first").await.unwrap(),
        "reads fail while another connection writes"
    );
    let user_id = &UserId::from("ada");
    let calls = (0..8).map(|number| {
        let (store, began) = (store.clone(), Instant::now());
        tokio::spawn(async move {
            let id = number.to_string();
            let result = timeout(DEADLINE, begin(&store, &id, "first")).await;
            (result.expect("the call exceeds the deadline").is_err(), began.elapsed())
        })
    });
    for call in calls.collect::<Vec<_>>() {
        let (failed, took) = call.await.unwrap();
        assert!(failed && took < DEADLINE, "{took:?}");
    }
    let revocation = Revocation::User { user_id, except: None, keep_until: at(KEPT) };
    assert!(store.revoke(&revocation, at(1)).await.is_err());
    assert!(spend(&store, "ada", "first", "second").await.is_err());
    assert!(end(&store, "ada").await.is_err());
    assert!(store.ping().await.is_err());
    assert!(
        is_spent(&store, "ada", "first").await.is_err(),
        "reads succeed after writes have failed"
    );

    drop(lock);
    let began = Instant::now();
    assert!(!is_spent(&store, "ada", "first").await.unwrap());
    assert_eq!(spend(&store, "ada", "first", "second").await.unwrap(), Spent::First);
    store.ping().await.unwrap();
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread")]
async fn recovers_if_the_file_is_locked_at_first() {
    let file = File::new();
    let lock = locked(&file).await;
    let store = file.connect();
    let result = timeout(DEADLINE, begin(&store, "ada", "first")).await;
    assert!(result.expect("the call exceeds the deadline").is_err());
    drop(lock);
    begin(&store, "ada", "first").await.unwrap();
}

const KILLED: &str = "sqlite_store::a_killed_process_loses_no_finished_rotation";

/// Rotates a session forever and prints each new refresh token after its rotation.
async fn rotate_forever(url: &str, mut newest: String) {
    let store = SqliteStore::connect_lazy(url).unwrap();
    loop {
        let successor = new_id();
        assert_eq!(spend(&store, "ada", &newest, &successor).await.unwrap(), Spent::First);
        newest = successor;
        println!("\nspent {newest}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_process_loses_no_finished_rotation() {
    // The child processes run this test too, and return here.
    if let (Ok(url), Ok(newest)) = (env::var("ROTATE_FOREVER"), env::var("ROTATE_FROM")) {
        return rotate_forever(&url, newest).await;
    }
    let file = File::new();
    let store = file.connect();
    begin(&store, "ada", "first").await.unwrap();
    let mut newest = String::from("first");
    for round in 0..20 {
        let mut process = Command::new(env::current_exe().unwrap())
            .args(["--exact", KILLED, "--nocapture"])
            .env("ROTATE_FOREVER", file.url())
            .env("ROTATE_FROM", &newest)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut finished = Vec::new();
        for line in BufReader::new(process.stdout.take().unwrap()).lines() {
            if let Some(jti) = line.unwrap().strip_prefix("spent ") {
                finished.push(jti.to_owned());
            }
            if finished.len() == 5 + round {
                process.kill().unwrap();
            }
        }
        process.wait().unwrap();
        assert!(finished.len() >= 5 + round);
        let earlier = finished.pop().unwrap();
        for spent in &finished {
            assert!(is_spent(&store, "ada", spent).await.unwrap(), "a spent token is valid again");
        }
        assert!(is_spent(&store, "ada", &newest).await.unwrap(), "a spent token is valid again");
        // The process may have spent one more token before it was killed.
        if is_spent(&store, "ada", &earlier).await.unwrap() {
            end(&store, "ada").await.unwrap();
            file.execute("DELETE FROM jwt_sessions").await;
            begin(&store, "ada", "first").await.unwrap();
            newest = String::from("first");
        } else {
            newest = earlier;
        }
    }
}

async fn catalog(file: &File) -> Vec<String> {
    let sql = "SELECT sql FROM sqlite_master WHERE sql IS NOT NULL
        UNION ALL SELECT version FROM jwt_migrations";
    let rows = sqlx::query(sql).fetch_all(&mut file.open().await).await.unwrap();
    rows.iter().map(|row| row.get_unchecked(0)).collect()
}

#[tokio::test]
async fn uses_tables_made_from_the_schema() {
    let (migrated, file) = (File::new(), File::new());
    migrated.connect().migrate().await.unwrap();
    file.execute(&format!("BEGIN; {} COMMIT;", file.connect().schema())).await;
    let tables = catalog(&file).await;
    assert!(tables.len() > 8, "{tables:#?}");
    assert_eq!(tables, catalog(&migrated).await);
    for automatic in [true, false] {
        let store = file.connect().with_automatic_migration(automatic);
        call_everything(&store).await;
        store.migrate().await.unwrap();
    }
    assert_eq!(catalog(&file).await, tables);
}

#[tokio::test]
async fn tables_of_each_version_are_upgraded() {
    let scripts: Vec<_> = File::new().connect().migrations().collect();
    for version in 1..=scripts.len() {
        let file = File::new();
        file.execute(&scripts[..version].concat()).await;
        file.execute("INSERT INTO jwt_tokens VALUES ('ada', 'old', 1000000)").await;
        let store = file.connect();
        let token = TokenRef::new("ada", at(0)).with_jti(Some("old"));
        assert!(store.is_revoked(&token).await.unwrap());
        call_everything(&store).await;
    }
}
