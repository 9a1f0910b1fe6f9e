//! Two copies that share a store act as one.

use std::{
    thread,
    time::{Duration, Instant},
};

use time::{OffsetDateTime, format_description::well_known::Rfc3339};

use crate::support::{
    api::{assert_silent_about, log_in, tokens},
    postgres::PASSWORD,
    server::Server,
};

use super::{
    Store, blacklist, end_session, logout_all, me, on_every_store, refresh, session_id, sessions,
    verify,
};

on_every_store! {
    a_session_works_across_copies
    reuse_at_one_copy_ends_the_session_at_both
    logout_all_ends_the_sessions_at_both_copies
    no_refresh_survives_a_concurrent_logout_all
    both_copies_list_and_end_the_sessions
}

fn a_session_works_across_copies(store: &Store) {
    let [one, other] = store.start_two();
    let (access, first) = tokens(&log_in(&one, "demo"));
    for token in [&access, &first] {
        assert_eq!((verify(&one, token), verify(&other, token)), (200, 200));
    }
    let (next_access, second) = tokens(&refresh(&other, &first));
    assert_eq!((verify(&one, &first), verify(&other, &first)), (401, 401));
    assert_eq!((me(&one, &next_access), me(&other, &access)), (200, 200));
    let (_, third) = tokens(&refresh(&one, &second));

    assert_eq!((blacklist(&other, &third), blacklist(&one, &third)), (200, 200));
    for token in [&access, &next_access, &third] {
        assert_eq!((verify(&one, token), verify(&other, token)), (401, 401));
    }
    assert_eq!(refresh(&one, &third).status, 401);
    for copy in [one, other] {
        assert_silent_about(copy, &[&access, &first, &next_access, &third, PASSWORD]);
    }
}

fn reuse_at_one_copy_ends_the_session_at_both(store: &Store) {
    let [one, other] = store.start_two();
    let (access, first) = tokens(&log_in(&one, "demo"));
    let (other_session, _) = tokens(&log_in(&one, "demo"));
    let (next_access, second) = tokens(&refresh(&other, &first));
    assert_eq!(refresh(&one, &first).status, 401);
    for copy in [&other, &one] {
        within_a_second(|| me(copy, &access) == 401 && me(copy, &next_access) == 401);
        assert_eq!(refresh(copy, &second).status, 401);
        assert_eq!(me(copy, &other_session), 200);
    }
}

fn logout_all_ends_the_sessions_at_both_copies(store: &Store) {
    let [one, other] = store.start_two();
    let logins = [log_in(&one, "demo"), log_in(&other, "demo")].map(|login| tokens(&login));
    let (admin, _) = tokens(&log_in(&one, "admin"));
    logout_all(&one, &logins[0].0);
    // Most likely in the same second.
    let (new, new_refresh) = tokens(&log_in(&other, "demo"));
    for (access, token) in &logins {
        within_a_second(|| me(&other, access) == 401);
        assert_eq!(me(&one, access), 401);
        assert_eq!(
            (refresh(&one, token).status, verify(&other, token)),
            (401.try_into().unwrap(), 401)
        );
    }
    assert_eq!((me(&one, &new), me(&other, &new), me(&other, &admin)), (200, 200, 200));
    tokens(&refresh(&one, &new_refresh));
}

fn no_refresh_survives_a_concurrent_logout_all(store: &Store) {
    let [one, other] = store.start_two();
    for _ in 0..10 {
        let (access, token) = tokens(&log_in(&one, "demo"));
        let reply = thread::scope(|scope| {
            let refreshing = scope.spawn(|| refresh(&other, &token));
            logout_all(&one, &access);
            refreshing.join().unwrap()
        });
        if reply.status == 200 {
            let (next_access, next) = tokens(&reply);
            assert_eq!((me(&one, &next_access), me(&other, &next_access)), (401, 401));
            assert_eq!(refresh(&other, &next).status, 401);
        } else {
            assert_eq!(reply.status, 401);
        }
    }
}

fn both_copies_list_and_end_the_sessions(store: &Store) {
    let [one, other] = store.start_two();
    let (first_access, first) = tokens(&log_in(&one, "demo"));
    let (second_access, second) = tokens(&log_in(&other, "demo"));
    let (admin, _) = tokens(&log_in(&one, "admin"));
    let (id, second_id) = (session_id(&first_access), session_id(&second_access));
    let started = session(&other, &first_access, &id);
    assert_eq!(started["created_at"], started["last_used_at"]);
    assert_eq!(seconds(&started["expires_at"]) - seconds(&started["created_at"]), 86_400);

    // A rotation keeps the id and updates the times.
    thread::sleep(Duration::from_millis(1_100));
    let (access, newest) = tokens(&refresh(&other, &first));
    assert_eq!(session_id(&access), id);
    for copy in [&one, &other] {
        let listed = sessions(copy, &access);
        assert_eq!(listed.len(), 2, "{listed:?}");
        for session in listed {
            let members = ["id", "created_at", "last_used_at", "expires_at", "current"];
            let object = session.as_object().unwrap();
            assert!(object.len() == 5 && members.iter().all(|name| object.contains_key(*name)));
            assert_eq!(session["current"], session["id"] == *id);
        }
        let rotated = session(copy, &access, &id);
        assert_eq!(rotated["created_at"], started["created_at"]);
        assert!(seconds(&rotated["last_used_at"]) > seconds(&started["last_used_at"]));
        assert!(seconds(&rotated["expires_at"]) > seconds(&started["expires_at"]));
        assert_eq!(sessions(copy, &admin).len(), 1);
    }

    for unknown in
        ["unknown", "%ff", "%00", "a%20b", &*"x".repeat(5_000), &second_id.to_uppercase()]
    {
        assert_eq!(end_session(&one, &access, unknown), 404, "{unknown}");
    }
    assert_eq!(end_session(&other, &admin, &id), 404);
    assert_eq!(end_session(&other, &admin, &second_id), 404);
    assert_eq!((me(&one, &access), me(&one, &second_access)), (200, 200));

    assert_eq!(end_session(&one, &access, &second_id), 204);
    assert_eq!(end_session(&other, &access, &second_id), 404);
    for copy in [&other, &one] {
        within_a_second(|| me(copy, &second_access) == 401);
        assert_eq!(refresh(copy, &second).status, 401);
        assert_eq!(sessions(copy, &access).len(), 1);
    }
    // Users can end the current session as well.
    assert_eq!(end_session(&other, &access, &id), 204);
    assert_eq!((me(&one, &access), refresh(&one, &newest).status.as_u16()), (401, 401));
}

fn session(server: &Server, access: &str, id: &str) -> serde_json::Value {
    sessions(server, access).into_iter().find(|session| session["id"] == *id).expect("is listed")
}

/// Parses a time in the format of RFC 3339.
fn seconds(time: &serde_json::Value) -> i64 {
    OffsetDateTime::parse(time.as_str().unwrap(), &Rfc3339).unwrap().unix_timestamp()
}

fn within_a_second(condition: impl Fn() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < Duration::from_secs(1), "not within a second");
    }
}
