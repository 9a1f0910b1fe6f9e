//! The sizes of tokens, and what limits them.

use std::fs;

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Claims, ConfigErrorKind, Issuer, MemoryStore, SigningKey, Verifier,
    key_rotation::{KeyFolder, RotatingKeys, RotationPolicy},
    routes::SessionRoutes,
    transport::SessionCookies,
    user::User,
};

use super::{ALGORITHMS, SEED, key};
use crate::support::{
    folder::Folder,
    login::{Profile, Setup, ada, refresh_of},
    mint::{Minter, clock},
    repository,
};

fn issuer(setup: &Setup, key: SigningKey) -> Issuer<Profile> {
    let builder = Issuer::builder(key).claims().clock(&setup.clock).store(MemoryStore::new());
    let builder = builder.issuer("https://login.example").audience("https://api.example");
    builder.rfc9068_access_tokens("web").build().unwrap()
}

/// The numbers of the row for `algorithm` in the documentation.
fn documented(algorithm: Algorithm) -> Vec<usize> {
    let page = fs::read_to_string(repository("src/post_quantum.md")).unwrap();
    let start = format!("| {algorithm} |");
    let row = page.lines().find_map(|line| line.strip_prefix(&start)).unwrap();
    let cells = row.trim_end_matches('|').split('|');
    cells.map(|cell| cell.trim().replace(' ', "").parse().unwrap()).collect()
}

#[tokio::test]
async fn keys_and_tokens_have_the_documented_sizes() {
    let ec = SigningKey::generate(Algorithm::ES256).unwrap();
    let rows = ALGORITHMS.map(|(algorithm, public, signature)| (key(algorithm), public, signature));
    for (key, public, signature) in rows.into_iter().chain([(ec, 65, 64)]) {
        let (setup, algorithm) = (Setup::new(), key.algorithm());
        let jwk = key.verifying_key().to_jwk().unwrap();
        let tokens = issuer(&setup, key).login(&ada().with_scopes(["read"])).await.unwrap();
        let sizes =
            [public, signature, jwk.len(), tokens.access().len(), refresh_of(&tokens).len()];
        assert_eq!(documented(algorithm), sizes, "{algorithm}");
    }
}

#[test]
fn tokens_fit_into_the_default_limit() {
    for (algorithm, _, signature) in ALGORITHMS {
        let keys = key(algorithm).verifying_key();
        let verifier: Verifier = Verifier::builder(keys).clock(clock()).build().unwrap();
        let minter = Minter::ml_dsa(algorithm, SEED);
        // What remains for header and payload.
        let rest = 8192 - (signature * 4).div_ceil(3) - 2;
        let of_len = |len: usize| {
            let bare = minter.token(crate::support::mint::claims(&[("x", "\"\"")]));
            let filling = "x".repeat((len - bare.len()) / 4 * 3);
            minter.token(crate::support::mint::claims(&[("x", &format!("\"{filling}\""))]))
        };
        let longest = of_len(8192);
        assert!((8186..=8192).contains(&longest.len()), "{}", longest.len());
        assert!(verifier.verify(&longest).is_ok(), "{algorithm}: {rest} remain");
        let error = verifier.verify(&of_len(8200)).unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::TooLong);
    }
}

/// The limits of HTTP/1 in hyper.
#[tokio::test]
async fn axum_serves_requests_with_a_token_of_each_size() {
    for (algorithm, ..) in ALGORITHMS {
        let setup = Setup::new();
        let issuer = issuer(&setup, key(algorithm));
        let handler = get(|claims: Claims<Profile>| async move { claims.username.clone() });
        let app = Router::new().route("/me", handler).route_layer(issuer.layer());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move { axum::serve(listener, app).await });

        let tokens = issuer.login(&ada()).await.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!(
            "GET /me HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {}\r\nconnection: close\r\n\r\n",
            tokens.access()
        );
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 200 OK"), "{algorithm}: {response}");
        assert!(response.ends_with("ada"), "{algorithm}: {response}");
        server.abort();
    }
}

fn cookies() -> SessionCookies {
    SessionCookies::builder().public_origin("https://app.example").build().unwrap()
}

#[tokio::test]
async fn tokens_of_ml_dsa_44_fit_into_cookies() {
    let setup = Setup::new();
    let issuer = issuer(&setup, key(Algorithm::MlDsa44));
    let routes = SessionRoutes::builder(issuer.clone(), setup.users.clone(), &cookies());
    let routes = routes.at("/api/session").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    assert!(routes.cookies_for(&tokens).is_ok());
    let username = "x".repeat(600);
    let tokens = issuer.login(&User::new(1, Profile { username })).await.unwrap();
    assert!(routes.cookies_for(&tokens).is_err(), "over 4096 bytes");
}

#[tokio::test]
async fn session_routes_reject_keys_whose_tokens_do_not_fit_into_cookies() {
    for algorithm in [Algorithm::MlDsa65, Algorithm::MlDsa87] {
        let setup = Setup::new();
        let issuer = issuer(&setup, key(algorithm));
        let routes = SessionRoutes::builder(issuer, setup.users.clone(), &cookies()).build();
        assert_eq!(routes.unwrap_err().kind(), ConfigErrorKind::Conflict, "{algorithm}");

        // The present key is for ES256, and the next one is not.
        let folder = Folder::new();
        for (next, is_valid) in
            [(Algorithm::ES256, true), (Algorithm::MlDsa44, true), (algorithm, false)]
        {
            let policy = RotationPolicy::builder(next).clock(&setup.clock).build().unwrap();
            let keys = RotatingKeys::open(KeyFolder::new(folder.path().join("keys")), policy);
            let keys = keys.await.unwrap();
            let issuer = Issuer::builder(&keys).claims::<Profile>().clock(&setup.clock);
            let issuer = issuer.store(MemoryStore::new()).build().unwrap();
            let signing = issuer.login(&ada()).await.unwrap();
            assert!(signing.access().len() < 1024, "ES256 signs for another hour");
            let routes = SessionRoutes::builder(issuer, setup.users.clone(), &cookies()).build();
            assert_eq!(routes.is_ok(), is_valid, "{next}");
        }
    }
}
