//! Fifty concurrent refreshes with one token, at two copies.

use std::{sync::Barrier, thread};

use serde_json::json;

use crate::support::{
    api::{checked, log_in, tokens},
    reply::Reply,
    server::{Server, send_on},
};

use super::{Store, jti, me, on_every_store, refresh};

const ROUNDS: usize = 40;
const CLIENTS: usize = 50;

on_every_store! { one_of_many_concurrent_refreshes_wins all_get_the_same_successor_within_the_grace }

fn one_of_many_concurrent_refreshes_wins(store: &Store) {
    let copies = store.start_two();
    for round in 0..ROUNDS {
        let (access, token) = tokens(&log_in(&copies[round % 2], "demo"));
        let (winners, losers): (Vec<_>, Vec<_>) =
            race(&copies, &token).into_iter().partition(|reply| reply.status == 200);
        assert_eq!(winners.len(), 1, "round {round}: {losers:?}");
        assert!(losers.iter().all(|reply| reply.status == 401), "round {round}: {losers:?}");
        // The other refreshes count as reuse and end the session.
        let (next_access, next) = tokens(&winners[0]);
        for copy in &copies {
            assert_eq!(refresh(copy, &next).status, 401);
            assert_eq!((me(copy, &access), me(copy, &next_access)), (401, 401));
        }
    }
}

fn all_get_the_same_successor_within_the_grace(store: &Store) {
    let copies = [(); 2].map(|()| store.start(&[("CHECK_REVOKED", "1"), ("REUSE_GRACE", "10")]));
    let (_, mut token) = tokens(&log_in(&copies[0], "demo"));
    let mut ancestors = Vec::new();
    for round in 0..ROUNDS {
        let replies = race(&copies, &token);
        let successors: Vec<_> = replies.iter().map(|reply| tokens(reply).1).collect();
        let first = jti(&successors[0]);
        assert!(successors.iter().all(|token| jti(token) == first), "round {round}");
        // The next round checks that it is valid.
        let successor = successors.into_iter().next_back().unwrap();
        ancestors.push(std::mem::replace(&mut token, successor));
    }
    let (access, newest) = tokens(&refresh(&copies[0], &token));
    assert_eq!(me(&copies[1], &access), 200);
    // It was spent two rotations ago, so the grace does not cover it.
    assert_eq!(refresh(&copies[1], ancestors.last().unwrap()).status, 401);
    for copy in &copies {
        assert_eq!(refresh(copy, &newest).status, 401);
        assert_eq!(me(copy, &access), 401);
    }
}

fn race(copies: &[Server; 2], token: &str) -> Vec<Reply> {
    let body = json!({"refresh": token}).to_string();
    let start = Barrier::new(CLIENTS);
    thread::scope(|scope| {
        let clients: Vec<_> = (0..CLIENTS)
            .map(|client| {
                let (body, start) = (&body, &start);
                scope.spawn(move || {
                    let stream = copies[client % 2].connect();
                    let headers = "content-type: application/json\r\n";
                    start.wait();
                    send_on(stream, "POST /api/token/refresh/", headers, body.as_bytes())
                })
            })
            .collect();
        clients.into_iter().map(|client| checked(client.join().unwrap().unwrap())).collect()
    })
}
