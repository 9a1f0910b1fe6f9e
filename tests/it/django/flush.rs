//! Django's `flushexpiredtokens` revives nothing that was revoked here.

use serde_json::json;
use tower_jwt_auth::{
    NumericDate,
    simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers, Outstanding},
};

use super::{
    configuration,
    database::{Database, Engine},
    doors::Door,
    minting::now,
    pair::{Pair, Side},
};

#[test]
fn on_sqlite() {
    flush(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    flush(Engine::Postgres);
}

fn flush(engine: Engine) {
    within_the_leeway(engine);
    of_a_sliding_token(engine);
    a_purge_leaves_the_same(engine);
}

/// Where neither a leeway nor sliding tokens are at play.
fn a_purge_leaves_the_same(engine: Engine) {
    let Some(flushed) = Pair::start(engine, configuration::defaults()) else { return };
    let purged = Database::new(engine, true).expect("as above");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let now = NumericDate::from_secs(now().cast_unsigned());
    runtime.block_on(async {
        let stores = [&flushed.database, &purged].map(|database| {
            let database = DjangoDatabase::connect_lazy(&database.url).unwrap();
            DjangoStore::new(DjangoUsers::new(database))
        });
        for store in &stores {
            for age in [-100_000, -100, 1, 2, 100, 100_000] {
                for (jti, user_id) in [("a", Some("1")), ("b", None), ("c", Some("1"))] {
                    let jti = format!("{jti} {age}");
                    let expires_at = now.as_secs().saturating_add_signed(-age);
                    let expires_at = NumericDate::from_secs(expires_at);
                    let token = Outstanding { jti: &jti, user_id, expires_at };
                    if jti.starts_with('c') {
                        store.outstand(&token, now).await.unwrap();
                    } else {
                        assert!(store.blacklist(&token, now).await.unwrap());
                    }
                }
            }
        }
        assert_eq!(stores[1].purge(now, 100).await.unwrap(), 12);
    });
    flushed.django.administer("flush_expired_tokens", &json!({}));
    let [flushed, purged] = [flushed.rows(), purged.rows()];
    assert_eq!(flushed.outstanding, purged.outstanding);
    assert_eq!(flushed.blacklisted, purged.blacklisted);
    assert_eq!((purged.outstanding.len(), purged.blacklisted.len()), (6, 4));
}

fn within_the_leeway(engine: Engine) {
    let Some(pair) = Pair::start(engine, configuration::leeway()) else { return };
    let (mint, alice) = (pair.mint(), pair.user("alice"));
    let exp = (now() - 10).to_string();
    let tokens = Side::BOTH.map(|_| mint.token("refresh", &alice, &[("exp", &exp)]));
    for side in Side::BOTH {
        let request = Door::Blacklist.request(&pair, side.of::<String>(&tokens));
        assert_eq!(pair.send(side, &request).status, 200);
    }
    pair.django.administer("flush_expired_tokens", &json!({}));
    for side in Side::BOTH {
        let ask = |door: Door, token: &String| pair.send(side, &door.request(&pair, token)).status;
        assert_eq!(ask(Door::Refresh, Side::Ours.of(&tokens)), 401);
        assert_eq!(ask(Door::Verify, Side::Ours.of(&tokens)), 400);
        let revived = ask(Door::Verify, Side::Django.of(&tokens));
        assert_eq!(revived, 200, "no deviation any more: a flush revives it");
    }
}

fn of_a_sliding_token(engine: Engine) {
    let Some(pair) = Pair::start(engine, configuration::sliding()) else { return };
    let (mint, alice) = (pair.mint(), pair.user("alice"));
    let ids = ["slid at Django", "slid here"];
    let tokens = ids.map(|id| mint.token("sliding", &alice, &[("jti", &json!(id).to_string())]));
    // Their rows are those of the first copies, which have expired by now.
    for id in ids {
        pair.django.administer("outstand", &json!({"jti": id, "exp": now() - 1}));
    }
    let slid = Side::BOTH.map(|side| {
        let reply =
            pair.send(side, &Door::RefreshSliding.request(&pair, side.of::<String>(&tokens)));
        reply.json()["token"].as_str().expect("a token").to_owned()
    });
    for id in ids {
        pair.django.administer("blacklist", &json!({ "jti": id }));
    }
    pair.django.administer("flush_expired_tokens", &json!({}));
    for side in Side::BOTH {
        let ask = |token: &String| pair.send(side, &Door::Hello.request(&pair, token)).status;
        assert_eq!(ask(Side::Ours.of(&slid)), 401);
        let revived = ask(Side::Django.of(&slid));
        assert_eq!(revived, 200, "no deviation any more: a flush revives it");
    }
}
