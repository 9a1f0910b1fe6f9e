//! `server` issues tokens and rotates its keys; `resource_server` trusts it by its URL.

use std::{
    collections::BTreeSet,
    env,
    sync::{
        Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{
    api::{get, log_in, tokens},
    folder::Folder,
    login::part,
    server::Server,
};

use super::{
    issuing::{QUICK, start, wait_until},
    refresh,
};

/// The number of rotations to wait for, unless the variable `ROTATIONS` is set.
const ROTATIONS: usize = 3;
const CLIENTS: usize = 4;

fn start_resource_server(issuer: &Server, profile: &str) -> Server {
    let issuers = format!("http://{}", issuer.address());
    let resource_server = Server::start(
        "resource_server",
        &[
            ("PORT", "0"),
            ("ISSUERS", &*issuers),
            ("AUDIENCE", "api"),
            ("ALLOW_HTTP", "1"),
            ("PROFILE", profile),
            ("JWKS_REFRESH", "1"),
            ("JWKS_COOLDOWN", "1"),
        ],
    );
    wait_until("the keys are there", || resource_server.send("GET /health", "", b"").status == 200);
    resource_server
}

#[test]
fn another_service_accepts_access_tokens_only() {
    let folder = Folder::new();
    let issuer = start(&folder, &[]);
    for profile in ["rfc9068", "plain"] {
        let resource_server = start_resource_server(&issuer, profile);
        for (username, id, write) in [("demo", "1", 403), ("admin", "2", 200)] {
            let (access, token) = tokens(&log_in(&issuer, username));
            let me = get(&resource_server, "/api/me", &access);
            assert_eq!((me.status.as_u16(), &me.json()["sub"]), (200, &Value::from(id)));
            let reply = get(&resource_server, "/api/write", &access);
            assert_eq!(reply.status, write, "{username}");
            assert_eq!(get(&resource_server, "/api/me", &token).status, 401, "a refresh token");
        }
    }
}

/// One of several clients. It refreshes at the issuer, then calls the other service with its newest
/// access token and with the previous one.
fn use_both(
    issuer: &Server,
    resource_server: &Server,
    kids: &Mutex<BTreeSet<String>>,
    requests: &AtomicUsize,
    done: &AtomicBool,
) {
    let (mut access, mut token) = tokens(&log_in(issuer, "demo"));
    while !done.load(Ordering::SeqCst) {
        let previous = access;
        (access, token) = tokens(&refresh(issuer, &token));
        for access in [&access, &previous] {
            let reply = get(resource_server, "/api/me", access);
            assert_eq!(reply.status, 200, "{reply:?} {}", part(access, 0));
        }
        let header: Value = serde_json::from_str(&part(&access, 0)).unwrap();
        kids.lock().unwrap().insert(header["kid"].as_str().unwrap().to_owned());
        requests.fetch_add(3, Ordering::SeqCst);
    }
}

#[test]
fn no_request_fails_while_keys_rotate() {
    let rotations = env::var("ROTATIONS").map_or(ROTATIONS, |text| text.parse().unwrap());
    let folder = Folder::new();
    let issuer = start(&folder, &QUICK);
    let resource_server = start_resource_server(&issuer, "rfc9068");
    let (kids, requests) = (Mutex::default(), AtomicUsize::new(0));
    let (done, began) = (AtomicBool::new(false), Instant::now());
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|_| scope.spawn(|| use_both(&issuer, &resource_server, &kids, &requests, &done)))
            .collect();
        let deadline = Duration::from_secs(60) * (1 + rotations as u32);
        while kids.lock().unwrap().len() <= rotations
            && began.elapsed() < deadline
            && !clients.iter().any(|client| client.is_finished())
        {
            thread::sleep(Duration::from_millis(100));
        }
        done.store(true, Ordering::SeqCst);
        for client in clients {
            client.join().expect("no request fails");
        }
    });
    let (rotated, requests) = (kids.lock().unwrap().len() - 1, requests.into_inner());
    println!("{requests} requests, {rotated} rotations, no failure in {:?}", began.elapsed());
    assert!(rotated >= rotations, "{rotated} rotations");
}
