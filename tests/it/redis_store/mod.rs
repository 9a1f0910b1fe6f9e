//! The store in Redis, on real servers.

mod access;
mod calls;
mod cluster;
mod generation;
mod lifetime;
mod outage;
mod scale;
mod settings;

use std::{error::Error, sync::Arc, time::Duration};

use tower_jwt_auth::{
    NumericDate,
    store::{NewSession, RedisStore, Spend, Spent, StoreError, TokenRef, TokenStore},
    token::UserId,
};

mod on_one_server {
    use crate::support::redis::shared;

    tower_jwt_auth::token_store_conformance!(
        match shared() {
            Some(server) => server.store(),
            None => return,
        },
        forgets_by_itself
    );
}

mod on_a_cluster {
    use crate::support::redis::shared_cluster;

    tower_jwt_auth::token_store_conformance!(
        match shared_cluster() {
            Some(cluster) => cluster.store(),
            None => return,
        },
        forgets_by_itself
    );
}

/// In the past by any clock: nothing may depend on the clock of the server.
const fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(1_000_000 + secs)
}

const END: NumericDate = at(1_000);

/// A call fails within two seconds; the rest is a margin for a busy machine.
const IN_TIME: Duration = Duration::from_millis(2_500);

fn session<'a>(user: &'a UserId, id: &'a str, refresh: &'a str) -> NewSession<'a> {
    NewSession::new(id, user, refresh, at(0)).with_expiry(END, END)
}

async fn spend(
    store: &RedisStore,
    user: &UserId,
    id: &str,
    refresh: &str,
    successor: &str,
) -> Result<Spent, StoreError> {
    store.spend(&Spend::new(&session(user, id, refresh), at(0), successor)).await
}

async fn is_access_revoked(
    store: &RedisStore,
    user: &UserId,
    id: &str,
) -> Result<bool, StoreError> {
    let token = TokenRef::new(user.as_str(), at(0)).with_jti(Some("access"));
    store.is_revoked(&token.with_session(Some(id))).await
}

/// An error with its sources, as a log shows them.
fn chain(error: &dyn Error) -> String {
    let mut chain = format!("{error} {error:?}");
    let mut next = error.source();
    while let Some(source) = next {
        chain.push_str(&format!(" {source} {source:?}"));
        next = source.source();
    }
    chain
}

/// Spends each of many tokens concurrently over two connections.
async fn one_is_first(stores: &[RedisStore; 2], rounds: usize) {
    for round in 0..rounds {
        let user = Arc::new(UserId::from(format!("racing {round}")));
        stores[0].begin(&session(&user, "s", "0")).await.unwrap();
        let tasks: Vec<_> = (0..64)
            .map(|task| {
                let (store, user) = (stores[task % 2].clone(), Arc::clone(&user));
                tokio::spawn(async move {
                    let successor = format!("next {task}");
                    spend(&store, &user, "s", "0", &successor).await.unwrap()
                })
            })
            .collect();
        let (mut first, mut reused) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Spent::First => first += 1,
                Spent::Reused => reused += 1,
                Spent::Revoked => {}
                Spent::Again { .. } => panic!("there is no grace"),
            }
        }
        assert_eq!((first, reused), (1, 1), "round {round}");
    }
}
