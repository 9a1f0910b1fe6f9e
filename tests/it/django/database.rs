//! The database of both sides, its initial users and its rows.

use std::{
    collections::HashMap,
    fs,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use serde::Deserialize;
use serde_json::{Value, json};
use sqlx::{
    AssertSqlSafe, ConnectOptions, Connection, PgConnection, SqliteConnection, query_scalar,
    raw_sql, sqlite::SqliteConnectOptions,
};
use tokio::runtime::Runtime;

use crate::support::{folder::Folder, postgres, session::new_id};

use super::project::{FEW_ITERATIONS, Settings};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Engine {
    Sqlite,
    Postgres,
}

/// The database of one test.
pub(crate) struct Database {
    /// The URL for the example.
    pub(crate) url: String,
    /// The settings for Django.
    pub(crate) settings: Value,
    runtime: Runtime,
    reader: Mutex<Reader>,
    /// The rows as read last, with the state of the database at that time.
    known: Mutex<(String, Arc<Rows>)>,
    has_blacklist: bool,
    _folder: Option<Folder>,
}

enum Reader {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

/// The rows that both sides change.
#[derive(Clone, Debug, Default, Deserialize)]
pub(crate) struct Rows {
    pub(crate) outstanding: Vec<Outstanding>,
    pub(crate) blacklisted: Vec<Blacklisted>,
    pub(crate) users: Vec<User>,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Outstanding {
    pub(crate) id: i64,
    pub(crate) jti: String,
    pub(crate) user_id: Option<i64>,
    pub(crate) token: String,
    pub(crate) created_at: Time,
    pub(crate) expires_at: Time,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Blacklisted {
    pub(crate) jti: String,
    pub(crate) blacklisted_at: Time,
}

#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct User {
    pub(crate) id: i64,
    pub(crate) username: String,
    pub(crate) password: String,
    pub(crate) is_active: Value,
    pub(crate) last_login: Option<Time>,
}

/// A time as it is stored, and in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(crate) struct Time(pub(crate) String, pub(crate) i64);

impl Database {
    /// A database with the users of [`STANDARD_USERS`]. `None` if its server is not installed.
    pub(crate) fn new(engine: Engine, has_blacklist: bool) -> Option<Self> {
        static TEMPLATES: Mutex<Option<HashMap<(Engine, bool), Template>>> = Mutex::new(None);
        if engine == Engine::Postgres {
            postgres::shared()?;
        }
        let mut templates = TEMPLATES.lock().unwrap_or_else(PoisonError::into_inner);
        let templates = templates.get_or_insert_default();
        let template = templates
            .entry((engine, has_blacklist))
            .or_insert_with(|| Template::new(engine, has_blacklist));
        Some(template.copy(has_blacklist))
    }

    /// An empty database, without a table.
    pub(crate) fn empty(engine: Engine) -> Option<Self> {
        if engine == Engine::Postgres {
            postgres::shared()?;
        }
        Some(match engine {
            Engine::Sqlite => Self::sqlite(Folder::new(), true),
            Engine::Postgres => {
                let name = new_name();
                create(&name, "template0");
                Self::postgres(&name, true)
            }
        })
    }

    fn sqlite(folder: Folder, has_blacklist: bool) -> Self {
        let path = folder.path().join("db.sqlite3");
        let runtime = runtime();
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let reader = Reader::Sqlite(runtime.block_on(options.connect()).unwrap());
        let path = path.display().to_string();
        Self {
            url: format!("sqlite://{path}"),
            settings: json!({
                "ENGINE": "django.db.backends.sqlite3",
                "NAME": path,
                "OPTIONS": {"timeout": 60},
            }),
            runtime,
            reader: Mutex::new(reader),
            known: Mutex::default(),
            has_blacklist,
            _folder: Some(folder),
        }
    }

    fn postgres(name: &str, has_blacklist: bool) -> Self {
        let server = postgres::shared().expect("checked before");
        let url = server.url().replace("/postgres?", &format!("/{name}?"));
        let runtime = runtime();
        let reader = Reader::Postgres(runtime.block_on(PgConnection::connect(&url)).unwrap());
        Self {
            settings: json!({
                "ENGINE": "django.db.backends.postgresql",
                "NAME": name,
                "USER": "postgres",
                "PASSWORD": postgres::PASSWORD,
                "HOST": server.socket().parent().unwrap(),
                "CONN_MAX_AGE": 600,
            }),
            url,
            runtime,
            reader: Mutex::new(reader),
            known: Mutex::default(),
            has_blacklist,
            _folder: None,
        }
    }

    /// The current rows. The same `Arc` if nothing was written since the last call.
    pub(crate) fn rows(&self) -> Arc<Rows> {
        let mut known = unpoisoned(&self.known);
        let state = self.read(STATE);
        if known.0 != state {
            *known = (state, Arc::new(self.read_rows()));
        }
        Arc::clone(&known.1)
    }

    fn read_rows(&self) -> Rows {
        fn parse<T: for<'de> Deserialize<'de>>(json: &str) -> T {
            serde_json::from_str(json).unwrap()
        }
        let mut rows = Rows { users: parse(&self.read(USERS)), ..Rows::default() };
        if self.has_blacklist {
            rows.outstanding = parse(&self.read(OUTSTANDING));
            rows.blacklisted = parse(&self.read(BLACKLISTED));
        }
        rows
    }

    fn read(&self, [in_sqlite, in_postgres]: [&'static str; 2]) -> String {
        let text = match &mut *unpoisoned(&self.reader) {
            Reader::Sqlite(connection) => {
                self.runtime.block_on(query_scalar(in_sqlite).fetch_one(connection))
            }
            Reader::Postgres(connection) => {
                self.runtime.block_on(query_scalar(in_postgres).fetch_one(connection))
            }
        };
        text.unwrap()
    }

    /// Reconnects after PostgreSQL has closed the connection.
    pub(crate) fn reconnect(&self) {
        let reader = self.runtime.block_on(PgConnection::connect(&self.url)).unwrap();
        *unpoisoned(&self.reader) = Reader::Postgres(reader);
    }
}

fn unpoisoned<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A value that changes with every write of another connection.
const STATE: [&str; 2] = [
    "SELECT CAST(data_version AS text) FROM pragma_data_version",
    "SELECT CAST(pg_snapshot_xmax(pg_current_snapshot()) AS text)",
];

const USERS: [&str; 2] = [
    "SELECT json_group_array(json_object('id', id, 'username', username, 'password', password,
         'is_active', is_active, 'last_login', iif(last_login IS NULL, NULL,
         json_array(last_login, CAST(strftime('%s', last_login) AS INTEGER)))))
     FROM (SELECT * FROM auth_user ORDER BY id)",
    "SELECT coalesce(json_agg(json_build_object('id', id, 'username', username, 'password', password,
         'is_active', is_active, 'last_login', CASE WHEN last_login IS NULL THEN NULL ELSE
         json_build_array(last_login, floor(extract(epoch FROM last_login))) END) ORDER BY id), '[]')::text
     FROM auth_user",
];

