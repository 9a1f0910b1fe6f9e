//! Routes whose tokens may be bound to the key of the client (RFC 9449).

use http::Method;
use tower_jwt_auth::{MemoryStore, possession::Dpop};

use super::{
    drive::{Described, drive},
    tokens::{described, draft},
};

fn dpop() -> Dpop {
    let dpop = Dpop::builder("https://api.example").store(MemoryStore::new());
    dpop.clock(crate::support::mint::clock()).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn every_response_of_token_routes_with_dpop_is_described() {
    drive(
        async || described(|routes| routes.dpop(dpop())),
        async |described: &Described, method: &Method, path: &str, code: &str| {
            draft(described, method, path, code).await
        },
    )
    .await;
}
