//! A copy or the store is killed again and again while clients rotate tokens.

use std::{
    mem,
    net::TcpStream,
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::Duration,
};

use serde_json::json;

use crate::support::{
    api::{checked, get, log_in, tokens},
    postgres,
    redis::{self, RedisServer},
    server::{Server, send_on},
};

use super::{Store, blacklist, on_every_store, outage::Engine, refresh, start, verify};

const KILLS: usize = 20;
/// Milliseconds that each client waits between two rotations.
const PAUSES: [u64; 4] = [1, 5, 25, 125];

on_every_store! { a_killed_copy_affects_only_requests_in_flight }

fn a_killed_copy_affects_only_requests_in_flight(store: &Store) {
    let survivor = store.start(&[]);
    let mut victim = store.start(&[]);
    let mut at_survivor = PAUSES.map(|pause| Client::log_in(&survivor, pause));
    let mut at_victim = PAUSES.map(|pause| Client::log_in(&victim, pause));
    let mut tally = Tally::default();
    for round in 0..KILLS {
        let (access, ended) = tokens(&log_in(&victim, "demo"));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for client in &mut at_survivor {
                scope.spawn(|| client.rotate_until(&over, &survivor));
            }
            let victims = at_victim.each_mut();
            let victims = victims.map(|client| scope.spawn(|| client.rotate_until(&over, &victim)));
            thread::sleep(Duration::from_millis(20 + 7 * round as u64));
            assert_eq!(blacklist(&victim, &ended), 200);
            victim.signal("KILL");
            for client in victims {
                client.join().unwrap();
            }
            over.store(true, Ordering::SeqCst);
        });
        assert!(at_survivor.iter().all(|client| !client.in_flight));
        victim = store.start(&[]);
        let copies = [&victim, &survivor];
        tally.check(copies, &[&access, &ended], &mut at_victim);
        tally.check(copies, &[], &mut at_survivor);
    }
    tally.finish(&victim, 5 * PAUSES.len() * KILLS);
}

#[test]
fn a_killed_postgres_affects_only_requests_in_flight() {
    if let Some(server) = postgres::Server::start() {
        a_killed_store_affects_only_requests_in_flight(server);
    }
}

#[test]
fn a_killed_redis_affects_only_requests_in_flight() {
    if redis::is_installed() {
        a_killed_store_affects_only_requests_in_flight(RedisServer::start(&[]));
    }
}

fn a_killed_store_affects_only_requests_in_flight(mut engine: impl Engine) {
    let url = engine.url();
    let copies = [(); 2].map(|()| start(&[("STORE_URL", &*url), ("REUSE_GRACE", "0")]));
    let [one, other] = &copies;
    let mut clients = PAUSES.map(|pause| Client::log_in(one, pause));
    let mut tally = Tally::default();
    for round in 0..KILLS {
        let (access, ended) = tokens(&log_in(one, "demo"));
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            for (client, copy) in clients.iter_mut().zip(copies.iter().cycle()) {
                scope.spawn(|| client.rotate_until(&over, copy));
            }
            thread::sleep(Duration::from_millis(20 + 7 * round as u64));
            assert_eq!(blacklist(other, &ended), 200);
            engine.kill();
            over.store(true, Ordering::SeqCst);
        });
        engine.run();
        for copy in &copies {
            while get(copy, "/health", "").status != 200 {}
        }
        tally.check([one, other], &[&access, &ended], &mut clients);
    }
    tally.finish(one, PAUSES.len() * KILLS);
}

/// The sum over all rounds.
#[derive(Default)]
struct Tally {
    revoked: Vec<String>,
    rotations: usize,
    unaffected: usize,
    logins: usize,
}

impl Tally {
    /// Verifies everybody's tokens, which does not spend them.
    fn check(&mut self, copies: [&Server; 2], revoked: &[&str], clients: &mut [Client]) {
        let verify = |token: &str| copies.map(|copy| verify(copy, token));
        for token in revoked {
            assert_eq!(verify(token), [401, 401]);
            self.revoked.push((*token).to_owned());
        }
        for client in clients {
            self.rotations += mem::take(&mut client.rotations);
            assert_eq!(verify(&client.spent), [401, 401]);
            match (mem::take(&mut client.in_flight), verify(&client.refresh)) {
                (false, [200, 200]) => self.unaffected += 1,
                // Either the rotation did not happen, or its response was lost.
                (true, [200, 200]) => {}
                (true, [401, 401]) => {
                    *client = Client::log_in(copies[0], client.pause);
                    self.logins += 1;
                }
                other => panic!("{other:?}"),
            }
        }
    }

    fn finish(&self, copy: &Server, expected: usize) {
        for token in &self.revoked {
            assert_eq!(verify(copy, token), 401);
        }
        let Self { rotations, unaffected, logins, .. } = self;
        println!("{rotations} rotations, {unaffected} times unaffected, {logins} new logins");
        assert!(*rotations > expected && *unaffected > KILLS / 2);
    }
}

struct Client {
    refresh: String,
    /// The refresh token before `refresh`.
    spent: String,
    pause: u64,
    rotations: usize,
    /// Whether its last rotation had started when the process was killed.
    in_flight: bool,
}

impl Client {
    fn log_in(server: &Server, pause: u64) -> Self {
        let (_, spent) = tokens(&log_in(server, "demo"));
        let (_, refresh) = tokens(&refresh(server, &spent));
        Self { refresh, spent, pause, rotations: 0, in_flight: false }
    }

    fn rotate_until(&mut self, over: &AtomicBool, server: &Server) {
        while !over.load(Ordering::SeqCst) {
            thread::sleep(Duration::from_millis(self.pause));
            let started_before = !over.load(Ordering::SeqCst);
            let Ok(stream) = TcpStream::connect(server.address()) else { break };
            let body = json!({"refresh": self.refresh}).to_string();
            let headers = "content-type: application/json\r\n";
            let reply = send_on(stream, "POST /api/token/refresh/", headers, body.as_bytes());
            match reply.map(checked) {
                Some(reply) if reply.status != 503 => {
                    let (_, next) = tokens(&reply);
                    self.spent = mem::replace(&mut self.refresh, next);
                    self.rotations += 1;
                }
                _ => {
                    self.in_flight = started_before;
                    break;
                }
            }
        }
    }
}
