//! Requests that schemathesis makes up from the documents.

use std::{env, net::Ipv4Addr, path::PathBuf, process::Command};

use axum::{Json, routing::get};
use serde_json::json;
use tokio::{net::TcpListener, task::spawn_blocking};
use tower_jwt_auth::{
    store::MemoryStore,
    throttle::{AttemptLimit, Throttle},
};

use crate::support::server::Server;

use super::{
    drive::Described,
    services,
    sessions::{self, cookies},
    tokens,
};

/// No status and no body is undocumented, and none is a `5xx`.
const CHECKS: &str = "not_a_server_error,status_code_conformance,content_type_conformance,\
                      response_headers_conformance,response_schema_conformance,unsupported_method,\
                      use_after_free,ensure_resource_availability";

/// The program of the packages in `tests/requirements.txt`.
fn program() -> Option<PathBuf> {
    let Some(python) = env::var_os("TOWER_JWT_AUTH_PYTHON") else {
        eprintln!("skipped: TOWER_JWT_AUTH_PYTHON is not set (tests/run sets it)");
        return None;
    };
    Some(PathBuf::from(python).with_file_name("schemathesis"))
}

/// Sends requests to the operations at `url`, except those with paths that match `excluded`. The
/// requests are the same in each run.
fn run(program: PathBuf, url: &str, access: &str, filter: [&str; 2]) {
    let mut command = Command::new(program);
    command.args(["run", url, "--seed", "1", "--max-examples", "8", "--no-color"]);
    command.args(["--checks", CHECKS, "--suppress-health-check", "all"]);
    command.args(["--generation-deterministic"]);
    command.args(["--header", &format!("Authorization: Bearer {access}")]).args(filter);
    let output = command.output().expect("schemathesis is installed");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.contains("passed"), "{text}");
}

/// Runs against the operations that end no session, then against the others.
fn run_all(program: PathBuf, url: &str, access: impl Fn() -> String) {
    const ENDING: &str = "logout|/api/me|/api/session/$|/api/password$|/api/totp";
    run(program.clone(), url, &access(), ["--exclude-path-regex", ENDING]);
    run(program, url, &access(), ["--include-path-regex", ENDING]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn no_response_of_the_routes_is_undocumented() {
    let Some(program) = program() else { return };
    let throttle = || {
        let limit = AttemptLimit::new(10_000).unwrap();
        Throttle::builder(MemoryStore::new()).per_account(limit).per_address(limit)
    };
    let tokens = tokens::described(|routes| {
        routes
            .password_grant_path("/grant")
            .throttle(throttle().build().unwrap())
            .refresh_throttle(throttle().build().unwrap())
            .session_list_at("/api/tokens")
    });
    let access = tokens::log_in(&tokens).await["access"].as_str().unwrap().to_owned();
    let sessions = sessions::described(&cookies(), |routes| {
        let throttle = || throttle().build().unwrap();
        routes.throttle(throttle()).refresh_throttle(throttle())
    });
    let all = [tokens, sessions, services::well_known()];
    let mut app = axum::Router::new();
    let mut document = None;
    for Described { app: router, document: described, .. } in all {
        app = app.merge(router);
        document = Some(match document {
            None => described.openapi,
            Some(document) => utoipa::openapi::OpenApi::merge_from(document, described.openapi),
        });
    }
    let app = app.route("/openapi.json", get(async || Json(document)));
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let url = format!("http://{}/openapi.json", listener.local_addr().unwrap());
    let server = tokio::spawn(async { axum::serve(listener, app).await });
    spawn_blocking(move || run_all(program, &url, || access.clone())).await.unwrap();
    server.abort();
}

#[test]
fn no_response_of_the_webapp_is_undocumented() {
    let Some(program) = program() else { return };
    let folder = crate::support::folder::Folder::new();
    let database = format!("sqlite:{}", folder.path().join("app.db").display());
    let server = Server::start(
        "webapp",
        &[("PORT", "0"), ("DATABASE_URL", &database), ("OUTBOX", folder.path().to_str().unwrap())],
    );
    let body = json!({
        "username": "ada", "email": "ada@example.com", "password": "punched cards and brass",
        "tokens": true,
    });
    let json = "Content-Type: application/json\r\n";
    let reply = server.send("POST /api/users/", json, body.to_string().as_bytes());
    assert_eq!(reply.status, 201, "{reply:?}");
    let access = || {
        let body = json!({"username": "ada", "password": "punched cards and brass"}).to_string();
        let reply = server.send("POST /api/token/", json, body.as_bytes());
        reply.json()["access"].as_str().unwrap().to_owned()
    };
    run_all(program, &format!("http://{}/api/openapi.json", server.address()), access);
}
