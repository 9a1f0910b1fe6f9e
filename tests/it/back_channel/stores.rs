//! Logouts in stores that several machines share.

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, JwtAuthLayer, NumericDate,
    routes::BackChannelLogoutRoutes,
    store::{
        PostgresStore, RedisStore, SqliteStore, TokenStore,
        replica::{RevocationFeed, RevocationReplica},
    },
};

use super::{ISSUER, Service, access_verifier};
use crate::support::{
    api::now,
    app::{bearer, send_once},
    folder::Folder,
    postgres, redis,
    session::new_id,
};

const REVOKED: Result<(), AuthErrorKind> = Err(AuthErrorKind::Revoked);

fn postgres_store() -> Option<impl Fn() -> PostgresStore> {
    let server = postgres::shared()?;
    let prefix = format!("logout_{}_", new_id().replace('-', "_"));
    Some(move || {
        let store = PostgresStore::connect_lazy(&server.url()).unwrap();
        store.with_table_prefix(&prefix).unwrap()
    })
}

fn redis_store() -> Option<impl Fn() -> RedisStore> {
    let server = redis::shared()?;
    let prefix = new_id();
    Some(move || server.store().with_prefix(&prefix).unwrap())
}

/// Claims at the present time, which stores may measure themselves.
fn present(mut claims: Value) -> Value {
    claims["iat"] = now().into();
    claims["exp"] = (now() + 300).into();
    claims
}

/// Logs out at one machine. `other` is the store as another machine sees it.
async fn assert_logged_out_everywhere<S: TokenStore + Clone>(store: S, other: impl TokenStore) {
    let service = Service::new(store);
    service.clock.set(NumericDate::from_secs(now()));
    let layer = JwtAuthLayer::new(access_verifier(&service.key, ISSUER, &service.clock));
    let layer = layer.with_revocation_check(other);
    let elsewhere = async |changes: &Value| {
        let token = service.key.token_with(ISSUER, changes);
        send_once(&layer, bearer(&token)).await.outcome().map(drop)
    };
    let in_session = present(json!({ "sid": "s1", "jti": "a1" }));
    let in_another = present(json!({ "sid": "s2", "jti": "a2" }));
    assert_eq!(elsewhere(&in_session).await, Ok(()));

    let logout = present(json!({ "sub": null }));
    let reply = service.log_out(&logout).await;
    assert_eq!(reply.status, 200, "{reply:?}");
    assert_eq!(service.outcome(&in_session).await, REVOKED);
    eventually(REVOKED, async || elsewhere(&in_session).await).await;
    assert_eq!(service.outcome(&in_another).await, Ok(()));
    assert_eq!(elsewhere(&in_another).await, Ok(()));
    assert_eq!(service.log_out(&logout).await.status, 400);

    let logout = present(json!({ "sid": null, "jti": "logout-2" }));
    assert_eq!(service.log_out(&logout).await.status, 200);
    assert_eq!(service.outcome(&in_another).await, REVOKED);
    eventually(REVOKED, async || elsewhere(&in_another).await).await;
}

async fn eventually(
    expected: Result<(), AuthErrorKind>,
    outcome: impl AsyncFn() -> Result<(), AuthErrorKind>,
) {
    let start = Instant::now();
    while outcome().await != expected {
        assert!(start.elapsed() < Duration::from_secs(20), "it becomes {expected:?}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

async fn replica_of<S: RevocationFeed>(store: S) -> RevocationReplica<S> {
    let replica = RevocationReplica::new(store);
    let fresh = tokio::time::timeout(Duration::from_secs(20), replica.until_fresh()).await;
    fresh.expect("the replica becomes fresh");
    replica
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_counts_on_all_machines_with_sqlite() {
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.path().join("store.db").display());
    let connect = || SqliteStore::connect_lazy(&url).unwrap();
    assert_logged_out_everywhere(connect(), connect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_counts_on_all_machines_with_postgres() {
    let Some(connect) = postgres_store() else { return };
    assert_logged_out_everywhere(connect(), connect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_counts_on_all_machines_with_redis() {
    let Some(connect) = redis_store() else { return };
    assert_logged_out_everywhere(connect(), connect()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_reaches_replicas_of_postgres() {
    let Some(connect) = postgres_store() else { return };
    let replica = replica_of(connect()).await;
    assert_logged_out_everywhere(replica_of(connect()).await, replica).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_reaches_replicas_of_redis() {
    let Some(connect) = redis_store() else { return };
    let replica = replica_of(connect()).await;
    assert_logged_out_everywhere(replica_of(connect()).await, replica).await;
}

/// A logout token is accepted by one of two machines.
#[tokio::test(flavor = "multi_thread")]
async fn a_token_is_used_once_on_all_machines() {
    let Some(connect) = redis_store() else { return };
    let service = Service::new(connect());
    service.clock.set(NumericDate::from_secs(now()));
    let verifier = super::logout_verifier(&service.key, ISSUER, &service.clock);
    let other = BackChannelLogoutRoutes::builder(verifier, connect()).clock(&service.clock);
    let machines = [service.app.clone(), other.build().unwrap().into_router()];
    let token = service.logout_token(&present(json!({})));
    let posts = (0..20).map(|number| super::post(&machines[number % 2], &token));
    let accepted = futures::future::join_all(posts).await;
    assert_eq!(accepted.iter().filter(|reply| reply.status == 200).count(), 1);
}
