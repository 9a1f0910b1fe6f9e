//! PostgreSQL as a feed.

use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};
use tower_jwt_auth::store::{PostgresStore, TokenStore};

use crate::support::{
    postgres::{Server, shared},
    session::new_id,
};

use super::feed_rules::{self, Token, fresh};

feed_rules::feed_rules!("PostgreSQL");

/// Connects to private tables.
fn connector() -> Option<impl Fn() -> PostgresStore> {
    let server = shared()?;
    let prefix = format!("replica_{}_", new_id().replace('-', "_"));
    Some(move || {
        let store = PostgresStore::connect_lazy(&server.url()).unwrap();
        store.with_table_prefix(&prefix).unwrap()
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn loses_nothing_while_the_server_is_down() {
    let Some(server) = Server::start() else { return };
    let connect = || PostgresStore::connect_lazy(&server.url()).unwrap();
    let (stop, start) = (|| server.kill(), || server.run());
    feed_rules::loses_nothing_while_the_server_is_down(connect(), connect(), stop, start).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn schemas_are_isolated() {
    let Some(server) = shared() else { return };
    let mut connection = PgConnection::connect(&server.url()).await.unwrap();
    let mut replicas = Vec::new();
    for _ in 0..2 {
        let schema = format!("schema_{}", new_id().replace('-', "_"));
        let create = AssertSqlSafe(format!("CREATE SCHEMA {schema}"));
        raw_sql(create).execute(&mut connection).await.unwrap();
        let url = format!("{}&options[search_path]={schema}", server.url());
        replicas.push(fresh(PostgresStore::connect_lazy(&url).unwrap()).await);
    }
    let (token, marker) = (Token::new(), Token::new());
    token.revoke(&replicas[0]).await;
    marker.revoke(replicas[1].store()).await;
    feed_rules::rejected(&replicas[1], &marker.as_ref()).await;
    assert_eq!(replicas[1].is_revoked_now(&token.as_ref()), Some(false));
}
