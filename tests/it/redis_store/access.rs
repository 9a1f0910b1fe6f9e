//! Access control lists: a health check fails if a login, a refresh or a revocation would.

use tower_jwt_auth::{
    store::{Consume, RedisStore, Revocation, Spend, StoreError, TokenStore},
    token::UserId,
};

use super::{END, at, chain, session};
use crate::support::redis::{RedisServer, is_installed};

/// A user that may do everything with the keys and channels that begin with the default prefix.
const RULES: &str = "ACL SETUSER app reset on >secret ~jwt:* &jwt:* +@all";

async fn use_all(store: &RedisStore, user: &UserId) -> Result<(), StoreError> {
    store.generation().await?;
    let login = session(user, "s", "0");
    store.begin(&login).await?;
    store.begin(&session(user, "t", "0").with_limit(std::num::NonZero::new(1))).await?;
    store.spend(&Spend::new(&login, at(0), "1")).await?;
    for revocation in [
        Revocation::Token { jti: "j", user_id: user, keep_until: END },
        Revocation::Session { session_id: "s", user_id: user, keep_until: END },
        Revocation::User { user_id: user, except: Some("t"), keep_until: END },
    ] {
        store.revoke(&revocation, at(0)).await?;
    }
    for consume in [Consume::token("c", user, at(0), END), Consume::other("c", user, END)] {
        store.consume(&consume.with_session(Some("t")), at(0)).await?;
    }
    for label in [Some("telephone"), None] {
        store.set_label(user, "t", label, at(0)).await?;
    }
    let page = tower_jwt_auth::store::Page::first().with_limit(1);
    store.sessions(user, at(0), page).await.map(drop)
}

fn restricted(server: &RedisServer) -> RedisStore {
    RedisStore::connect_lazy(&format!("redis://app:secret@127.0.0.1:{}/", server.port())).unwrap()
}

#[tokio::test]
async fn ping_fails_without_the_channel() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let (store, user) = (restricted(&server), UserId::from("ada"));
    for channels in ["resetchannels", "resetchannels &other:*"] {
        server.run::<String>(&format!("{RULES} {channels}")).await;
        let end = Revocation::User { user_id: &user, except: None, keep_until: END };
        store.revoke(&end, at(0)).await.expect_err("nothing can be published");
        let error = store.ping().await.expect_err("nothing could be revoked");
        assert!(chain(&error).contains("channel"), "{}", chain(&error));
    }
    server.run::<String>(RULES).await;
    store.ping().await.expect("everything is allowed");
    use_all(&store, &user).await.unwrap();
}

#[tokio::test]
async fn ping_fails_without_the_keys() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let store = restricted(&server);
    server.run::<String>(&format!("{RULES} resetkeys ~other:*")).await;
    store.ping().await.expect_err("no key can be used");
}

/// Denies each command that the scripts call.
#[tokio::test]
async fn ping_fails_without_a_command() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    server.run::<String>(RULES).await;
    let store = restricted(&server);
    // Every script has been loaded when one of them fails.
    use_all(&store, &UserId::from("ada")).await.unwrap();
    let commands: Vec<String> = server.run("COMMAND LIST").await;
    let mut denied = 0;
    for (number, command) in commands.iter().enumerate() {
        // Denying these affects the connection, or they have subcommands.
        if matches!(&**command, "auth" | "hello" | "acl" | "client" | "eval" | "evalsha") {
            continue;
        }
        server.run::<String>(&format!("{RULES} -{command}")).await;
        let user = UserId::from(format!("{command} {number}"));
        if let Err(error) = use_all(&store, &user).await {
            denied += 1;
            store.ping().await.expect_err(&format!("{command}: {}", chain(&error)));
        }
    }
    assert!(denied >= 15, "only {denied} commands are needed");
}

#[tokio::test(flavor = "multi_thread")]
async fn pings_do_not_disturb_a_replica() {
    if !is_installed() {
        return;
    }
    let server = RedisServer::start(&[]);
    let replica = crate::replica::feed_rules::fresh(server.store()).await;
    for _ in 0..50 {
        replica.ping().await.unwrap();
        assert!(replica.is_fresh());
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    assert!(replica.is_fresh());
    assert_eq!(server.run::<usize>("DBSIZE").await, 0, "a ping leaves nothing behind");
}
