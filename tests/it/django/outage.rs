//! The database becomes unreachable, and recovers.

use sqlx::{AssertSqlSafe, Connection, PgConnection, raw_sql};

use crate::support::postgres;

use super::{
    configuration,
    database::Engine,
    deviations::assert_is_documented,
    endpoints::Endpoint,
    pair::{Pair, Side, log_in},
};

const UNREACHABLE: &str = "an unreachable database";

#[test]
fn of_postgres() {
    let configuration = configuration::rotation_with_blacklist();
    let Some(pair) = Pair::start(Engine::Postgres, configuration) else { return };
    assert_is_documented(UNREACHABLE);
    let mint = pair.mint();
    let alice = pair.user("alice");
    let rows = pair.rows().outstanding.len();
    let name = pair.database.settings["NAME"].as_str().unwrap().to_owned();
    let stateless = Endpoint::Stateless.request(&pair, &mint.token("access", &alice, &[]));
    let mut requests = vec![log_in("/api/token/", "alice"), log_in("/api/token/sliding/", "alice")];
    for endpoint in [
        Endpoint::Hello,
        Endpoint::Refresh,
        Endpoint::Verify,
        Endpoint::Blacklist,
        Endpoint::RefreshSliding,
    ] {
        requests
            .push(endpoint.request(&pair, &mint.token(endpoint.token_type(&pair), &alice, &[])));
    }

    administer(&format!(
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false;
         SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}';"
    ));
    for request in &requests {
        assert_eq!(pair.send(Side::Django, request).status, 500, "the deviation did not occur");
        let reply = pair.send(Side::Ours, request);
        assert_eq!(reply.status, 503, "{} {reply:?}", request.line);
        assert_eq!(reply.header("retry-after").len(), 1);
        assert!(!reply.body.contains("eyJ"));
    }
    for side in Side::BOTH {
        assert_eq!(pair.send(side, &stateless).status, 200);
    }

    administer(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"));
    pair.database.reconnect();
    assert_eq!(pair.rows().outstanding.len(), rows);
    for request in &requests {
        let reply = pair.send(Side::Ours, request);
        assert_eq!(reply.status, 200, "{} {reply:?}", request.line);
    }
}

fn administer(statements: &str) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = postgres::shared().expect("checked before").url();
        let mut connection = PgConnection::connect(&url).await.unwrap();
        let statements = AssertSqlSafe(statements.to_owned());
        raw_sql(statements).execute(&mut connection).await.unwrap();
    });
}
