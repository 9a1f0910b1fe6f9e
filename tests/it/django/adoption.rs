//! An issuer that takes over from Django, and asks the blacklist in its tables.

use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, Issuer, MemoryStore, NumericDate, SigningKey,
    simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers},
    token::{NoClaims, UserId},
    user::User,
};

use crate::support::login::{Directory, error_kind, payload, refresh_of};

use super::{
    configuration,
    database::Engine,
    endpoints::Endpoint,
    pair::{Pair, Side, log_in},
    project::SECRET_KEY,
};

#[test]
fn on_sqlite() {
    adopt(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    adopt(Engine::Postgres);
}

/// Refreshes at Django.
fn refresh(pair: &Pair, token: &str) -> String {
    let reply = pair.send(Side::Django, &Endpoint::Refresh.request(pair, token));
    reply.json()["refresh"].as_str().expect("a token").to_owned()
}

fn new_token(pair: &Pair) -> String {
    let reply = pair.send(Side::Django, &log_in("/api/token/", "alice"));
    reply.json()["refresh"].as_str().expect("a token").to_owned()
}

fn adopt(engine: Engine) {
    let Some(pair) = Pair::start(engine, configuration::rotation_with_blacklist()) else { return };
    let mut chain = vec![new_token(&pair)];
    for generation in 0..4 {
        chain.push(refresh(&pair, &chain[generation]));
    }
    let newest = chain.pop().unwrap();
    let logged_out = new_token(&pair);
    let reply = pair.send(Side::Django, &Endpoint::Blacklist.request(&pair, &logged_out));
    assert_eq!(reply.status, 200);

    let user_id = UserId::from(payload(&newest)["user_id"].as_str().unwrap());
    let users = Directory::<NoClaims>::default();
    users.put(User::new(user_id.clone(), NoClaims::default()));
    tokio::runtime::Runtime::new().unwrap().block_on(async {
        let database = DjangoDatabase::connect_lazy(&pair.database.url).unwrap();
        let blacklist = DjangoStore::new(DjangoUsers::new(database));
        let issuer = Issuer::builder(SigningKey::hs256(SECRET_KEY).unwrap())
            .rotate_refresh_tokens(true)
            .store(MemoryStore::new())
            .adopt_refresh_tokens(blacklist.adopt_until(NumericDate::MAX))
            .build()
            .unwrap();
        for token in chain.iter().chain([&logged_out]) {
            let rejected = issuer.refresh(token, &users).await;
            assert_eq!(error_kind(rejected), AuthErrorKind::Revoked);
            assert_eq!(error_kind(issuer.verify(token).await), AuthErrorKind::Revoked);
        }
        assert_eq!(issuer.sessions(&user_id).await.unwrap().len(), 0);

        let tokens = issuer.refresh(&newest, &users).await.unwrap();
        assert!(issuer.refresh(refresh_of(&tokens), &users).await.is_ok());
        for token in &chain {
            issuer.refresh(token, &users).await.unwrap_err();
        }
        assert_eq!(issuer.sessions(&user_id).await.unwrap().len(), 1);
    });
    // The tables are only read.
    let rows = pair.rows();
    assert_eq!((rows.outstanding.len(), rows.blacklisted.len()), (6, 5), "{}", json!(chain));
}
