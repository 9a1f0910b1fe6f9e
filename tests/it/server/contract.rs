//! Routes, statuses and settings of one process.

use std::{fs, path::Path};

use serde_json::json;

use crate::support::{
    api::{assert_silent_about, checked, get, log_in, now, signed, tokens},
    login::{SECRET, payload},
};

use super::{
    Store, blacklist, call, end_session, jti, logout_all, me, refresh, session_id, sessions, start,
    verify,
};

#[test]
fn a_session_works_from_login_to_logout() {
    let server = start(&[("CHECK_REVOKED", "1")]);
    assert_eq!(server.send("GET /", "", b"").body, "public\n");
    let (access, token) = tokens(&log_in(&server, "demo"));
    let who = get(&server, "/api/me", &access);
    assert_eq!(who.json(), json!({"user_id": "1", "username": "demo", "is_admin": false}));
    assert_eq!(get(&server, "/api/admin", &access).status, 403);
    assert_eq!((verify(&server, &access), verify(&server, &token)), (200, 200));

    let (next_access, next) = tokens(&refresh(&server, &token));
    assert_eq!((blacklist(&server, &next), blacklist(&server, &next)), (200, 200));
    assert_eq!((blacklist(&server, &token), blacklist(&server, &access)), (200, 401));
    for token in [&access, &next_access] {
        assert_eq!((me(&server, token), verify(&server, token)), (401, 401));
    }
    assert_eq!(refresh(&server, &next).status, 401);

    let (admin, _) = tokens(&log_in(&server, "admin"));
    assert_eq!(get(&server, "/api/admin", &admin).status, 200);
    assert_silent_about(server, &[&access, &token, &next_access, &next, &admin]);
}

#[test]
fn reuse_ends_the_session() {
    let server = start(&[("CHECK_REVOKED", "1"), ("REUSE_GRACE", "0")]);
    let (access, first) = tokens(&log_in(&server, "demo"));
    let (_, second) = tokens(&refresh(&server, &first));
    assert_eq!(refresh(&server, &first).status, 401);
    assert_eq!((refresh(&server, &second).status.as_u16(), me(&server, &access)), (401, 401));
}

#[test]
fn users_see_and_end_only_their_own_sessions() {
    let server = start(&[("CHECK_REVOKED", "1")]);
    let (access, _) = tokens(&log_in(&server, "demo"));
    let (other, _) = tokens(&log_in(&server, "demo"));
    let (admin, _) = tokens(&log_in(&server, "admin"));
    assert_eq!((sessions(&server, &access).len(), sessions(&server, &admin).len()), (2, 1));
    let current = sessions(&server, &access).into_iter().find(|session| session["current"] == true);
    assert_eq!(current.unwrap()["id"], session_id(&access));

    assert_eq!(end_session(&server, &admin, &session_id(&other)), 404);
    let unknown = call(&server, "DELETE /api/sessions/unknown", &access);
    assert_eq!(unknown.json()["code"], "not_found");
    assert_eq!(end_session(&server, &access, &session_id(&other)), 204);
    assert_eq!((me(&server, &other), sessions(&server, &access).len()), (401, 1));

    for _ in 0..3 {
        let (access, _) = tokens(&log_in(&server, "demo"));
        logout_all(&server, &access);
        assert_eq!(me(&server, &access), 401);
    }
    assert_eq!((me(&server, &access), me(&server, &admin)), (401, 200));
}

#[test]
fn rejects_unknown_routes_and_missing_tokens() {
    let server = start(&[("CHECK_REVOKED", "1")]);
    let (_, token) = tokens(&log_in(&server, "demo"));
    for line in [
        "GET /api/me",
        "GET /api/admin",
        "POST /api/logout-all",
        "GET /api/sessions",
        "DELETE /api/sessions/x",
    ] {
        assert_eq!(checked(server.send(line, "", b"")).status, 401, "{line}");
        assert_eq!(call(&server, line, &token).status, 401, "{line}");
        assert_eq!(call(&server, line, "garbage").status, 401, "{line}");
    }
    for line in ["GET /nowhere", "GET /api", "DELETE /api/sessions/", "GET /api/token/x"] {
        let reply = checked(server.send(line, "", b""));
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (404, &json!("not_found")));
        assert!(reply.json()["detail"].is_string());
    }
    assert_eq!(checked(server.send("GET /health", "", b"")).status, 200);
    let reply = checked(server.send("POST /api/token/", "content-type: text/plain\r\n", b"{}"));
    assert_eq!(reply.status, 415);
}

