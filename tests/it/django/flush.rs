//! Django's `flushexpiredtokens` revives nothing that was revoked here.

use serde_json::json;

use super::{
    configuration,
    database::Engine,
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