const OUTSTANDING: [&str; 2] = [
    "SELECT json_group_array(json_object('id', id, 'jti', jti, 'user_id', user_id, 'token', token,
         'created_at', json_array(created_at, CAST(strftime('%s', created_at) AS INTEGER)),
         'expires_at', json_array(expires_at, CAST(strftime('%s', expires_at) AS INTEGER))))
     FROM (SELECT * FROM token_blacklist_outstandingtoken ORDER BY id)",
    "SELECT coalesce(json_agg(json_build_object('id', id, 'jti', jti, 'user_id', user_id,
         'token', token,
         'created_at', json_build_array(created_at, floor(extract(epoch FROM created_at))),
         'expires_at', json_build_array(expires_at, floor(extract(epoch FROM expires_at)))) ORDER BY id), '[]')::text
     FROM token_blacklist_outstandingtoken",
];

const BLACKLISTED: [&str; 2] = [
    "SELECT json_group_array(json_object('jti', jti, 'blacklisted_at',
         json_array(blacklisted_at, CAST(strftime('%s', blacklisted_at) AS INTEGER))))
     FROM (SELECT jti, blacklisted_at FROM token_blacklist_blacklistedtoken
         JOIN token_blacklist_outstandingtoken o ON o.id = token_id ORDER BY o.id)",
    "SELECT coalesce(json_agg(json_build_object('jti', jti, 'blacklisted_at',
         json_build_array(blacklisted_at, floor(extract(epoch FROM blacklisted_at)))) ORDER BY o.id), '[]')::text
     FROM token_blacklist_blacklistedtoken
         JOIN token_blacklist_outstandingtoken o ON o.id = token_id",
];

