//! Concurrent refreshes with one refresh token.

use std::{collections::BTreeSet, time::Duration};

use tokio::task::JoinSet;
use tower_jwt_auth::{AuthErrorKind, Issuer, MemoryStore, issue::Tokens, token::UserId};

use crate::support::login::{Directory, MINUTE, Profile, Setup, ada, key, payload, refresh_of};

const ROUNDS: usize = 200;
const TASKS: usize = 64;

/// Spends the refresh token of `tokens` in many tasks at once.
async fn race(
    issuer: &Issuer<Profile>,
    users: &Directory<Profile>,
    tokens: &Tokens,
) -> (Vec<Tokens>, Vec<AuthErrorKind>) {
    let mut tasks = JoinSet::new();
    for _ in 0..TASKS {
        let (issuer, users) = (issuer.clone(), users.clone());
        let token = refresh_of(tokens).to_owned();
        tasks.spawn(async move { issuer.refresh(&token, &users).await });
    }
    let (mut won, mut lost) = (Vec::new(), Vec::new());
    for outcome in tasks.join_all().await {
        match outcome {
            Ok(tokens) => won.push(tokens),
            Err(error) => lost.push(error.kind()),
        }
    }
    (won, lost)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_of_many_concurrent_refreshes_wins() {
    let setup = Setup::new();
    let issuer = Issuer::builder(key())
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .reuse_grace(Duration::ZERO)
        .store(MemoryStore::new())
        .build()
        .unwrap();
    for round in 0..ROUNDS {
        let tokens = issuer.login(&ada()).await.unwrap();
        let (won, lost) = race(&issuer, &setup.users, &tokens).await;
        assert_eq!(won.len(), 1, "round {round}");
        let reused = lost.iter().filter(|kind| **kind == AuthErrorKind::Reused).count();
        let revoked = lost.iter().filter(|kind| **kind == AuthErrorKind::Revoked).count();
        assert_eq!((reused, revoked), (1, TASKS - 2), "round {round}");
        assert!(issuer.refresh(refresh_of(&won[0]), &setup.users).await.is_err());
    }
    assert!(issuer.sessions(&UserId::from(1)).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn concurrent_refreshes_within_the_grace_get_one_successor() {
    let setup = Setup::new();
    let issuer = Issuer::builder(key())
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .reuse_grace(MINUTE)
        .store(MemoryStore::new())
        .build()
        .unwrap();
    let mut tokens = issuer.login(&ada()).await.unwrap();
    for round in 0..ROUNDS {
        let (mut won, lost) = race(&issuer, &setup.users, &tokens).await;
        assert!(lost.is_empty(), "round {round}: {lost:?}");
        let ids: BTreeSet<_> =
            won.iter().map(|tokens| payload(refresh_of(tokens))["jti"].to_string()).collect();
        assert_eq!(ids.len(), 1, "round {round}");
        tokens = won.pop().unwrap();
    }
}
