//! A database like that of Django's `migrate`, and services on it.

use axum::{Router, body::Body, routing::get};
use http::{
    Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, Row, SqliteConnection};
use tower_jwt_auth::{
    ManualClock,
    password::django::{DjangoHasher, Format},
    simplejwt::{
        DjangoDatabase, DjangoUser, DjangoUsers, Settings, SimpleJwt, SimpleJwtBuilder, TokenUser,
    },
};

use crate::support::{
    folder::Folder,
    keys,
    mint::{Minter, NOW, clock},
    reply::{self, Reply},
};

pub(super) const PASSWORD: &str = "engine 42";

pub(super) const REFRESH: &str = "/api/token/refresh/";
pub(super) const VERIFY: &str = "/api/token/verify/";
pub(super) const BLACKLIST: &str = "/api/token/blacklist/";
pub(super) const SLIDING: &str = "/api/token/sliding/";
pub(super) const SLIDE: &str = "/api/token/sliding/refresh/";
pub(super) const HELLO: &str = "/api/hello/";
pub(super) const STATELESS: &str = "/api/stateless/";

const USER_TABLE: &str = r#"
CREATE TABLE "auth_user" (
    "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT, "password" varchar(128) NOT NULL,
    "last_login" datetime NULL, "is_superuser" bool NOT NULL,
    "username" varchar(150) NOT NULL UNIQUE, "last_name" varchar(150) NOT NULL,
    "email" varchar(254) NOT NULL, "is_staff" bool NOT NULL, "is_active" bool NOT NULL,
    "date_joined" datetime NOT NULL, "first_name" varchar(150) NOT NULL);"#;

pub(super) const BLACKLIST_TABLES: &str = r#"
CREATE TABLE "token_blacklist_outstandingtoken" (
    "token" text NOT NULL, "created_at" datetime NULL, "expires_at" datetime NOT NULL,
    "user_id" integer NULL REFERENCES "auth_user" ("id") DEFERRABLE INITIALLY DEFERRED,
    "jti" varchar(255) NOT NULL UNIQUE, "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT);
CREATE TABLE "token_blacklist_blacklistedtoken" (
    "blacklisted_at" datetime NOT NULL, "id" integer NOT NULL PRIMARY KEY AUTOINCREMENT,
    "token_id" bigint NOT NULL UNIQUE REFERENCES "token_blacklist_outstandingtoken" ("id")
        DEFERRABLE INITIALLY DEFERRED);"#;

/// A Django project's database. User 1 is ada, and user 2 is bob, who is inactive.
pub(super) struct Site {
    folder: Folder,
    pub(super) clock: ManualClock,
    hasher: DjangoHasher,
    has_blacklist_app: bool,
}

impl Site {
    /// A project without the blacklist app.
    pub(super) async fn new() -> Self {
        let cheap = Format::Pbkdf2Sha256 { iterations: 1_000 };
        let hasher = DjangoHasher::builder().formats([cheap]).build().unwrap();
        let folder = Folder::new();
        let site = Self { folder, clock: clock(), hasher, has_blacklist_app: false };
        site.run(USER_TABLE).await;
        let hash = site.hasher.hash(PASSWORD).await.unwrap();
        for (username, is_active) in [("ada", 1), ("bob", 0)] {
            site.run(&format!(
                "INSERT INTO auth_user (password, is_superuser, username, last_name, email,
                    is_staff, is_active, date_joined, first_name)
                VALUES ('{hash}', 0, '{username}', '', '', 0, {is_active}, '2023-01-01', '')"
            ))
            .await;
        }
        site
    }

    pub(super) async fn with_blacklist_app() -> Self {
        let site = Self { has_blacklist_app: true, ..Self::new().await };
        site.run(BLACKLIST_TABLES).await;
        site
    }

    async fn connection(&self) -> SqliteConnection {
        let path = self.folder.path().join("db.sqlite3");
        let options = sqlx::sqlite::SqliteConnectOptions::new();
        let options = options.filename(path).create_if_missing(true);
        SqliteConnection::connect_with(&options).await.unwrap()
    }

    pub(super) fn url(&self) -> String {
        format!("sqlite://{}", self.folder.path().join("db.sqlite3").display())
    }

    /// Runs SQL statements.
    pub(super) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(sql.to_owned());
        sqlx::raw_sql(sql).execute(&mut self.connection().await).await.unwrap();
    }

    /// The first column of the first row, as a string.
    pub(super) async fn query(&self, sql: &str) -> Option<String> {
        let sql = AssertSqlSafe(sql.to_owned());
        let row = sqlx::query(sql).fetch_one(&mut self.connection().await).await.unwrap();
        row.try_get::<Option<String>, _>(0).unwrap()
    }

    /// Blacklists all recorded tokens.
    pub(super) async fn blacklist_all(&self) {
        self.run(
            "INSERT INTO token_blacklist_blacklistedtoken (blacklisted_at, token_id)
            SELECT created_at, id FROM token_blacklist_outstandingtoken",
        )
        .await;
    }

    pub(super) fn users(&self) -> DjangoUsers {
        let database = DjangoDatabase::connect_lazy(&self.url()).unwrap();
        DjangoUsers::new(database).with_hasher(self.hasher.clone())
    }

    pub(super) async fn user(&self, id: &str) -> DjangoUser {
        self.users().find(id).await.unwrap().unwrap()
    }

    pub(super) fn builder(&self, settings: &Value) -> SimpleJwtBuilder {
        self.builder_with_hasher(settings, self.hasher.clone())
    }

    pub(super) fn builder_with_hasher(
        &self,
        settings: &Value,
        hasher: DjangoHasher,
    ) -> SimpleJwtBuilder {
        let settings: Settings = serde_json::from_value(settings.clone()).unwrap();
        SimpleJwt::builder(settings)
            .secret_key(str::from_utf8(keys::SECRET).unwrap())
            .users(self.users().with_hasher(hasher))
            .blacklist_app(self.has_blacklist_app)
            .clock(&self.clock)
    }

    /// The routes of the example.
    pub(super) fn app(&self, settings: &Value) -> Router {
        app(&self.builder(settings).build().unwrap())
    }
}

