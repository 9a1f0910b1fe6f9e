//! The stores that are compared with the model.

use tokio::runtime::Runtime;
use tower_jwt_auth::store::{MemoryStore, PostgresStore, SqliteStore};

use crate::support::{folder::Folder, postgres, redis};

/// The tests of a store. `$store` is an `Option` of the store and of what must live as long.
macro_rules! tests_on {
    ($name:ident, $cases:literal, $store:expr) => {
        mod $name {
            use super::*;

            #[test]
            fn sequential_results_are_those_of_the_model() {
                let runtime = Runtime::new().unwrap();
                if let Some((store, _guard)) = runtime.block_on(async { $store }) {
                    crate::model::sequential_results_are_those_of_the_model(
                        &runtime, &store, $cases,
                    );
                }
            }

            #[test]
            fn concurrent_results_are_those_of_some_order() {
                let runtime = Runtime::new().unwrap();
                if let Some((store, _guard)) = runtime.block_on(async { $store }) {
                    crate::model::concurrent_results_are_those_of_some_order(
                        &runtime, &store, $cases,
                    );
                }
            }
        }
    };
}

tests_on!(in_memory, 1_000, Some((MemoryStore::new(), ())));
tests_on!(on_sqlite, 100, {
    let folder = Folder::new();
    let url = format!("sqlite:{}/sessions.db", folder.path().display());
    Some((SqliteStore::connect_lazy(&url).unwrap(), folder))
});
tests_on!(on_postgres, 100, {
    let server = postgres::Server::start();
    server.map(|server| (PostgresStore::connect_lazy(&server.url()).unwrap(), server))
});
tests_on!(on_redis, 100, {
    let server = redis::is_installed().then(|| redis::RedisServer::start(&[]));
    server.map(|server| (server.store(), server))
});
tests_on!(on_a_redis_cluster, 50, redis::shared_cluster().map(|cluster| (cluster.store(), ())));
