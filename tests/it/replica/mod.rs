//! Replicas: revocation checks from memory.

mod decisions;
pub(crate) mod feed_rules;
mod freshness;
mod model;
mod postgres;
mod redis;
mod settings;
mod time;

use std::time::Duration;

use tower_jwt_auth::{
    ManualClock, NumericDate,
    store::{
        NewSession, Revocation, TokenRef, TokenStore,
        replica::{RevocationFeed, RevocationReplica},
    },
    token::UserId,
};

use crate::support::feed::TestFeed;

/// The conformance suite passes with a replica in front of a store. The rules about purging are left
/// out: what a store purged by a clock that was ahead, the replica keeps until it expires.
mod conformance {
    use super::*;

    async fn replica() -> RevocationReplica<TestFeed> {
        let replica = RevocationReplica::new(TestFeed::new());
        replica.until_fresh().await;
        replica
    }

    tower_jwt_auth::token_store_conformance!(replica().await, forgets_by_itself);
}

/// The current time unless a test sets another: nothing here expires by the system's clock.
const NOW: NumericDate = NumericDate::from_secs(4_102_444_800);
const KEEP_UNTIL: NumericDate = NumericDate::from_secs(4_102_531_200);

/// In this time every shard is swept, and whatever was lost is loaded again.
const SWEEP: Duration = Duration::from_secs(65);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

async fn fresh(store: &TestFeed) -> RevocationReplica<TestFeed> {
    let replica = RevocationReplica::new(store.clone());
    replica.until_fresh().await;
    replica
}

async fn fresh_at(store: &TestFeed, clock: &ManualClock) -> RevocationReplica<TestFeed> {
    let replica = RevocationReplica::builder(store.clone()).clock(clock).build().unwrap();
    replica.until_fresh().await;
    replica
}

/// What the replica decides about an access token `jti` of the session `s-<jti>` of `ada`.
fn check<S: RevocationFeed>(replica: &RevocationReplica<S>, jti: &str) -> Option<bool> {
    let session = format!("s-{jti}");
    let token = TokenRef::new("ada", NOW).with_jti(Some(jti)).with_session(Some(&session));
    replica.is_revoked_now(&token)
}

async fn revoke_token<S: TokenStore>(store: &S, jti: &str) {
    let user_id = &UserId::from("ada");
    let revocation = Revocation::Token { jti, user_id, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

/// Ends a session of `ada`, which begins if it is unknown.
async fn revoke_session<S: TokenStore>(store: &S, session_id: &str) {
    let user_id = &UserId::from("ada");
    let session = NewSession::new(session_id, user_id, "r", NOW);
    store.begin(&session.with_expiry(KEEP_UNTIL, KEEP_UNTIL)).await.unwrap();
    let revocation = Revocation::Session { session_id, user_id, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

async fn revoke_user<S: TokenStore>(store: &S, except: Option<&str>) {
    let user_id = &UserId::from("ada");
    let revocation = Revocation::User { user_id, except, keep_until: KEEP_UNTIL };
    store.revoke(&revocation, NOW).await.unwrap();
}

/// Lets the replica's task run without letting time pass.
async fn settle() {
    for _ in 0..16 {
        tokio::task::yield_now().await;
    }
}
