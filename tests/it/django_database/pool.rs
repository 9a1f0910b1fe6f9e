//! A pool of the application's own.

use std::time::Duration;

use futures::future::join_all;
use sqlx::{PgPool, postgres::PgPoolOptions};
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};

use crate::support::session::at;

use super::schema::{Fixture, token};

fn pool_of(fixture: &Fixture) -> PgPool {
    let options = PgPoolOptions::new().max_connections(2).acquire_timeout(Duration::from_secs(1));
    options.connect_lazy(&fixture.url()).unwrap()
}

#[tokio::test]
async fn calls_share_the_connections_of_a_pool() {
    let Some(fixture) = Fixture::postgres().await else { return };
    fixture.add_user(7, "ada", "!", true).await;
    let pool = pool_of(&fixture);
    let database = DjangoDatabase::from_pool(pool.clone());
    database.ping().await.unwrap();
    let users = DjangoUsers::new(database);
    let store = DjangoStore::new(users.clone());
    let calls = (0..16).map(|number| {
        let (users, store) = (users.clone(), store.clone());
        async move {
            let jti = format!("token {number}");
            assert_eq!(users.find("7").await.unwrap().unwrap().username(), "ada");
            assert!(store.blacklist(&token(&jti, "7", 1000), at(1)).await.unwrap());
            assert!(store.is_blacklisted(&jti).await.unwrap());
        }
    });
    join_all(calls).await;
    assert!(pool.size() <= 2, "{}", pool.size());

    // The application can use the pool meanwhile.
    let one: i32 = sqlx::query_scalar("SELECT 1").fetch_one(&pool).await.unwrap();
    assert_eq!(one, 1);
}

#[tokio::test]
async fn calls_fail_in_time_if_the_application_holds_all_connections() {
    let Some(fixture) = Fixture::postgres().await else { return };
    let pool = pool_of(&fixture);
    let store = DjangoStore::new(DjangoUsers::new(DjangoDatabase::from_pool(pool.clone())));
    store.ping().await.unwrap();
    let held = [pool.acquire().await.unwrap(), pool.acquire().await.unwrap()];
    let began = tokio::time::Instant::now();
    assert!(store.is_blacklisted("a").await.is_err());
    assert!(began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    drop(held);
    assert!(!store.is_blacklisted("a").await.unwrap());
}
