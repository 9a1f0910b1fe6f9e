//! Purging expired tokens.

use std::time::{Duration, Instant};

use tower_jwt_auth::simplejwt::{DjangoStore, DjangoUsers};

use crate::support::session::at;

use super::schema::{Fixture, on_both, token};

on_both! {
    deletes_expired_tokens,
    stops_at_its_limit_and_continues_there,
    keeps_a_token_while_a_copy_may_be_valid,
    waits_for_the_hour_that_clocks_skip_in_spring,
    a_purger_purges_in_the_background,
    purges_large_tables,
}

async fn remaining(fixture: &Fixture) -> Vec<String> {
    let sql = "SELECT jti FROM token_blacklist_outstandingtoken ORDER BY jti";
    fixture.texts(sql).await.into_iter().flatten().collect()
}

async fn deletes_expired_tokens(fixture: &Fixture) {
    let store = fixture.store();
    for (jti, expires_at) in [("a", 100), ("b", 101), ("c", 200), ("d", 100)] {
        store.outstand(&token(jti, "7", expires_at), at(1)).await.unwrap();
    }
    for jti in ["c", "d"] {
        store.blacklist(&token(jti, "7", 100), at(1)).await.unwrap();
    }
    assert_eq!(store.purge(at(99), 100).await.unwrap(), 0);
    assert_eq!(store.purge(at(100), 100).await.unwrap(), 2);
    assert_eq!(remaining(fixture).await, ["b", "c"]);
    assert!(store.is_blacklisted("c").await.unwrap());
    assert_eq!(store.purge(at(1000), 100).await.unwrap(), 2);
    let sql = "SELECT CAST(count(*) AS text) FROM token_blacklist_blacklistedtoken";
    assert_eq!(fixture.text(sql).await, "0");
    assert_eq!(store.purge(at(1000), 100).await.unwrap(), 0);
}

async fn stops_at_its_limit_and_continues_there(fixture: &Fixture) {
    let store = fixture.store();
    for number in 0..10 {
        let jti = format!("{number:02}");
        store.blacklist(&token(&jti, "7", 100), at(1)).await.unwrap();
    }
    store.outstand(&token("live", "7", 10_000), at(1)).await.unwrap();
    let mut purged = Vec::new();
    for limit in [0, 1, 4, 2, 3, 4] {
        purged.push(store.purge(at(1000), limit).await.unwrap());
    }
    assert_eq!(purged, [0, 1, 4, 2, 3, 0]);
    // The next round finds tokens before the place where it stopped.
    store.outstand(&token("later", "7", 100), at(1)).await.unwrap();
    assert_eq!(store.purge(at(1000), 4).await.unwrap(), 1);
    assert_eq!(remaining(fixture).await, ["live"]);
}

/// Django writes the `exp` of the first copy, without the leeway.
async fn keeps_a_token_while_a_copy_may_be_valid(fixture: &Fixture) {
    let django = fixture.store();
    django.blacklist(&token("a", "7", 1000), at(1)).await.unwrap();
    let store = fixture
        .store()
        .with_leeway(Duration::from_secs(60))
        .with_sliding_lifetime(Duration::from_secs(500));
    assert_eq!(store.purge(at(1559), 10).await.unwrap(), 0);
    assert!(store.is_blacklisted("a").await.unwrap());
    assert_eq!(store.purge(at(1560), 10).await.unwrap(), 1);
}

/// PostgreSQL reads local times between two and three as one hour later.
async fn waits_for_the_hour_that_clocks_skip_in_spring(fixture: &Fixture) {
    let database = fixture.database().with_local_times("Europe/Berlin").unwrap();
    let store = DjangoStore::new(DjangoUsers::new(database));
    // On 29 March 2026.
    let (two, three) = (1_774_749_600, 1_774_753_200);
    store.blacklist(&token("a", "7", three + 600), at(1)).await.unwrap();
    for now in (two..three + 600).step_by(300) {
        assert_eq!(store.purge(at(now), 10).await.unwrap(), 0, "{now}");
    }
    assert_eq!(store.purge(at(three + 7200), 10).await.unwrap(), 1);
}

async fn a_purger_purges_in_the_background(fixture: &Fixture) {
    let store = fixture.store();
    store.blacklist(&token("a", "7", 100), at(1)).await.unwrap();
    let _purger = store.spawn_purger(Duration::from_secs(3600));
    let began = Instant::now();
    while !remaining(fixture).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "the token is still there");
    }
}

async fn purges_large_tables(fixture: &Fixture) {
    let (expired, live) = match fixture {
        Fixture::Sqlite(_) => ("'1970-01-01 00:00:10'", "'2090-01-01 00:00:00.123456'"),
        Fixture::Postgres(..) => ("to_timestamp(10)", "to_timestamp(4000000000)"),
    };
    fixture
        .execute(&format!(
            "INSERT INTO token_blacklist_outstandingtoken (jti, token, expires_at)
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000)
            SELECT 'jti ' || n, '', CASE WHEN n % 4 = 0 THEN {expired} ELSE {live} END FROM numbers;
            INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at)
            SELECT id, {expired} FROM token_blacklist_outstandingtoken WHERE id % 8 = 0"
        ))
        .await;
    let store = fixture.store();
    assert_eq!(store.purge(at(1000), 100_000).await.unwrap(), 3000);
    assert_eq!(remaining(fixture).await.len(), 9000);
    assert_eq!(store.purge(at(1000), 100_000).await.unwrap(), 0);
}
