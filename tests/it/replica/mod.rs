//! Replicas: revocation checks from memory.

mod answers;
mod bounds;
mod feed;
mod postgres;
mod redis;
mod server;

use std::time::Duration;

use tower_jwt_auth::{
    NumericDate,
    store::{Revocation, RevocationReplica, TokenRef, TokenStore, replica::RevocationFeed},
    token::UserId,
};

use crate::support::feed::FedStore;

/// The suite runs with a replica in front; that of a store which forgets by itself, since what was
/// purged early, by a clock in the future, is held by the replica until its time has come.
mod conformance {
    use super::*;

    async fn replica() -> RevocationReplica<FedStore> {
        let replica = RevocationReplica::new(FedStore::new());
        replica.until_fresh().await;
        replica
    }

    tower_jwt_auth::token_store_conformance!(replica().await, forgets_by_itself);
}

/// When everything happens unless it says otherwise: far from any expiry by the system's clock.
const NOW: NumericDate = NumericDate::from_secs(4_102_444_800);
const KEEP_UNTIL: NumericDate = NumericDate::from_secs(4_102_531_200);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn fresh(store: &FedStore) -> RevocationReplica<FedStore> {
    let replica = RevocationReplica::new(store.clone());
    replica.until_fresh().await;
    replica
}

/// An access token `jti` of session `s-<jti>` of `ada`, issued at [`NOW`].
fn token(jti: &str) -> (String, String) {
    (jti.to_owned(), format!("s-{jti}"))
}

fn ask<S: RevocationFeed>(replica: &RevocationReplica<S>, jti: &str) -> Option<bool> {
    let (jti, session) = token(jti);
    let token = TokenRef::new("ada", NOW).with_jti(Some(&jti)).with_session(Some(&session));
    replica.is_revoked_now(&token)
}

async fn revoke_token<S: TokenStore>(store: &S, jti: &str) {
    let user_id = &UserId::from("ada");
    let revocation = Revocation::Token { jti, user_id, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

async fn revoke_session<S: TokenStore>(store: &S, session_id: &str) {
    let user_id = &UserId::from("ada");
    let revocation = Revocation::Session { session_id, user_id, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

async fn revoke_user<S: TokenStore>(store: &S, except: Option<&str>) {
    let user_id = &UserId::from("ada");
    let revocation = Revocation::User { user_id, except, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

/// Lets the replica's task run, without any time passing.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
