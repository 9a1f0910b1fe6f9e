//! Tokens that are over are forgotten.

use std::time::{Duration, Instant};

use tower_jwt_auth::simplejwt::{DjangoStore, DjangoUsers};

use crate::support::session::at;

use super::schema::{Fixture, on_both, token};

on_both! {
    tokens_that_are_over_are_forgotten,
    purging_stops_at_its_limit_and_goes_on_there,
    a_token_is_kept_while_a_copy_may_be_good,
    an_hour_that_is_left_out_in_spring_is_waited_for,
    a_purger_works_by_itself,
    purging_goes_through_large_tables,
}

async fn left(fixture: &Fixture) -> Vec<String> {
    let sql = "SELECT jti FROM token_blacklist_outstandingtoken ORDER BY jti";
    fixture.texts(sql).await.into_iter().flatten().collect()
}

async fn tokens_that_are_over_are_forgotten(fixture: &Fixture) {
    let store = fixture.store();
    for (jti, expires_at) in [("a", 100), ("b", 101), ("c", 200), ("d", 100)] {
        store.outstand(&token(jti, "7", expires_at), at(1)).await.unwrap();
    }
    for jti in ["c", "d"] {
        store.blacklist(&token(jti, "7", 100), at(1)).await.unwrap();
    }
    assert_eq!(store.purge(at(99), 100).await.unwrap(), 0);
    assert_eq!(store.purge(at(100), 100).await.unwrap(), 2);
    assert_eq!(left(fixture).await, ["b", "c"]);
    assert!(store.is_blacklisted("c").await.unwrap());
    assert_eq!(store.purge(at(1000), 100).await.unwrap(), 2);
    let sql = "SELECT CAST(count(*) AS text) FROM token_blacklist_blacklistedtoken";
    assert_eq!(fixture.text(sql).await, "0");
    assert_eq!(store.purge(at(1000), 100).await.unwrap(), 0);
}

async fn purging_stops_at_its_limit_and_goes_on_there(fixture: &Fixture) {
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
    // What is behind the place where it stopped is found in the next round.
    store.outstand(&token("later", "7", 100), at(1)).await.unwrap();
    assert_eq!(store.purge(at(1000), 4).await.unwrap(), 1);
    assert_eq!(left(fixture).await, ["live"]);
}

/// Django writes the `exp` of the first copy, and knows no leeway.
async fn a_token_is_kept_while_a_copy_may_be_good(fixture: &Fixture) {
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

/// Local clocks show the hour from two to three, and as PostgreSQL reads them, that is later than
/// what follows.
async fn an_hour_that_is_left_out_in_spring_is_waited_for(fixture: &Fixture) {
    let database = fixture.database().with_local_times("Europe/Berlin").unwrap();
    let store = DjangoStore::new(DjangoUsers::new(database));
    // The 29th of March 2026.
    let (two, three) = (1_774_749_600, 1_774_753_200);
    store.blacklist(&token("a", "7", three + 600), at(1)).await.unwrap();
    for now in (two..three + 600).step_by(300) {
        assert_eq!(store.purge(at(now), 10).await.unwrap(), 0, "{now}");
    }
    assert_eq!(store.purge(at(three + 7200), 10).await.unwrap(), 1);
}

async fn a_purger_works_by_itself(fixture: &Fixture) {
    let store = fixture.store();
    store.blacklist(&token("a", "7", 100), at(1)).await.unwrap();
    let _purger = store.spawn_purger(Duration::from_secs(3600));
    let began = Instant::now();
    while !left(fixture).await.is_empty() {
        assert!(began.elapsed() < Duration::from_secs(60), "it is still there");
    }
}

async fn purging_goes_through_large_tables(fixture: &Fixture) {
    let (over, good) = match fixture {
        Fixture::Sqlite(_) => ("'1970-01-01 00:00:10'", "'2090-01-01 00:00:00.123456'"),
        Fixture::Postgres(..) => ("to_timestamp(10)", "to_timestamp(4000000000)"),
    };
    fixture
        .execute(&format!(
            "INSERT INTO token_blacklist_outstandingtoken (jti, token, expires_at)
            WITH RECURSIVE numbers(n) AS (
                SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 12000)
            SELECT 'jti ' || n, '', CASE WHEN n % 4 = 0 THEN {over} ELSE {good} END FROM numbers;
            INSERT INTO token_blacklist_blacklistedtoken (token_id, blacklisted_at)
            SELECT id, {over} FROM token_blacklist_outstandingtoken WHERE id % 8 = 0"
        ))
        .await;
    let store = fixture.store();
    assert_eq!(store.purge(at(1000), 100_000).await.unwrap(), 3000);
    assert_eq!(left(fixture).await.len(), 9000);
    assert_eq!(store.purge(at(1000), 100_000).await.unwrap(), 0);
}
