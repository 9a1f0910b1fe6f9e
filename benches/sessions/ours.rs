//! This crate: tokens in cookies, with each way to check for a logout.

use std::{env, error::Error, process::Command};

use axum::{Json, Router, routing::get};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::{net::TcpListener, runtime::Runtime};
use tower_jwt_auth::{
    Claims, Issuer, JwtAuthLayer, SigningKey,
    password::{MemoryUsers, PasswordHasher},
    routes::SessionRoutes,
    store::{RedisStore, TokenStore, replica::RevocationReplica},
    transport::SessionCookies,
    user::User,
};

use crate::{
    process::Process,
    redis::RedisServer,
    subject::{Credential, PATH, Store, Subject},
};

/// The variable with which this program serves.
pub(crate) const CHECK: &str = "CHECK";
const STORE_URL: &str = "STORE_URL";
const NONE: &str = "none";
const REPLICA: &str = "replica";
const STORE: &str = "store";

#[derive(Clone, Serialize, Deserialize)]
struct Profile {
    username: String,
}

pub(crate) fn subjects(redis: &RedisServer) -> Result<Vec<Subject>, Box<dyn Error>> {
    let kinds = [
        ("tower-jwt-auth, no check for logouts", NONE),
        ("tower-jwt-auth, replica", REPLICA),
        ("tower-jwt-auth, Redis on each request", STORE),
    ];
    let subject = |(name, check)| -> Result<Subject, Box<dyn Error>> {
        let url = redis.url();
        let start = || Process::start_this(&[(CHECK, check), (STORE_URL, &url)]);
        Ok(Subject {
            name,
            processes: [start()?, start()?],
            login_path: "/api/session/",
            logout: "DELETE /api/session/",
            credential: Credential::Cookies,
            store: Box::new(CountedRedis::new(redis)),
            sees_logouts: check != NONE,
        })
    };
    kinds.into_iter().map(subject).collect()
}

pub(crate) fn serve(check: &str) -> Result<(), Box<dyn Error>> {
    let store = RedisStore::connect_lazy(&env::var(STORE_URL)?)?;
    Runtime::new()?.block_on(async {
        match check {
            REPLICA => run(RevocationReplica::new(store), true).await,
            _ => run(store, check == STORE).await,
        }
    })
}

async fn run(store: impl TokenStore, is_checked: bool) -> Result<(), Box<dyn Error>> {
    let issuer = Issuer::builder(SigningKey::hs256("a secret of the benchmark, with 32 bytes")?)
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .store(store)
        .build()?;
    let users = MemoryUsers::new(PasswordHasher::new());
    let ada = User::new(1, Profile { username: "ada".to_owned() });
    users.insert("ada", "analytical-engine", ada).await?;
    let cookies = SessionCookies::builder().insecure_http(true).build()?;
    let routes = SessionRoutes::builder(issuer.clone(), users, &cookies).at("/api/session");
    let layer = match is_checked {
        true => issuer.layer(),
        false => JwtAuthLayer::new(issuer.verifier()),
    };
    let app = Router::new()
        .route(PATH, get(me))
        .route_layer(layer.with_cookies(&cookies))
        .merge(routes.build()?.into_router());
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("listening on http://{}", listener.local_addr()?);
    axum::serve(listener, app).await?;
    Ok(())
}

async fn me(claims: Claims<Profile>) -> Json<Value> {
    Json(json!({ "username": claims.username }))
}

/// Redis counts the commands itself.
pub(crate) struct CountedRedis {
    port: u16,
    process_id: u32,
}

impl CountedRedis {
    pub(crate) fn new(redis: &RedisServer) -> Self {
        Self { port: redis.port(), process_id: redis.process_id() }
    }
}

impl Store for CountedRedis {
    fn process_id(&self) -> Option<u32> {
        Some(self.process_id)
    }

    fn calls(&self, _: &Process) -> Result<u64, Box<dyn Error>> {
        let mut command = Command::new("redis-cli");
        let output = command.args(["-p", &self.port.to_string(), "info", "stats"]).output()?;
        let report = String::from_utf8(output.stdout)?;
        let count = report.lines().find_map(|line| line.strip_prefix("total_commands_processed:"));
        Ok(count.ok_or("no count")?.trim().parse()?)
    }
}
