//! How the quickstart starts and ends.

use std::{ffi::OsStr, io::Write, net::TcpListener, os::unix::ffi::OsStrExt, time::Duration};

use crate::support::{
    login::{HEADER, SECRET, mint, part},
    server::{Server, read_kept_alive, run},
};

use super::{get, log_in, signed, start};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

#[test]
fn it_ends_well_when_told_to_whatever_is_open() {
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
        // Whoever is answered after them has seen them accepted.
        assert_eq!(log_in(&server, "demo").status, 200);

        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
        drop((idle, half_a_head, half_a_body));
    }
}

#[test]
fn it_ends_well_right_after_it_has_begun() {
    for signal in ["TERM", "INT"] {
        let mut server = start();
        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
    }
}

#[test]
fn it_tells_what_is_wrong_with_its_configuration() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = listener.local_addr().unwrap().port().to_string();
    let cannot_listen = format!("cannot listen on 127.0.0.1:{taken}");
    let short = &SECRET[..31];
    let repeated = "x".repeat(64);
    for (variables, told) in [
        (
            [("PORT", "0"), ("JWT_SECRET", short)],
            "JWT_SECRET: an HMAC secret must have at least 32",
        ),
        ([("PORT", "0"), ("JWT_SECRET", "")], "JWT_SECRET: an HMAC secret must have at least 32"),
        ([("PORT", "0"), ("JWT_SECRET", &repeated)], "JWT_SECRET: an HMAC secret must not repeat"),
        ([("PORT", "http"), ("JWT_SECRET", SECRET)], "PORT \"http\" is not a port number"),
        ([("PORT", "65536"), ("JWT_SECRET", SECRET)], "PORT \"65536\" is not a port number"),
        ([("PORT", ""), ("JWT_SECRET", SECRET)], "PORT \"\" is not a port number"),
        ([("PORT", &taken), ("JWT_SECRET", SECRET)], &cannot_listen),
    ] {
        let (status, output) = run("quickstart", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains(told), "{told}: {output}");
        assert_eq!(output.lines().count(), 1, "{output}");
        assert!(!output.contains(short) && !output.contains("ConfigError"), "{output}");
    }
}

#[test]
fn it_runs_without_configuration() {
    let server = Server::start("quickstart", &[("PORT", "0")]);
    assert_eq!(log_in(&server, "admin").status, 200);
    assert!(server.output().contains("JWT_SECRET is not set"));
}

#[test]
fn a_secret_need_not_be_text() {
    // Taken for missing, it would be replaced by a random one.
    let secret: Vec<u8> = (0x80..=0xff).collect();
    let variables = [("PORT", OsStr::new("0")), ("JWT_SECRET", OsStr::from_bytes(&secret))];
    let server = Server::start("quickstart", &variables);
    let token = mint(&secret, HEADER, &part(&signed(&[]), 1));
    assert_eq!(get(&server, "/api/me", &token).status, 200);
    assert_eq!(get(&server, "/api/me", &signed(&[])).status, 401);
}
