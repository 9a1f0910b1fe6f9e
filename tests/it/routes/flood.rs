//! More logins than the server can hash passwords for.

use std::sync::mpsc;

use axum::{Router, body::Body, routing::get};
use futures::FutureExt;
use http::Request;
use serde_json::json;
use tokio::{runtime, sync::oneshot, task};
use tower_jwt_auth::{
    TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
};

use crate::support::{
    login::{PASSWORD, Setup, ada},
    reply,
};

use super::{outcome, post_json};

#[test]
fn surplus_logins_are_rejected_while_other_routes_respond() {
    // One blocking thread, which the test holds while it floods.
    let runtime = runtime::Builder::new_current_thread()
        .enable_time()
        .max_blocking_threads(1)
        .build()
        .unwrap();
    runtime.block_on(async {
        let setup = Setup::new();
        let hasher = PasswordHasher::builder().memory_kib(1024).iterations(1);
        let hasher = hasher.max_concurrent(1).max_waiting(1).build().unwrap();
        let users = MemoryUsers::new(hasher);
        users.insert("ada", PASSWORD, ada()).await.unwrap();
        let routes = TokenRoutes::builder(setup.issuer(), users).at("/api/token");
        let app = Router::new()
            .route("/", get(|| async { "public" }))
            .merge(routes.build().unwrap().into_router());
        let (start, started) = oneshot::channel();
        let (release, released) = mpsc::channel::<()>();
        let held = task::spawn_blocking(move || {
            start.send(()).ok();
            released.recv()
        });
        // Until then, the thread may still look for more passwords to hash.
        started.await.unwrap();

        let login = |username: &str| {
            let (app, body) = (app.clone(), json!({"username": username, "password": PASSWORD}));
            async move { post_json(&app, "/api/token/", &body).await }
        };
        let mut running = Box::pin(login("ada"));
        let mut waiting = Box::pin(login("nobody"));
        assert!((&mut running).now_or_never().is_none());
        assert!((&mut waiting).now_or_never().is_none());
        for username in ["ada", "nobody", "ada"] {
            let rejected = login(username).now_or_never().expect("no waiting");
            assert_eq!(outcome(&rejected), (503, "overloaded".to_owned()));
        }
        // A password that is too long is rejected without hashing.
        let long = json!({"username": "ada", "password": "x".repeat(1025)});
        let reply = post_json(&app, "/api/token/", &long).now_or_never().expect("no waiting");
        assert_eq!(outcome(&reply), (401, "invalid_credentials".to_owned()));
        let public = Request::get("/").body(Body::empty()).unwrap();
        let public = reply::send(&app, public).now_or_never().expect("no waiting");
        assert_eq!(public.body, "public");
        let verify = json!({"token": "x"});
        let verify = post_json(&app, "/api/token/verify/", &verify).now_or_never();
        assert_eq!(verify.expect("no waiting").status, 401);

        drop(release);
        assert!(held.await.unwrap().is_err());
        assert_eq!(running.await.status, 200);
        assert_eq!(waiting.await.status, 401);
        assert_eq!(login("ada").await.status, 200);
    });
}
