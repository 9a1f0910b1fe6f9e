//! Several issuers with the same user ids on one store.

use std::{collections::HashSet, num::NonZeroUsize};

use axum::{Router, body::Body, routing::get};
use http::{Request, StatusCode};
use tower_jwt_auth::{
    AuthErrorKind, Issuer, JwtAuthLayer, MemoryStore, Verifier,
    issue::Tokens,
    store::{
        PostgresStore, Revocation, SqliteStore, TokenStore, replica::RevocationReplica,
        scoped_user_id,
    },
    token::{TokenType, UserId},
};

use crate::support::{
    folder::Folder,
    login::{HOUR, MINUTE, Profile, Setup, ada, error_kind, key, refresh_of},
    postgres, redis,
    reply::send,
};

const SHOP: &str = "https://shop.example";
const BLOG: &str = "https://blog.example";

fn issuer(setup: &Setup, store: &(impl TokenStore + Clone), iss: Option<&str>) -> Issuer<Profile> {
    let mut builder = setup
        .plain_builder()
        .store(store.clone())
        .rotate_refresh_tokens(true)
        .sessions_per_user(NonZeroUsize::new(2));
    if let Some(iss) = iss {
        builder = builder.issuer(iss);
    }
    builder.build().unwrap()
}

async fn status(layer: JwtAuthLayer<Profile>, token: &str) -> StatusCode {
    let app = Router::new().route("/", get(async || "")).layer(layer);
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    send(&app, request.body(Body::empty()).unwrap()).await.status
}

/// The layer of a service that knows the verifier and the store, but not the issuer.
fn layer(verifier: Verifier<Profile>, store: &(impl TokenStore + Clone)) -> JwtAuthLayer<Profile> {
    JwtAuthLayer::new(verifier).with_revocation_check(store.clone())
}

async fn issuers_do_not_end_each_others_sessions(store: impl TokenStore + Clone) {
    let setup = Setup::new();
    let long = format!("{SHOP}/{}", "x".repeat(255));
    let issuers =
        [None, Some(SHOP), Some(BLOG), Some(&*long)].map(|iss| issuer(&setup, &store, iss));
    for (index, ending) in issuers.iter().enumerate() {
        let others = || issuers.iter().enumerate().filter(|(other, _)| *other != index);
        let mut kept = Vec::new();
        for (_, other) in others() {
            other.revoke_user(&UserId::from(1)).await.unwrap();
            kept.push([other.login(&ada()).await.unwrap(), other.login(&ada()).await.unwrap()]);
        }
        let first = ending.login(&ada()).await.unwrap();
        setup.clock.advance(MINUTE);
        let newer = ending.login(&ada()).await.unwrap();
        setup.clock.advance(MINUTE);
        // Ends the first one.
        let last = ending.login(&ada()).await.unwrap();
        assert_revoked(ending, &store, &first).await;
        ending.revoke_session(&UserId::from(1), last.session_id()).await.unwrap();
        for (number, (_, other)) in others().enumerate() {
            let foreign = kept[number][0].session_id();
            ending.revoke_session(&UserId::from(1), foreign).await.unwrap();
            ending.revoke_other_sessions(&UserId::from(1), foreign).await.unwrap();
            assert_eq!(other.sessions(&UserId::from(1)).await.unwrap().len(), 2);
        }
        ending.revoke_user(&UserId::from(1)).await.unwrap();
        for tokens in [&first, &newer, &last] {
            assert_revoked(ending, &store, tokens).await;
        }
        assert!(ending.sessions(&UserId::from(1)).await.unwrap().is_empty());
        for (number, (_, other)) in others().enumerate() {
            assert_eq!(other.sessions(&UserId::from(1)).await.unwrap().len(), 2);
            for tokens in &kept[number] {
                for token in [tokens.access(), refresh_of(tokens)] {
                    assert!(other.verify(token).await.is_ok());
                }
                let layer = layer(other.verifier(), &store);
                assert_eq!(status(layer, tokens.access()).await, StatusCode::OK);
                other.refresh(refresh_of(tokens), &setup.users).await.unwrap();
            }
        }
    }
}

async fn assert_revoked(
    issuer: &Issuer<Profile>,
    store: &(impl TokenStore + Clone),
    tokens: &Tokens,
) {
    for token in [tokens.access(), refresh_of(tokens)] {
        assert_eq!(error_kind(issuer.verify(token).await), AuthErrorKind::Revoked);
    }
    for layer in [issuer.layer(), layer(issuer.verifier(), store)] {
        assert_eq!(status(layer, tokens.access()).await, StatusCode::UNAUTHORIZED);
    }
}

#[tokio::test]
async fn issuers_in_memory_do_not_end_each_others_sessions() {
    issuers_do_not_end_each_others_sessions(MemoryStore::new()).await;
}

#[tokio::test]
async fn issuers_on_sqlite_do_not_end_each_others_sessions() {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    issuers_do_not_end_each_others_sessions(SqliteStore::connect_lazy(&url).unwrap()).await;
}

#[tokio::test]
async fn issuers_on_postgres_do_not_end_each_others_sessions() {
    if let Some(server) = postgres::Server::start() {
        let store = PostgresStore::connect_lazy(&server.url()).unwrap();
        issuers_do_not_end_each_others_sessions(store).await;
    }
}

#[tokio::test]
async fn issuers_on_redis_do_not_end_each_others_sessions() {
    if redis::is_installed() {
        let server = redis::RedisServer::start(&[]);
        issuers_do_not_end_each_others_sessions(server.store()).await;
    }
}

