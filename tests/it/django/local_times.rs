//! A project without `USE_TZ`: SimpleJWT writes UTC, and Django reads local time.

use std::time::Duration;

use tokio::runtime::Runtime;
use tower_jwt_auth::{
    NumericDate,
    simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers},
};

use super::{
    configuration::{self, Configuration},
    database::{Engine, Rows, Time},
    deviations::{self, PROCESS_ZONE},
    endpoints::Endpoint,
    minting::now,
    pair::{Pair, Side, log_in},
};

/// The tolerance for equal times, in seconds.
const TOLERANCE: u64 = 60;
/// Nine hours east of UTC: rows from Django would expire too early if they were read as UTC.
const EAST: &str = "Asia/Tokyo";
/// Hours west of UTC: our rows would expire too early for Django if they were written as UTC.
const WEST: &str = "America/New_York";

#[test]
fn on_sqlite() {
    compare(Engine::Sqlite, EAST);
}

#[test]
fn on_postgres_in_the_east() {
    compare(Engine::Postgres, EAST);
}

#[test]
fn on_postgres_in_the_west() {
    compare(Engine::Postgres, WEST);
}

#[test]
fn on_sqlite_in_a_process_elsewhere() {
    const NINE_HOURS: i64 = 9 * 60 * 60;
    let configuration = Configuration { process_zone: "UTC", ..configuration::local_times(EAST) };
    let Some(pair) = Pair::start(Engine::Sqlite, configuration) else { return };
    deviations::assert_is_documented(PROCESS_ZONE);
    let [of_django, of_ours] = Side::BOTH.map(|side| write(&pair, side));
    assert_eq!(of_django.len(), of_ours.len());
    for ((what, django), (_, ours)) in of_django.iter().zip(&of_ours) {
        let is_local = ["blacklisted_at", "last_login"].contains(&&**what);
        let behind = if is_local { NINE_HOURS } else { 0 };
        let apart = (django.1 - ours.1).abs_diff(behind);
        assert!(apart < TOLERANCE, "{what}: {django:?}, ours {ours:?}");
    }
}

fn compare(engine: Engine, zone: &'static str) {
    let Some(pair) = Pair::start(engine, configuration::local_times(zone)) else { return };
    let written = Side::BOTH.map(|side| write(&pair, side));
    let [of_django, of_ours] = &written;
    assert_eq!(of_django.len(), of_ours.len());
    for ((what, django), (_, ours)) in of_django.iter().zip(of_ours) {
        assert!(django.1.abs_diff(ours.1) < TOLERANCE, "{what}: {django:?}, ours {ours:?}");
    }

    // Neither a flush nor a purge deletes them.
    let rows = pair.rows().outstanding.len();
    pair.django.administer("flush_expired_tokens", &serde_json::json!({}));
    assert_eq!(pair.rows().outstanding.len(), rows);
    Runtime::new().unwrap().block_on(async {
        let database = DjangoDatabase::connect_lazy(&pair.database.url).unwrap();
        let database = database.with_local_times(zone).unwrap();
        let store = DjangoStore::new(DjangoUsers::new(database));
        let now = NumericDate::from_secs(now().cast_unsigned());
        assert_eq!(store.purge(now, 100).await.unwrap(), 0);
        let day = Duration::from_secs(24 * 60 * 60);
        // One hour more, because clocks may skip one.
        let expired_by = now.saturating_add(day + Duration::from_secs(3600 + 2 * TOLERANCE));
        assert_eq!(store.purge(expired_by, 100).await.unwrap(), rows);
    });
}

/// The times that a login, a refresh and a logout write, each with its name.
fn write(pair: &Pair, side: Side) -> Vec<(String, Time)> {
    let before = pair.rows();
    let token = |reply: crate::support::reply::Reply| {
        assert_eq!(reply.status, 200, "{reply:?}");
        reply.json()["refresh"].as_str().unwrap().to_owned()
    };
    let first = token(pair.send(side, &log_in("/api/token/", "alice")));
    let second = token(pair.send(side, &Endpoint::Refresh.request(pair, &first)));
    assert_eq!(pair.send(side, &Endpoint::Blacklist.request(pair, &second)).status, 200);
    new_times(&before, &pair.rows())
}

fn new_times(before: &Rows, after: &Rows) -> Vec<(String, Time)> {
    let mut times = Vec::new();
    let mut add = |what: &str, time: &Time| times.push((what.to_owned(), time.clone()));
    for row in after.outstanding.iter().filter(|row| !before.outstanding.contains(row)) {
        add("created_at", &row.created_at);
        add("expires_at", &row.expires_at);
    }
    for row in after.blacklisted.iter().filter(|row| !before.blacklisted.contains(row)) {
        add("blacklisted_at", &row.blacklisted_at);
    }
    let alice = after.users.iter().find(|user| user.username == "alice").unwrap();
    add("last_login", alice.last_login.as_ref().unwrap());
    times
}