/// The settings of rotation with blacklist.
pub(super) fn rotating() -> Value {
    json!({ "ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true })
}

pub(super) fn app(jwt: &SimpleJwt) -> Router {
    let hello = get(async |user: DjangoUser| user.username().to_owned());
    let stateless = get(async |user: TokenUser| user.id().to_owned());
    Router::new()
        .route(HELLO, hello.layer(jwt.layer().unwrap()))
        .route(STATELESS, stateless.layer(jwt.stateless_layer()))
        .merge(jwt.views().unwrap().router("/api/token").unwrap())
}

/// Sends a request and checks what holds for every response.
pub(super) async fn send(app: &Router, request: Request<Body>) -> Reply {
    let path = request.uri().path().to_owned();
    let reply = reply::send(app, request).await;
    let status = reply.status.as_u16();
    assert!(status < 500 || status == 503, "{reply:?}");
    assert_eq!(reply.header("www-authenticate").len(), usize::from(status == 401), "{reply:?}");
    assert_eq!(reply.header("retry-after").len(), usize::from(status == 503), "{reply:?}");
    if path.starts_with("/api/token") {
        assert_eq!(reply.header("content-type"), ["application/json"], "{reply:?}");
        assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
        assert_eq!(reply.header("allow"), ["POST, OPTIONS"], "{reply:?}");
        assert_eq!(reply.header("vary"), ["Accept"], "{reply:?}");
    }
    reply
}

/// A `POST` of `body` as `content_type`.
pub(super) async fn post_as(
    app: &Router,
    path: &str,
    content_type: &str,
    body: impl Into<Body>,
) -> Reply {
    let request = Request::post(path).header(CONTENT_TYPE, content_type).body(body.into());
    send(app, request.unwrap()).await
}

pub(super) async fn post(app: &Router, path: &str, body: &Value) -> Reply {
    post_as(app, path, "application/json", body.to_string()).await
}

/// Sends a request with these lines of `Authorization`.
pub(super) async fn get_with(app: &Router, path: &str, lines: &[&[u8]]) -> Reply {
    let mut request = Request::get(path);
    for line in lines {
        request = request.header(AUTHORIZATION, *line);
    }
    send(app, request.body(Body::empty()).unwrap()).await
}

pub(super) async fn get_bearer(app: &Router, path: &str, token: &str) -> Reply {
    get_with(app, path, &[format!("Bearer {token}").as_bytes()]).await
}

pub(super) async fn log_in(app: &Router) -> Reply {
    let reply = post(app, "/api/token/", &json!({"username": "ada", "password": PASSWORD})).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    reply
}

/// The member `name` of a response.
pub(super) fn member(reply: &Reply, name: &str) -> String {
    reply.json()[name].as_str().unwrap_or_else(|| panic!("{name} in {reply:?}")).to_owned()
}

/// A token of `token_type` that is valid for five minutes, with some members changed. Each change is
/// a name and the JSON of its value, or an empty string to remove the member.
pub(super) fn token(token_type: &str, changes: &[(&str, &str)]) -> String {
    let valid = [
        ("token_type", format!("{token_type:?}")),
        ("exp", (NOW + 300).to_string()),
        ("iat", NOW.to_string()),
        ("jti", r#""0123456789abcdef0123456789abcdef""#.to_owned()),
        ("user_id", r#""1""#.to_owned()),
    ];
    let changed = |name: &str| changes.iter().any(|(other, _)| *other == name);
    let members: Vec<_> = valid
        .iter()
        .map(|(name, value)| (*name, &**value))
        .filter(|(name, _)| !changed(name))
        .chain(changes.iter().copied())
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!(r#""{name}":{value}"#))
        .collect();
    Minter::hs256().token(format!("{{{}}}", members.join(",")))
}

/// The payload of a token.
pub(super) fn payload(token: &str) -> String {
    use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
    let payload = token.split('.').nth(1).unwrap();
    String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(payload).unwrap()).unwrap()
}
