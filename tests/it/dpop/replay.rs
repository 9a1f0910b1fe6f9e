//! Each proof is used once.

use std::time::Duration;

use axum::Router;
use futures::future::join_all;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, ManualClock, MemoryStore,
    possession::Dpop,
    store::{PostgresStore, SqliteStore, TokenStore},
};

use crate::support::{
    folder::Folder,
    keys,
    mint::{NOW, clock},
    postgres, redis,
};

use super::{
    app, assert_accepted, assert_invalid_proof,
    client::{Client, PUBLIC_URL, token},
    dpop, send_proof,
};

const RACERS: usize = 100;

fn app_at(store: impl TokenStore, clock: &ManualClock) -> Router {
    app(Dpop::builder(PUBLIC_URL).store(store).clock(clock))
}

/// Sends one proof 100 times at once to services that share a store. Exactly one request passes.
async fn race(apps: &[Router]) {
    let client = Client::es256();
    let token = client.token();
    // The servers keep their entries between runs of the test.
    let id = format!("{:?} {}", std::time::SystemTime::now(), std::process::id());
    let proof = client.proof("/notes", &token).claim("jti", &*id).sign();
    let requests = (0..RACERS).map(|index| {
        let (app, token, proof) = (apps[index % apps.len()].clone(), token.clone(), proof.clone());
        tokio::spawn(async move { send_proof(&app, &token, &proof).await })
    });
    let replies: Vec<_> = join_all(requests).await.into_iter().map(Result::unwrap).collect();
    let (accepted, rejected): (Vec<_>, Vec<_>) =
        replies.iter().partition(|reply| reply.status == 200);
    assert_eq!(accepted.len(), 1);
    for reply in rejected {
        assert_invalid_proof(reply, "jti");
    }
    // Clients choose ids, so that of another client may be equal.
    let other = Client::with_key(Algorithm::EdDSA, keys::ED25519);
    let token = other.token();
    let proof = other.proof("/notes", &token).claim("jti", id).sign();
    assert_accepted(&send_proof(&apps[0], &token, &proof).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_100_uses_of_a_proof_wins_in_memory() {
    race(&[app(dpop())]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_100_uses_of_a_proof_wins_in_sqlite() {
    let folder = Folder::new();
    let url = format!("sqlite:{}", folder.path().join("proofs.db").display());
    let app = || {
        let store = SqliteStore::connect_lazy(&url).unwrap();
        let dpop = Dpop::builder(PUBLIC_URL).store(store).clock(clock());
        app(dpop.store_deadline(Duration::from_secs(60)))
    };
    race(&[app(), app()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_100_uses_of_a_proof_wins_in_postgres() {
    let Some(server) = postgres::shared() else { return };
    let app = || {
        let store = PostgresStore::connect_lazy(&server.url()).unwrap();
        let dpop = Dpop::builder(PUBLIC_URL).store(store).clock(clock());
        app(dpop.store_deadline(Duration::from_secs(60)))
    };
    race(&[app(), app()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_100_uses_of_a_proof_wins_in_redis() {
    let Some(server) = redis::shared() else { return };
    let app = || {
        let dpop = Dpop::builder(PUBLIC_URL).store(server.store()).clock(clock());
        app(dpop.store_deadline(Duration::from_secs(60)))
    };
    race(&[app(), app()]).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_100_uses_of_a_proof_wins_in_a_redis_cluster() {
    let Some(cluster) = redis::shared_cluster() else { return };
    let app = || {
        let dpop = Dpop::builder(PUBLIC_URL).store(cluster.store()).clock(clock());
        app(dpop.store_deadline(Duration::from_secs(60)))
    };
    race(&[app(), app()]).await;
}

#[tokio::test]
async fn a_proof_works_once() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    assert_accepted(&send_proof(&app, &token, &proof).await);
    assert_invalid_proof(&send_proof(&app, &token, &proof).await, "jti");
}

#[tokio::test]
async fn an_id_works_once_in_any_proof_of_a_key() {
    let (app, client) = (app(dpop()), Client::es256());
    let token = client.token();
    let with_id = |issued_at: u64| {
        client.proof("/notes", &token).claim("jti", "id").claim("iat", issued_at).sign()
    };
    assert_accepted(&send_proof(&app, &token, &with_id(NOW)).await);
    assert_invalid_proof(&send_proof(&app, &token, &with_id(NOW - 1)).await, "jti");

    let other = Client::with_key(Algorithm::EdDSA, keys::ED25519);
    let token = other.token();
    let proof = other.proof("/notes", &token).claim("jti", "id").sign();
    assert_accepted(&send_proof(&app, &token, &proof).await);
}

/// A proof from the future is accepted the longest.
#[tokio::test]
async fn a_proof_is_remembered_while_it_is_accepted() {
    let (clock, store, client) = (clock(), MemoryStore::new(), Client::es256());
    let app = app_at(store.clone(), &clock);
    let bound = client.token();
    let proof = client.proof("/notes", &bound).claim("iat", NOW + 5).sign();
    assert_accepted(&send_proof(&app, &bound, &proof).await);
    for _ in 0..65 {
        clock.advance(Duration::from_secs(1));
        let filling = client.proof("/notes", &bound).claim("iat", clock.now().as_secs()).sign();
        assert_accepted(&send_proof(&app, &bound, &filling).await);
        assert_invalid_proof(&send_proof(&app, &bound, &proof).await, "jti");
    }
    clock.advance(Duration::from_secs(1));
    assert_invalid_proof(&send_proof(&app, &bound, &proof).await, "iat");
}

#[tokio::test]
async fn used_proofs_are_forgotten() {
    let (clock, store, client) = (clock(), MemoryStore::new(), Client::es256());
    let app = app_at(store.clone(), &clock);
    let bound = client.token();
    for _ in 0..200 {
        let issued_at = clock.now().as_secs();
        let proof = client.proof("/notes", &bound).claim("iat", issued_at).sign();
        assert_accepted(&send_proof(&app, &bound, &proof).await);
        clock.advance(Duration::from_secs(1));
    }
    assert!(store.len() < 80, "{}", store.len());
}

#[tokio::test]
async fn rejected_requests_use_no_proof() {
    let (app, client) = (app(dpop()), Client::es256());
    let bound = client.token();
    let proof = client.proof("/notes", &bound);
    let signed = proof.sign();
    let unbound = token("");
    assert_eq!(send_proof(&app, &unbound, &signed).await.status, 401);
    assert_invalid_proof(&send_proof(&app, &bound, &format!("{signed}A")).await, "DPoP");
    assert_accepted(&send_proof(&app, &bound, &signed).await);
}

#[tokio::test]
async fn replay_can_be_allowed() {
    let app = app(Dpop::builder(PUBLIC_URL).insecure_allow_replay().clock(clock()));
    let client = Client::es256();
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    for _ in 0..3 {
        assert_accepted(&send_proof(&app, &token, &proof).await);
    }
}

#[tokio::test]
async fn nobody_gets_in_while_the_store_is_down() {
    let Some(_) = redis::shared() else { return };
    let mut server = redis::RedisServer::start(&[]);
    let app = app_at(server.store(), &clock());
    let client = Client::es256();
    let token = client.token();
    let proof = client.proof("/notes", &token).sign();
    server.kill();
    let reply = send_proof(&app, &token, &proof).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (503, &"unavailable".into()));
    assert_eq!(reply.error.unwrap().kind(), AuthErrorKind::Unavailable);
    let bearer = super::get("/notes", &format!("Bearer {}", super::client::token("")), []);
    assert_accepted(&crate::support::reply::send(&app, bearer).await);
}
