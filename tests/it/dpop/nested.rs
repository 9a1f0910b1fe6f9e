//! Nested routers of axum, which remove the beginning of the path.

use axum::{Router, routing::get as route};
use tower_jwt_auth::{AuthErrorKind, Claims};

use crate::support::reply::{Reply, send};

use super::{
    assert_accepted, assert_invalid_proof,
    client::{Client, get},
    dpop, layer,
};

fn routes() -> Router {
    let handler = || route(|claims: Claims| async move { claims.user_id().to_string() });
    Router::new().route("/", handler()).route("/notes", handler())
}

fn protected() -> Router {
    routes().layer(layer().with_dpop(dpop().build().unwrap()))
}

/// Sends a request to `path` with a proof for `proven`.
async fn send_to(app: &Router, path: &str, proven: &str) -> Reply {
    let client = Client::es256();
    let token = client.token();
    let proof = client.proof(proven, &token).sign();
    send(app, get(path, &format!("DPoP {token}"), [&*proof])).await
}

#[tokio::test]
async fn the_url_has_the_paths_of_all_routers() {
    let twice = Router::new().nest("/v1", Router::new().nest("/api/", protected()));
    for (app, path) in [
        (Router::new().nest("/api", protected()), "/api/notes"),
        (Router::new().nest("/api/v1", protected()), "/api/v1/notes"),
        (Router::new().nest("/%7Bapi", protected()), "/%7Bapi/notes"),
        (Router::new().nest_service("/api", protected()), "/api/notes"),
        (Router::new().nest("/v1", Router::new().nest("/api", protected())), "/v1/api/notes"),
        (twice, "/v1/api/notes"),
    ] {
        assert_accepted(&send_to(&app, path, path).await);
        assert_accepted(&send_to(&app, &format!("{path}?page=2"), path).await);
        for other in ["/notes", "/api/other", "/other/notes", "/"] {
            assert_invalid_proof(&send_to(&app, path, other).await, "htu");
        }
    }
}

/// Both become `/` in the nested router.
#[tokio::test]
async fn a_slash_after_the_path_of_a_router_does_not_matter() {
    let app = Router::new().nest_service("/api", protected());
    for path in ["/api", "/api/"] {
        for proven in ["/api", "/api/"] {
            assert_accepted(&send_to(&app, path, proven).await);
        }
        for other in ["/", "/api//", "/other"] {
            assert_invalid_proof(&send_to(&app, path, other).await, "htu");
        }
    }
    let app = Router::new().nest("/api", protected());
    assert_invalid_proof(&send_to(&app, "/api/notes", "/api/notes/").await, "htu");
}

#[tokio::test]
async fn a_layer_below_a_capture_is_misconfigured() {
    let app = Router::new().nest("/{tenant}", protected());
    let reply = send_to(&app, "/acme/notes", "/acme/notes").await;
    assert_eq!(reply.status, 500);
    let error = reply.error.unwrap();
    assert_eq!(error.kind(), AuthErrorKind::Misconfigured);
    let source = std::error::Error::source(&error).unwrap().to_string();
    assert!(source.contains("put it around the outer router"), "{source}");

    let app = Router::new().nest("/{tenant}", routes());
    let app = app.layer(layer().with_dpop(dpop().build().unwrap()));
    assert_accepted(&send_to(&app, "/acme/notes", "/acme/notes").await);
    assert_invalid_proof(&send_to(&app, "/acme/notes", "/other/notes").await, "htu");
}
