//! Values of `STORE_URL` that can never work, and those that may work later.

use std::time::{Duration, Instant};

use crate::support::{
    api::{log_in, tokens},
    login::SECRET,
    postgres,
    redis::{self, RedisServer},
    server::run,
};

use super::{
    FIVE_SECONDS,
    outage::{Engine, assert_recovered, assert_unavailable, send},
    start,
};

/// The output of a server that does not start.
fn failed_start(url: &str) -> String {
    let variables = [("PORT", "0"), ("JWT_SECRET", SECRET), ("STORE_URL", url)];
    let (status, output) = run("server", &variables, FIVE_SECONDS);
    assert_eq!(status.code(), Some(1), "{output}");
    assert!(output.starts_with("server: STORE_URL: "), "{output}");
    assert_eq!(output.lines().count(), 1, "{output}");
    output
}

#[test]
fn a_postgres_url_that_can_never_work_ends_the_start() {
    const WRONG: &str = "hunter2";
    let Some(server) = postgres::shared() else { return };
    let url = server.url();
    for (url, message) in [
        (url.replace(postgres::PASSWORD, WRONG), "password authentication failed"),
        (url.replace("//postgres:", "//nobody:"), "password authentication failed"),
        (url.replace("/postgres?", "/missing?"), "database \"missing\" does not exist"),
    ] {
        let output = failed_start(&url);
        assert!(output.contains(message), "{output}");
        assert!(!output.contains(WRONG) && !output.contains(postgres::PASSWORD), "{output}");
    }
}

#[test]
fn a_redis_url_that_can_never_work_ends_the_start() {
    if !redis::is_installed() {
        return;
    }
    let server = RedisServer::start(&["--requirepass", "sesame"]);
    let at = |start: &str, end: &str| format!("redis://{start}127.0.0.1:{}/{end}", server.port());
    for url in [
        at("", ""),
        at("", "1"),
        at(":hunter2@", ""),
        at("nobody:sesame@", ""),
        at(":sesame@", "99"),
    ] {
        let output = failed_start(&url);
        assert!(!output.contains("hunter2") && !output.contains("sesame"), "{output}");
    }
    let copy = start(&[("STORE_URL", &at(":sesame@", ""))]);
    assert_eq!(log_in(&copy, "demo").status, 200);
}

#[test]
fn starts_while_the_store_does_not_respond() {
    let Some(mut server) = postgres::Server::start() else { return };
    Engine::pause(&mut server);
    let began = Instant::now();
    let copy = start(&[("STORE_URL", &*Engine::url(&server))]);
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    assert_unavailable("health", &send(&copy, "GET /health", "", ""));
    Engine::resume(&mut server);
    let (access, mut token) = tokens(&log_in(&copy, "demo"));
    assert_recovered(&[&copy], &access, &mut token);
}

#[test]
fn starts_although_the_host_is_unknown() {
    for url in ["postgres://u:p@unknown.invalid/db", "redis://unknown.invalid/"] {
        let copy = start(&[("STORE_URL", url)]);
        assert_unavailable("health", &send(&copy, "GET /health", "", ""));
    }
}