#[test]
fn without_the_check_access_tokens_outlive_their_session() {
    let server = start(&[]);
    let (access, token) = tokens(&log_in(&server, "demo"));
    logout_all(&server, &access);
    assert_eq!((me(&server, &access), verify(&server, &access)), (200, 401));
    assert_eq!(refresh(&server, &token).status, 401);
}

#[test]
fn a_spent_token_returns_the_same_successor_within_the_grace() {
    let server = start(&[("REUSE_GRACE", "60")]);
    let (_, first) = tokens(&log_in(&server, "demo"));
    let successors = [(); 3].map(|()| tokens(&refresh(&server, &first)).1);
    assert!(successors.iter().all(|token| jti(token) == jti(&successors[0])));
    let (_, third) = tokens(&refresh(&server, &successors[2]));
    // It was spent two rotations ago.
    assert_eq!(refresh(&server, &first).status, 401);
    assert_eq!(refresh(&server, &third).status, 401);
}

#[test]
fn lifetimes_and_leeway_are_configurable() {
    let server = start(&[("ACCESS_LIFETIME", "77"), ("REFRESH_LIFETIME", "777"), ("LEEWAY", "60")]);
    let (access, token) = tokens(&log_in(&server, "demo"));
    for (token, lifetime) in [(&access, 77), (&token, 777)] {
        let claims = payload(token);
        assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), lifetime);
    }
    let strict = start(&[]);
    for (age, status) in [(30, 200), (90, 401)] {
        let (iat, exp) = ((now() - 500).to_string(), (now() - age).to_string());
        let access = signed(&[("iat", &iat), ("exp", &exp)]);
        assert_eq!((me(&server, &access), me(&strict, &access)), (status, 401));
        // Refresh tokens need a session that the server knows.
        let expired = |server| {
            let claims = payload(&tokens(&log_in(server, "demo")).1);
            let (sid, jti) = (claims["sid"].to_string(), claims["jti"].to_string());
            let of_session = [("token_type", "\"refresh\""), ("sid", &*sid), ("jti", &*jti)];
            signed(&[&of_session[..], &[("iat", &*iat), ("exp", &*exp)]].concat())
        };
        assert_eq!(refresh(&server, &expired(&server)).status, status);
        assert_eq!(refresh(&strict, &expired(&strict)).status, 401);
    }
}

#[test]
fn clocks_may_differ_by_the_skew() {
    let (tolerant, strict) = (start(&[]), start(&[("CLOCK_SKEW", "0")]));
    for (ahead, status) in [(40, 200), (90, 401)] {
        let access = signed(&[("iat", &(now() + ahead).to_string())]);
        assert_eq!((me(&tolerant, &access), me(&strict, &access)), (status, 401));
    }
}

#[test]
fn accepts_tokens_of_the_old_secret() {
    const NEW: &str = "fedcba9876543210fedcba9876543210";
    let old = start(&[]);
    let (access, token) = tokens(&log_in(&old, "demo"));
    let server = start(&[("JWT_SECRET", NEW), ("JWT_SECRET_OLD", SECRET)]);
    assert_eq!((me(&server, &access), verify(&server, &token)), (200, 401), "memory of another");
    let (next, _) = tokens(&log_in(&server, "demo"));
    assert_eq!((me(&server, &next), me(&old, &next)), (200, 401));
    assert_silent_about(server, &[NEW, &access, &next]);
    assert_eq!(me(&start(&[("JWT_SECRET", NEW)]), &access), 401);
}

/// Somebody who reads the store must not be able to use a session.
#[test]
fn the_store_contains_no_tokens() {
    let store = Store::sqlite().unwrap();
    let server = store.start(&[]);
    let (access, first) = tokens(&log_in(&server, "demo"));
    let (next_access, second) = tokens(&refresh(&server, &first));
    let (_, other) = tokens(&log_in(&server, "admin"));
    assert_eq!(blacklist(&server, &other), 200);
    logout_all(&server, &access);

    let file = Path::new(store.url.strip_prefix("sqlite:").unwrap());
    let files = fs::read_dir(file.parent().unwrap()).unwrap();
    let stored: Vec<u8> = files.flat_map(|file| fs::read(file.unwrap().path()).unwrap()).collect();
    let holds = |text: &str| stored.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds(&session_id(&access)), "the session is not in these files");
    for token in [access, first, next_access, second, other] {
        for part in token.split('.') {
            assert!(!holds(part), "{part}");
        }
    }
    assert!(!holds("demo-password") && !holds(SECRET));
}
