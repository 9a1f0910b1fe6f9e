//! Start, configuration errors and shutdown.

use std::{fs, io::Write, process::Command, thread, time::Duration};

use crate::support::{
    api::{get, log_in, tokens},
    folder::Folder,
    login::SECRET,
    server::{read_kept_alive, run},
};

use super::{FIVE_SECONDS, Store, issuing, me, on_every_store, refresh, start};

on_every_store! { several_start_at_once_on_an_empty_store }

fn several_start_at_once_on_an_empty_store(store: &Store) {
    let copies: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..5)
            .map(|_| {
                scope.spawn(|| {
                    let copy = store.start(&[("CHECK_REVOKED", "1"), ("PURGE_INTERVAL", "1")]);
                    let login = tokens(&log_in(&copy, "demo"));
                    (copy, login)
                })
            })
            .collect();
        starting.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    for (index, (copy, _)) in copies.iter().enumerate() {
        let (access, token) = &copies[(index + 1) % copies.len()].1;
        assert_eq!(me(copy, access), 200);
        assert_eq!(get(copy, "/api/sessions", access).json().as_array().unwrap().len(), 5);
        tokens(&refresh(copy, token));
    }
}

#[test]
fn a_signal_ends_it_whatever_is_open() {
    for signal in ["TERM", "INT"] {
        let mut server = start(&[]);
        let mut idle = server.connect();
        idle.write_all(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert_eq!(read_kept_alive(&mut idle).status, 200);
        let mut half_open = server.connect();
        half_open.write_all(b"POST /api/logout-all HTTP/1.1\r\nhost: x\r\ncont").unwrap();
        assert_eq!(log_in(&server, "demo").status, 200);
        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
        drop((idle, half_open));
    }
}

#[test]
fn a_signal_ends_it_while_a_call_blocks() {
    let folder = Folder::new();
    let mut server = issuing::start(&folder, &[]);
    // Opening a FIFO blocks until somebody writes, like a file on an unreachable file server.
    let keys = folder.path().join("keys/keys.json");
    fs::remove_file(&keys).unwrap();
    assert!(Command::new("mkfifo").arg(&keys).status().unwrap().success());
    server.signal("HUP");
    // Gives the server time to start the rotation.
    thread::sleep(Duration::from_millis(200));
    server.signal("TERM");
    assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0));
    let output = server.into_output();
    assert!(!output.contains("the next key"), "{output}");
}

#[test]
fn configuration_errors_name_the_setting() {
    const SECRET_PART: &str = "hunter2";
    for (name, value, message) in [
        ("JWT_SECRET", "short", "JWT_SECRET: an HMAC secret must have at least 32"),
        ("PORT", "http", "PORT \"http\" is not a port number"),
        ("STORE_URL", "", "STORE_URL must be memory:"),
        ("STORE_URL", "memory", "STORE_URL must be memory:"),
        ("STORE_URL", "mysql://u:hunter2@localhost/x", "STORE_URL must be memory:"),
        ("STORE_URL", "/tmp/hunter2.db", "STORE_URL must be memory:"),
        ("STORE_URL", "sqlite:", "STORE_URL: the SQLite URL must"),
        (
            "STORE_URL",
            "sqlite::memory:",
            "STORE_URL: connections cannot share a SQLite database in memory",
        ),
        ("STORE_URL", "sqlite:/tmp", "STORE_URL: the path is a directory"),
        ("STORE_URL", "sqlite:///etc/passwd", "STORE_URL: the file is not a SQLite database"),
        ("STORE_URL", "postgres:hunter2", "STORE_URL: the PostgreSQL URL must"),
        ("STORE_URL", "postgres://u:hunter2@localhost:x/", "STORE_URL: the PostgreSQL URL must"),
        (
            "STORE_URL",
            "postgres://127.0.0.1:1/postgres?user=u&pasword=hunter2",
            "STORE_URL: the PostgreSQL URL has an unknown parameter",
        ),
        ("STORE_URL", "redis:hunter2", "STORE_URL: not a usable Redis URL"),
        ("STORE_URL", "redis://:hunter2@localhost:x", "STORE_URL: not a usable Redis URL"),
        ("ACCESS_LIFETIME", "5m", "ACCESS_LIFETIME must be whole seconds, not \"5m\""),
        ("ACCESS_LIFETIME", "0", "must be at least one second"),
        ("REFRESH_LIFETIME", "-1", "REFRESH_LIFETIME must be whole seconds, not \"-1\""),
        ("REFRESH_LIFETIME", "0", "must be at least one second"),
        ("REUSE_GRACE", "301", "`reuse_grace` must be"),
        ("REUSE_GRACE", "", "REUSE_GRACE must be whole seconds, not \"\""),
        ("LEEWAY", "301", "leeway"),
        ("LEEWAY", "1.5", "LEEWAY must be whole seconds, not \"1.5\""),
        ("CLOCK_SKEW", "301", "`clock_skew` must be"),
        ("PURGE_INTERVAL", "0", "PURGE_INTERVAL must be at least 1"),
        ("OAUTH_CLIENT", "hunter2", "OAUTH_CLIENT must be id:secret"),
        ("OAUTH_CLIENT", "billing:hunter2", "OAUTH_CLIENT must be id:secret"),
        ("OAUTH_CLIENT", ":hunter2-0123456789abcdef0123456789", "OAUTH_CLIENT must be id:secret"),
        ("OAUTH_CLIENT", "a:hunter2:0123456789abcdef0123456789", "OAUTH_CLIENT must be id:secret"),
        ("CHECK_REVOKED", "yes", "CHECK_REVOKED must be 0 or 1, not \"yes\""),
    ] {
        let variables = [("PORT", "0"), ("JWT_SECRET", SECRET), (name, value)];
        let (status, output) = run("server", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains(message) && output.lines().count() == 1, "{message}: {output}");
        assert!(!output.contains(SECRET_PART) && !output.contains(SECRET), "{output}");
    }
    let (status, output) = run("server", &[("PORT", "0")], FIVE_SECONDS);
    assert_eq!((status.code(), &*output), (Some(1), "server: JWT_SECRET is not set\n"));
}

