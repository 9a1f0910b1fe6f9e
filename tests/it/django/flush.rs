//! Django's `flushexpiredtokens` does not make tokens valid that were revoked here.

use serde_json::json;
use tower_jwt_auth::{
    NumericDate,
    simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers, Outstanding},
};

use super::{
    configuration,
    database::{Database, Engine},
    endpoints::Endpoint,
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
    a_purge_keeps_the_same_rows(engine);
}

/// Without a leeway and sliding tokens, a purge equals a flush.
fn a_purge_keeps_the_same_rows(engine: Engine) {
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
        let request = Endpoint::Blacklist.request(&pair, side.of::<String>(&tokens));
        assert_eq!(pair.send(side, &request).status, 200);
    }
    pair.django.administer("flush_expired_tokens", &json!({}));
    for side in Side::BOTH {
        let send = |endpoint: Endpoint, token: &String| {
            pair.send(side, &endpoint.request(&pair, token)).status
        };
        assert_eq!(send(Endpoint::Refresh, Side::Ours.of(&tokens)), 401);
        assert_eq!(send(Endpoint::Verify, Side::Ours.of(&tokens)), 400);
        let revived = send(Endpoint::Verify, Side::Django.of(&tokens));
        assert_eq!(revived, 200, "the deviation did not occur: a flush makes it valid again");
    }
}

fn of_a_sliding_token(engine: Engine) {
    let Some(pair) = Pair::start(engine, configuration::sliding()) else { return };
    let (mint, alice) = (pair.mint(), pair.user("alice"));
    let ids = ["refreshed at Django", "refreshed here"];
    let tokens = ids.map(|id| mint.token("sliding", &alice, &[("jti", &json!(id).to_string())]));
    // The rows contain the expiry of the first copies, which is over.
    for id in ids {
        pair.django.administer("outstand", &json!({"jti": id, "exp": now() - 1}));
    }
    let slid = Side::BOTH.map(|side| {
        let reply =
            pair.send(side, &Endpoint::RefreshSliding.request(&pair, side.of::<String>(&tokens)));
        reply.json()["token"].as_str().expect("a token").to_owned()
    });
    for id in ids {
        pair.django.administer("blacklist", &json!({ "jti": id }));
    }
    pair.django.administer("flush_expired_tokens", &json!({}));
    for side in Side::BOTH {
        let send = |token: &String| pair.send(side, &Endpoint::Hello.request(&pair, token)).status;
        assert_eq!(send(Side::Ours.of(&slid)), 401);
        let revived = send(Side::Django.of(&slid));
        assert_eq!(revived, 200, "the deviation did not occur: a flush makes it valid again");
    }
}
