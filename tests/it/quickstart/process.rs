//! Start, configuration errors and shutdown.

use std::{
    ffi::OsStr, fs, io::Write, net::TcpListener, os::unix::ffi::OsStrExt, process::Command,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{
    login::{HEADER, SECRET, mint, part},
    repository,
    server::{Server, read_kept_alive, run},
};

use super::{get, log_in, signed, start};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

#[test]
fn a_signal_ends_it_whatever_is_open() {
    for signal in ["TERM", "INT"] {
        let mut server = start();
        let mut idle = server.connect();
        idle.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").unwrap();
        assert_eq!(read_kept_alive(&mut idle).status, 200);
        let mut half_a_head = server.connect();
        half_a_head.write_all(b"POST /api/token/ HTTP/1.1\r\nhost: x\r\nconte").unwrap();
        let mut half_a_body = server.connect();
        half_a_body
            .write_all(
                b"POST /api/token/ HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n\
                  content-length: 100\r\n\r\n{\"username\":",
            )
            .unwrap();
        // The server accepted those connections before it responds to this one.
        assert_eq!(log_in(&server, "demo").status, 200);

        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
        drop((idle, half_a_head, half_a_body));
    }
}

#[test]
fn a_signal_right_after_the_start_ends_it() {
    for signal in ["TERM", "INT"] {
        let mut server = start();
        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn configuration_errors_name_the_setting() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port().to_string();
    let cannot_listen = format!("HOST and PORT, 127.0.0.1:{taken}: ");
    let short = &SECRET[..31];
    let repeated = "x".repeat(64);
    for (variables, message) in [
        (
            [("PORT", "0"), ("JWT_SECRET", short)],
            "JWT_SECRET: an HMAC secret must have at least 32",
        ),
        ([("PORT", "0"), ("JWT_SECRET", "")], "JWT_SECRET: an HMAC secret must have at least 32"),
        (
            [("PORT", "0"), ("JWT_SECRET", &repeated)],
            "JWT_SECRET: an HMAC secret must not consist of one",
        ),
        (
            [("PORT", "http"), ("JWT_SECRET", SECRET)],
            "HOST and PORT, 127.0.0.1:http: invalid port value",
        ),
        (
            [("PORT", "65536"), ("JWT_SECRET", SECRET)],
            "HOST and PORT, 127.0.0.1:65536: invalid port value",
        ),
        ([("PORT", ""), ("JWT_SECRET", SECRET)], "HOST and PORT, 127.0.0.1:: invalid port value"),
        ([("PORT", &taken), ("JWT_SECRET", SECRET)], &cannot_listen),
        ([("REUSE_GRACE", "10s"), ("JWT_SECRET", SECRET)], "REUSE_GRACE"),
        ([("REUSE_GRACE", "301"), ("JWT_SECRET", SECRET)], "`reuse_grace` must be"),
    ] {
        let (status, output) = run("quickstart", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains(message), "{message}: {output}");
        assert_eq!(output.lines().count(), 1, "{output}");
        assert!(!output.contains(short) && !output.contains("ConfigError"), "{output}");
    }
}

#[test]
fn it_needs_no_configuration() {
    let server = Server::start("quickstart", &[("PORT", "0")]);
    assert_eq!(log_in(&server, "admin").status, 200);
}

#[test]
fn the_commands_that_it_prints_work_and_are_those_of_the_readme() {
    if Command::new("curl").arg("--version").output().is_err() {
        return eprintln!("skipped: curl is not installed");
    }
    let server = start();
    let printed = server.await_line(|line| line.contains("/me -H"));
    let commands: Vec<_> = printed.lines().filter_map(|line| line.strip_prefix("  ")).collect();
    let commands = commands.join("\n");
    let output = Command::new("sh").args(["-ec", &commands]).output().unwrap();
    let me: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(me, json!({ "user_id": "1", "username": "demo", "is_admin": false }));

    let readme = fs::read_to_string(repository("README.md")).unwrap();
    let commands = commands.replace(server.address(), "127.0.0.1:3000");
    assert!(readme.contains(&commands), "{commands}");
}

#[test]
fn a_secret_need_not_be_utf_8() {
    // A secret that cannot be read must not be replaced by a random one.
    let secret: Vec<u8> = (0x80..=0xff).collect();
    let variables = [("PORT", OsStr::new("0")), ("JWT_SECRET", OsStr::from_bytes(&secret))];
    let server = Server::start("quickstart", &variables);
    let token = mint(&secret, HEADER, &part(&signed(&[]), 1));
    assert_eq!(get(&server, "/api/me", &token).status, 200);
    assert_eq!(get(&server, "/api/me", &signed(&[])).status, 401);
}
