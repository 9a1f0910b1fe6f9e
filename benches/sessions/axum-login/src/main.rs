//! A login, a protected route and a logout with axum-login. `STORE_URL` names Redis or a file of
//! SQLite.

use std::{
    collections::HashMap,
    env,
    error::Error,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use argon2::{Argon2, PasswordHash, PasswordHasher, PasswordVerifier, password_hash::SaltString};
use async_trait::async_trait;
use axum::{
    Json, Router,
    http::StatusCode,
    routing::{get, post},
};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId, login_required};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_sessions::{
    SessionManagerLayer, SessionStore,
    session::{Id, Record},
    session_store,
};
use tower_sessions_redis_store::{RedisStore, fred::prelude::*};
use tower_sessions_sqlx_store::{
    SqliteStore,
    sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqliteSynchronous},
};

static CALLS: AtomicU64 = AtomicU64::new(0);

#[derive(Clone, Debug)]
struct User {
    id: i64,
    username: String,
    password_hash: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password_hash.as_bytes()
    }
}

#[derive(Clone)]
struct Backend(Arc<HashMap<i64, User>>);

#[derive(Clone, Deserialize)]
struct Credentials {
    username: String,
    password: String,
}

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = Credentials;
    type Error = std::convert::Infallible;

    async fn authenticate(&self, credentials: Credentials) -> Result<Option<User>, Self::Error> {
        let user = self.0.values().find(|user| user.username == credentials.username).cloned();
        let Some(user) = user else { return Ok(None) };
        let hash = user.password_hash.clone();
        let is_right = spawn_blocking(move || {
            let hash = PasswordHash::new(&hash).expect("a hash of this program");
            Argon2::default().verify_password(credentials.password.as_bytes(), &hash).is_ok()
        });
        Ok(is_right.await.is_ok_and(|is_right| is_right).then_some(user))
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, Self::Error> {
        Ok(self.0.get(id).cloned())
    }
}

type AuthSession = axum_login::AuthSession<Backend>;

/// Counts the calls of a store.
#[derive(Clone, Debug)]
struct Counted<S>(S);

#[async_trait]
impl<S: SessionStore> SessionStore for Counted<S> {
    async fn create(&self, record: &mut Record) -> session_store::Result<()> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.create(record).await
    }

    async fn save(&self, record: &Record) -> session_store::Result<()> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.save(record).await
    }

    async fn load(&self, id: &Id) -> session_store::Result<Option<Record>> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.load(id).await
    }

    async fn delete(&self, id: &Id) -> session_store::Result<()> {
        CALLS.fetch_add(1, Ordering::Relaxed);
        self.0.delete(id).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = env::var("STORE_URL")?;
    if let Some(file) = url.strip_prefix("sqlite:") {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Normal);
        let store = SqliteStore::new(SqlitePool::connect_with(options).await?);
        store.migrate().await?;
        run(store).await
    } else {
        let pool = Pool::new(Config::from_url(&url)?, None, None, None, 4)?;
        pool.init().await?;
        run(RedisStore::new(pool)).await
    }
}

async fn run(store: impl SessionStore + Clone) -> Result<(), Box<dyn Error>> {
    let salt = SaltString::from_b64("c2FsdHNhbHRzYWx0").map_err(|error| error.to_string())?;
    let hash = Argon2::default().hash_password(b"analytical-engine", &salt);
    let password_hash = hash.map_err(|error| error.to_string())?.to_string();
    let ada = User { id: 1, username: "ada".to_owned(), password_hash };
    let backend = Backend(Arc::new(HashMap::from([(1, ada)])));

    let sessions = SessionManagerLayer::new(Counted(store)).with_secure(false);
    let auth = AuthManagerLayerBuilder::new(backend, sessions).build();
    let app = Router::new()
        .route("/api/me", get(me))
        .route_layer(login_required!(Backend))
        .route("/login", post(log_in))
        .route("/logout", post(log_out))
        .layer(auth)
        .route("/calls", get(async || CALLS.load(Ordering::Relaxed).to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn me(auth: AuthSession) -> Json<Value> {
    Json(json!({ "username": auth.user.map(|user| user.username) }))
}

async fn log_in(mut auth: AuthSession, Json(credentials): Json<Credentials>) -> StatusCode {
    let Ok(Some(user)) = auth.authenticate(credentials).await else {
        return StatusCode::UNAUTHORIZED;
    };
    match auth.login(&user).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn log_out(mut auth: AuthSession) -> StatusCode {
    match auth.logout().await {
        Ok(_) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
