//! Limits on attempts.

use serde_json::json;

use crate::support::{reply::Reply, server::Server};

use super::{
    client::{Client, SAME_ORIGIN, rejected},
    databases, start,
};

fn attempt(server: &Server, username: &str, forwarded: &str) -> Reply {
    let body = json!({ "username": username, "password": "wrong" });
    let headers = format!("{SAME_ORIGIN}{forwarded}");
    Client::new(server).send("POST /api/session/", &headers, &body)
}

/// The number of the attempt that is the first to be rejected with 429.
fn first_throttled(limit: usize, mut attempt: impl FnMut(usize) -> Reply) -> Option<usize> {
    (0..limit).find(|number| {
        let reply = attempt(*number);
        if reply.status == 401 {
            return false;
        }
        rejected(&reply, 429, "throttled");
        let wait: u64 = reply.header("retry-after")[0].parse().unwrap();
        assert!((1..=120).contains(&wait), "{wait}");
        true
    })
}

#[test]
fn limits_the_attempts_for_an_account_at_all_copies() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        Client::new(&servers[0]).sign_up("ada");
        for username in ["ada", "nobody"] {
            let throttled =
                first_throttled(60, |number| attempt(&servers[number % 2], username, ""));
            assert!(throttled.is_some());
            for server in &servers {
                assert_eq!(attempt(server, username, "").status, 429);
            }
        }
        // The right password has to wait too.
        assert_eq!(Client::new(&servers[1]).log_in("ada").status, 429);
        assert_eq!(Client::new(&servers[1]).log_in("ADA").status, 429);
        let server = start(&database.url, &[]);
        assert_eq!(attempt(&server, "ada", "").status, 429, "after a restart");
    }
}

#[test]
fn limits_the_attempts_of_an_address() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    // Nobody in front may name another address.
    let throttled = first_throttled(250, |number| {
        attempt(
            &server,
            &format!("user{number}"),
            &format!("x-forwarded-for: 192.0.2.{number}\r\n"),
        )
    });
    assert!(throttled.is_some());
}

#[test]
fn reads_addresses_that_trusted_proxies_forward() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[("TRUSTED_PROXIES", "1")]);
    let forwarded = "x-forwarded-for: 198.51.100.1, 192.0.2.1\r\n";
    let throttled =
        first_throttled(250, |number| attempt(&server, &format!("user{number}"), forwarded));
    assert!(throttled.is_some());
    let other = "x-forwarded-for: 198.51.100.1, 192.0.2.2\r\n";
    assert_eq!(attempt(&server, "another", other).status, 401);
}