#[test]
fn accepts_lifetimes_at_their_limits() {
    for variables in [
        // The access lifetime follows.
        [("REFRESH_LIFETIME", "2"), ("LEEWAY", "300")],
        [("REFRESH_LIFETIME", "31536000"), ("REUSE_GRACE", "300")],
        [("REFRESH_LIFETIME", "18446744073709551615"), ("PURGE_INTERVAL", "18446744073709551615")],
    ] {
        let server = start(&variables);
        let (access, token) = tokens(&log_in(&server, "demo"));
        assert_eq!(me(&server, &access), 200);
        tokens(&refresh(&server, &token));
    }
}

/// `GET /metrics` in the text form of Prometheus.
#[test]
fn shows_metrics() {
    let server = start(&[("CHECK_REVOKED", "1")]);
    let scrape = || {
        let reply = server.send("GET /metrics", "", b"");
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), ["text/plain; version=0.0.4"]);
        reply.body
    };
    let (access, refresh_token) = tokens(&log_in(&server, "demo"));
    assert_eq!(me(&server, &access), 200);
    assert_eq!(me(&server, "x"), 401);
    assert_eq!(refresh(&server, &refresh_token).status, 200);
    assert_eq!(log_in(&server, "nobody").status, 401);
    let text = scrape();
    for line in [
        "# TYPE jwt_auth_accepted_tokens_total counter",
        "jwt_auth_accepted_tokens_total 1",
        r#"jwt_auth_rejections_total{kind="malformed"} 1"#,
        r#"jwt_auth_rejections_total{kind="invalid_credentials"} 1"#,
        r#"jwt_auth_logins_total{outcome="succeeded"} 1"#,
        r#"jwt_auth_logins_total{outcome="failed"} 1"#,
        r#"jwt_auth_refreshes_total{outcome="rotated"} 1"#,
        "# TYPE jwt_auth_store_call_seconds histogram",
        r#"jwt_auth_store_call_seconds_count{call="spend",outcome="ok"} 1"#,
        "jwt_auth_password_jobs 0",
        // The example has two users.
        "jwt_auth_password_hash_seconds_count 4",
    ] {
        assert!(text.lines().any(|found| found == line), "{line}: {text}");
    }
    for secret in [&*access, &*refresh_token, "demo", SECRET] {
        assert!(!text.contains(secret), "{text}");
    }
}

/// The log of a `503` names the cause, without the password of the URL.
#[test]
fn logs_why_the_store_is_unavailable() {
    let folder = Folder::new();
    let url = format!("postgres://ada:hunter2@localhost/x?host={}", folder.path().display());
    let server = start(&[("STORE_URL", &url), ("RUST_LOG", "tower_jwt_auth=info")]);
    assert_eq!(log_in(&server, "demo").status, 503);
    let is_cause = |line: &str| {
        line.contains("request rejected: a required service is unavailable")
            && line.contains("kind=Unavailable")
            && line.contains("cause=the token store is unavailable: ")
            && line.contains("No such file or directory")
    };
    server.await_line(is_cause);
    let output = server.into_output();
    assert!(!output.contains("hunter2"), "{output}");
}