/// A database that is copied for each test.
enum Template {
    Sqlite(Vec<u8>),
    Postgres(String),
}

impl Template {
    fn new(engine: Engine, blacklist_app: bool) -> Self {
        let database = Database::empty(engine).expect("checked before");
        let simple_jwt = json!({});
        let settings = database.settings.clone();
        let name = settings["NAME"].as_str().unwrap().to_owned();
        let password_iterations = FEW_ITERATIONS;
        let users = serde_json::from_str(STANDARD_USERS).unwrap();
        Settings {
            simple_jwt,
            blacklist_app,
            database: settings,
            password_iterations,
            local_zone: None,
        }
        .seed(&users);
        match engine {
            Engine::Sqlite => Self::Sqlite(fs::read(name).unwrap()),
            Engine::Postgres => Self::Postgres(name),
        }
    }

    fn copy(&self, has_blacklist: bool) -> Database {
        match self {
            Self::Sqlite(bytes) => {
                let folder = Folder::new();
                fs::write(folder.path().join("db.sqlite3"), bytes).unwrap();
                Database::sqlite(folder, has_blacklist)
            }
            Self::Postgres(template) => {
                let name = new_name();
                create(&name, template);
                Database::postgres(&name, has_blacklist)
            }
        }
    }
}

fn new_name() -> String {
    format!("django_{}", new_id().replace('-', "_"))
}

fn create(name: &str, template: &str) {
    let server = postgres::shared().expect("checked before");
    runtime().block_on(async {
        let mut connection = PgConnection::connect(&server.url()).await.unwrap();
        let statement = AssertSqlSafe(format!("CREATE DATABASE {name} TEMPLATE {template}"));
        raw_sql(statement).execute(&mut connection).await.unwrap();
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

macro_rules! long_name {
    () => {
        "名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名\
         名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名名"
    };
}
/// 86 characters, as Django allows, but 258 bytes.
pub(super) const LONG_NAME: &str = long_name!();

/// Most passwords are the user name and `-password`.
pub(crate) const STANDARD_USERS: &str = concat!(
    r#"[
    {"username": "alice", "password": "alice-password"},
    {"username": "bob", "password": "bob-password"},
    {"username": "inactive", "password": "inactive-password", "is_active": false},
    {"username": "admin", "password": "admin-password", "is_staff": true, "is_superuser": true},
    {"username": "unusable", "password": null},
    {"username": "zoë ☃", "password": " zoë ☃-password "},
    {"username": "changes", "password": "changes-password"},
    {"username": "leaves", "password": "leaves-password"},
    {"username": "is barred", "password": "is barred-password"},
    {"username": "empty", "stored": ""},
    {"username": "md5", "password": "md5-password", "algorithm": "md5"},
    {"username": "garbage", "stored": "no hash at all"},
    {"username": ""#,
    long_name!(),
    r#"", "password": "long-password"}
]"#
);
