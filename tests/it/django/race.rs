//! Sixteen concurrent refreshes of one token, at two copies of the example and at Django.

use std::{net::TcpStream, sync::Barrier, thread};

use serde_json::json;

use crate::support::{login::payload, reply::Reply, server::send_on};

use super::{
    configuration,
    database::Engine,
    deviations::assert_is_documented,
    pair::{Pair, start_ours},
    project::FEW_ITERATIONS,
};

const RACE: &str = "concurrent rotations of one token";
const ROUNDS: usize = 40;
const CLIENTS: usize = 16;

#[test]
fn on_sqlite() {
    race(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    race(Engine::Postgres);
}

fn race(engine: Engine) {
    let Some(pair) = Pair::start(engine, configuration::rotation_with_blacklist()) else { return };
    let second = start_ours(&pair.database, &pair.configuration, FEW_ITERATIONS);
    let copies = [&pair.ours, &second];
    let connect = |client: usize| copies[client % 2].connect();
    for round in 0..ROUNDS {
        let token = new_token(&pair);
        let before = pair.rows().blacklisted.len();
        let replies = concurrently(|client| send(connect(client), &token));
        let (winners, losers): (Vec<_>, Vec<_>) =
            replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!(winners.len(), 1, "round {round}: {losers:?}");
        for loser in losers {
            assert_eq!(loser.status, 401, "round {round}: {loser:?}");
            assert_eq!(loser.json()["detail"], "Token is blacklisted");
        }
        let successor = winners[0].json()["refresh"].as_str().unwrap().to_owned();
        let rows = pair.rows();
        assert_eq!(rows.blacklisted.len(), before + 1);
        let (old, new) = (jti(&token), jti(&successor));
        assert!(rows.blacklisted.iter().any(|row| row.jti == old));
        // Losers write nothing.
        let newest = rows.outstanding.iter().map(|row| &row.jti).next_back();
        assert_eq!(newest, Some(&new));
        assert_eq!(send(copies[round % 2].connect(), &successor).status, 200);
    }

    // Several may win at Django, even after one of ours. Never more than one wins at ours.
    let mut won_at_django = 0;
    for round in 0..ROUNDS / 2 {
        let token = new_token(&pair);
        let replies = concurrently(|client| match client % 3 {
            0 => (true, send(pair.django.connect(), &token)),
            _ => (false, send(connect(client), &token)),
        });
        let won = |at_django: bool| {
            let won = |reply: &&(bool, Reply)| reply.0 == at_django && reply.1.status == 200;
            replies.iter().filter(won).count()
        };
        assert!(won(false) <= 1 && won(true) + won(false) >= 1, "round {round}: {replies:?}");
        for (at_django, reply) in &replies {
            assert!(*at_django || matches!(reply.status.as_u16(), 200 | 401), "{reply:?}");
        }
        won_at_django += won(true);
        assert_eq!(send(copies[0].connect(), &token).status, 401);
    }
    println!("{engine:?}: {won_at_django} refreshes won at Django in {} rounds", ROUNDS / 2);
    assert_is_documented(RACE);
}

fn new_token(pair: &Pair) -> String {
    let mint = pair.mint();
    mint.token("refresh", &pair.user("alice"), &[])
}

fn send(stream: TcpStream, token: &str) -> Reply {
    let body = json!({ "refresh": token }).to_string();
    let headers = "content-type: application/json\r\n";
    send_on(stream, "POST /api/token/refresh/", headers, body.as_bytes()).expect("a response")
}

fn concurrently<T: Send>(send: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (start, send) = (&start, &send);
                scope.spawn(move || {
                    start.wait();
                    send(client)
                })
            })
            .collect();
        clients.into_iter().map(|client| client.join().unwrap()).collect()
    })
}

fn jti(token: &str) -> String {
    payload(token)["jti"].as_str().unwrap().to_owned()
}
