//! The example `server` as one process, and as several that share a store.

mod clients;
mod contract;
mod crash;
mod issuing;
mod outage;
mod pair;
mod process;
mod race;
mod sharing;
mod store_url;

use std::time::Duration;

use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};

use crate::support::{
    api::{checked, get, post},
    folder::Folder,
    login::{SECRET, payload},
    postgres,
    redis::{self, RedisServer},
    reply::Reply,
    server::Server,
    session::new_id,
};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

/// Starts the example with `variables` and those that it requires.
fn start(variables: &[(&str, &str)]) -> Server {
    let required = [("PORT", "0"), ("JWT_SECRET", SECRET)];
    Server::start("server", &[&required, variables].concat())
}

/// The store that the copies of one test share. No other test uses it.
pub(crate) struct Store {
    pub(crate) url: String,
    _guard: Guard,
}

/// Deletes or stops what the store needs when dropped.
enum Guard {
    Nothing,
    Folder { _folder: Folder },
    Redis { _server: RedisServer },
}

impl Store {
    pub(crate) fn sqlite() -> Option<Self> {
        let folder = Folder::new();
        let url = format!("sqlite:{}/sessions.db", folder.path().display());
        Some(Self { url, _guard: Guard::Folder { _folder: folder } })
    }

    /// `None` if PostgreSQL is not installed.
    pub(crate) fn postgres() -> Option<Self> {
        let server = postgres::shared()?;
        let schema = format!("schema_{}", new_id().replace('-', "_"));
        block_on(async {
            let mut connection = PgConnection::connect(&server.url()).await.unwrap();
            let statement = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
            raw_sql(statement).execute(&mut connection).await.unwrap();
        });
        let url = format!("{}&options[search_path]={schema}", server.url());
        Some(Self { url, _guard: Guard::Nothing })
    }

    /// `None` if Redis is not installed.
    fn redis() -> Option<Self> {
        let server = redis::is_installed().then(|| RedisServer::start(&[]))?;
        Some(Self { url: server.url(), _guard: Guard::Redis { _server: server } })
    }

    fn start(&self, variables: &[(&str, &str)]) -> Server {
        start(&[&[("STORE_URL", &*self.url), ("REUSE_GRACE", "0")], variables].concat())
    }

    /// Two copies that check the store on every request.
    fn start_two(&self) -> [Server; 2] {
        [(); 2].map(|()| self.start(&[("CHECK_REVOKED", "1")]))
    }
}

pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(future)
}

/// Turns each function with a [`Store`] parameter into one test per store.
macro_rules! on_every_store {
    ($($rule:ident)*) => {
        $crate::server::on_every_store!(on_sqlite sqlite: $($rule)*);
        $crate::server::on_every_store!(on_postgres postgres: $($rule)*);
        $crate::server::on_every_store!(on_redis redis: $($rule)*);
    };
    ($module:ident $store:ident: $($rule:ident)*) => {
        mod $module {
            $(
                #[test]
                fn $rule() {
                    if let Some(store) = $crate::server::Store::$store() {
                        super::$rule(&store);
                    }
                }
            )*
        }
    };
}
use on_every_store;

fn refresh(server: &Server, token: &str) -> Reply {
    post(server, "/api/token/refresh/", &json!({"refresh": token}))
}

fn verify(server: &Server, token: &str) -> u16 {
    post(server, "/api/token/verify/", &json!({"token": token})).status.as_u16()
}

fn blacklist(server: &Server, token: &str) -> u16 {
    post(server, "/api/token/blacklist/", &json!({"refresh": token})).status.as_u16()
}

/// The status of `/api/me` with an access token.
fn me(server: &Server, access: &str) -> u16 {
    get(server, "/api/me", access).status.as_u16()
}

/// A request without a body.
fn call(server: &Server, line: &str, access: &str) -> Reply {
    let headers = format!("authorization: Bearer {access}\r\n");
    checked(server.send(line, &headers, b""))
}

fn logout_all(server: &Server, access: &str) {
    let reply = call(server, "POST /api/logout-all", access);
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, "{}"));
}

fn sessions(server: &Server, access: &str) -> Vec<Value> {
    let reply = get(server, "/api/sessions", access);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json().as_array().expect("a list").clone()
}

fn end_session(server: &Server, access: &str, id: &str) -> u16 {
    call(server, &format!("DELETE /api/sessions/{id}"), access).status.as_u16()
}

fn session_id(token: &str) -> String {
    payload(token)["sid"].as_str().unwrap().to_owned()
}

fn jti(token: &str) -> String {
    payload(token)["jti"].as_str().unwrap().to_owned()
}