#[tokio::test]
async fn issuers_on_a_replica_do_not_end_each_others_sessions() {
    if redis::is_installed() {
        let server = redis::RedisServer::start(&[]);
        let replica = RevocationReplica::builder(server.store()).clock(Setup::new().clock);
        let replica = replica.build().unwrap();
        replica.until_fresh().await;
        issuers_do_not_end_each_others_sessions(replica).await;
    }
}

#[tokio::test]
async fn a_layer_for_several_issuers_asks_about_the_user_of_the_issuer() {
    let (setup, store) = (Setup::new(), MemoryStore::new());
    let [shop, blog] = [SHOP, BLOG].map(|iss| issuer(&setup, &store, Some(iss)));
    let both = Verifier::by_issuer([shop.verifier(), blog.verifier()]).unwrap();
    let both = || layer(both.clone(), &store);
    let tokens = [shop.login(&ada()).await.unwrap(), blog.login(&ada()).await.unwrap()];
    shop.revoke_user(&UserId::from(1)).await.unwrap();
    assert_eq!(status(both(), tokens[0].access()).await, StatusCode::UNAUTHORIZED);
    assert_eq!(status(both(), tokens[1].access()).await, StatusCode::OK);
    // By the service itself.
    let user_id = &scoped_user_id(BLOG, &UserId::from(1));
    let now = setup.clock.now();
    let revocation =
        Revocation::User { user_id, except: None, keep_until: now.saturating_add(HOUR) };
    store.revoke(&revocation, now).await.unwrap();
    assert_eq!(status(both(), tokens[1].access()).await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_user_is_revoked_under_all_names_of_an_issuer() {
    for revoking in [SHOP, BLOG] {
        let (setup, store) = (Setup::new(), MemoryStore::new());
        let [shop, blog] = [SHOP, BLOG].map(|iss| issuer(&setup, &store, Some(iss)));
        let verifier = |issuers: &[&str]| {
            let builder = Verifier::builder(key()).claims().clock(&setup.clock);
            builder.issuers(issuers.iter().copied()).build().unwrap()
        };
        let of_both = || verifier(&[SHOP, BLOG]);
        let verifiers = [
            of_both(),
            Verifier::by_issuer([verifier(&["https://c.example"]), of_both()]).unwrap(),
            Verifier::any_of([verifier(&["https://c.example"]), of_both()]).unwrap(),
        ];
        let tokens = [shop.login(&ada()).await.unwrap(), blog.login(&ada()).await.unwrap()];
        for expected in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
            for verifier in &verifiers {
                for tokens in &tokens {
                    let layer = layer(verifier.clone(), &store);
                    assert_eq!(status(layer, tokens.access()).await, expected);
                }
            }
            let now = setup.clock.now();
            let user_id = &scoped_user_id(revoking, &UserId::from(1));
            let keep_until = now.saturating_add(HOUR);
            let revocation = Revocation::User { user_id, except: None, keep_until };
            store.revoke(&revocation, now).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_verifier_that_requires_no_issuer_notices_all_revocations() {
    let (setup, store) = (Setup::new(), MemoryStore::new());
    let [none, shop, blog] = [None, Some(SHOP), Some(BLOG)].map(|iss| issuer(&setup, &store, iss));
    let verifier = || Verifier::builder(key()).clock(&setup.clock);
    let any = || layer(verifier().claims().build().unwrap(), &store);
    for (revoking, is_noticed) in [(&shop, true), (&none, true), (&blog, false)] {
        let tokens = shop.login(&ada()).await.unwrap();
        assert_eq!(status(any(), tokens.access()).await, StatusCode::OK);
        revoking.revoke_user(&UserId::from(1)).await.unwrap();
        let expected = if is_noticed { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
        assert_eq!(status(any(), tokens.access()).await, expected);
        setup.clock.advance(HOUR);
    }
    let tokens = shop.login(&ada()).await.unwrap();
    let refresh = verifier().token_type(TokenType::Refresh);
    let refresh: JwtAuthLayer =
        JwtAuthLayer::new(refresh.build().unwrap()).with_revocation_check(store.clone());
    let app = Router::new().route("/", get(async || "")).layer(refresh);
    for expected in [StatusCode::OK, StatusCode::UNAUTHORIZED] {
        let authorization = format!("Bearer {}", refresh_of(&tokens));
        let request = Request::get("/").header("authorization", authorization);
        let reply = send(&app, request.body(Body::empty()).unwrap()).await;
        assert_eq!(reply.status, expected);
        shop.logout(refresh_of(&tokens)).await.unwrap();
    }
}

#[tokio::test]
async fn a_token_of_another_issuer_can_be_revoked() {
    let (setup, store) = (Setup::new(), MemoryStore::new());
    let [none, shop, blog] = [None, Some(SHOP), Some(BLOG)].map(|iss| issuer(&setup, &store, iss));
    for revoking in [&none, &shop, &blog] {
        let tokens = blog.login(&ada()).await.unwrap();
        let claims = blog.verify(tokens.access()).await.unwrap();
        revoking.revoke_token(&claims).await.unwrap();
        assert_eq!(error_kind(blog.verify(tokens.access()).await), AuthErrorKind::Revoked);
    }
}

#[test]
fn scoped_ids_are_unique_and_short_enough() {
    let long = "x".repeat(254);
    let issuers = ["", "a", "a\0", "ab", "\0", SHOP, &long, &long[1..]];
    let users = ["", "1", "b", "\0", "\x001", &long, &long[1..]];
    let mut ids = HashSet::new();
    for issuer in issuers {
        for user in users {
            let id = scoped_user_id(issuer, &UserId::from(user));
            assert!(id.as_str().len() <= 255);
            // Ids of users without an issuer have no null character.
            assert!(id.as_str().contains('\0'));
            ids.insert(id);
        }
    }
    assert_eq!(ids.len(), issuers.len() * users.len());
}
