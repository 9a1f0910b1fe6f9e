//! A server of the Model Context Protocol (MCP) whose clients find the authorization server by
//! themselves.
//!
//! The tool `whoami` accepts any valid token, `write_note` requires the scope `tools:write`. The
//! example `server` can issue tokens for it:
//!
//! ```sh
//! export ISSUER=http://127.0.0.1:3000 RESOURCE=http://127.0.0.1:3001/mcp
//! AUDIENCE=$RESOURCE KEYS_DIR=/tmp/keys cargo run --example server &
//! PORT=3001 ISSUERS=$ISSUER ALLOW_HTTP=1 cargo run --manifest-path examples/mcp/Cargo.toml
//! ```
//!
//! In another terminal:
//!
//! ```sh
//! ACCESS=$(curl -s http://127.0.0.1:3000/api/token/ \
//!   --json '{"username":"demo","password":"demo-password"}' \
//!   | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! call() {
//!   curl -i http://127.0.0.1:3001/mcp -H "Authorization: Bearer $ACCESS" \
//!     -H "Accept: application/json, text/event-stream" \
//!     --json '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":'"$1"'}'
//! }
//! call '{"name":"whoami"}'
//! call '{"name":"write_note","arguments":{"text":"Buy milk"}}' # 403: the token lacks the scope
//! ```
//!
//! `README.md` describes how to connect an MCP client.
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `RESOURCE` | | the URL of this server as clients know it; the `aud` of tokens must contain it |
//! | `ISSUERS` | | the trusted issuers, comma separated; discovery finds their keys |
//! | `ALLOW_HTTP` | 0 | 1: allows keys over plain HTTP from this machine |

mod guard;
mod response;
mod serve;
mod settings;
mod tools;

use std::{error::Error, process::ExitCode, sync::Arc};

use axum::{
    Router,
    http::{StatusCode, Uri},
    middleware::{from_fn, map_response},
};
use rmcp::transport::streamable_http_server::{
    StreamableHttpServerConfig, StreamableHttpService, session::never::NeverSessionManager,
};
use tokio::runtime::Runtime;
use tower_jwt_auth::{
    JwtAuthLayer, Verifier, jwks::RemoteKeys, protected_resource::ProtectedResource,
    token::TokenProfile,
};

use crate::{
    guard::{BODY_LIMIT, require_scope_of_tool},
    response::{error, errors_as_json},
    serve::serve,
    settings::{setting, switch},
    tools::Tools,
};

fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    let result = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(run());
        // A blocking call, such as a DNS lookup without a reply, must not delay the end.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mcp: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Box<dyn Error>> {
    let identifier = setting("RESOURCE")?.ok_or("RESOURCE is not set")?;
    let issuers = setting("ISSUERS")?.ok_or("ISSUERS is not set")?;
    let issuers: Vec<_> =
        issuers.split(',').map(str::trim).filter(|issuer| !issuer.is_empty()).collect();

    // The metadata lists no scopes: clients would ask for all of them at once, instead of for
    // `tools:write` when they need it.
    let resource = ProtectedResource::builder(&*identifier).resource_name("Notes");
    let resource =
        issuers.iter().fold(resource, |resource, issuer| resource.authorization_server(*issuer));
    let resource = resource.build().map_err(|error| format!("RESOURCE and ISSUERS: {error}"))?;
    let verifier = verifier(&issuers, &resource)?;
    let auth = JwtAuthLayer::new(verifier).with_protected_resource(&resource)?;

    let app = Router::new()
        .route_service("/mcp", mcp_service(&identifier)?)
        .route_layer(map_response(errors_as_json))
        .route_layer(from_fn(require_scope_of_tool))
        .route_layer(auth)
        .merge(resource.into_router())
        .fallback(async || error(StatusCode::NOT_FOUND, "not_found", "Not found."));
    serve(app).await
}

/// Accepts access tokens that the issuers issued for this server (RFC 9068).
fn verifier(issuers: &[&str], resource: &ProtectedResource) -> Result<Verifier, Box<dyn Error>> {
    let is_http_allowed = switch("ALLOW_HTTP")?;
    let mut verifiers = Vec::new();
    for (number, issuer) in (1..).zip(issuers) {
        // The message names the issuer by its number, since a URL may contain a password.
        let numbered = |error| format!("ISSUERS: issuer {number}: {error}");
        let mut keys = RemoteKeys::from_issuer(*issuer);
        if is_http_allowed {
            keys = keys.insecure_loopback_http();
        }
        let keys = keys.build().map_err(numbered)?;
        let verifier = Verifier::builder(&keys)
            .issuer(*issuer)
            .audience(resource.identifier())
            .profile(TokenProfile::Rfc9068);
        verifiers.push(verifier.build().map_err(numbered)?);
    }
    Ok(Verifier::by_issuer(verifiers).map_err(|error| format!("ISSUERS: {error}"))?)
}

/// The tools, behind the protocol.
fn mcp_service(
    identifier: &str,
) -> Result<StreamableHttpService<Tools, NeverSessionManager>, Box<dyn Error>> {
    let uri: Uri = identifier.parse()?;
    let (host, scheme) = (uri.authority().map_or("", |it| it.as_str()), uri.scheme_str());
    let port = uri.port_u16().unwrap_or(if scheme == Some("http") { 80 } else { 443 });
    let origin = format!("{}://{}:{port}", scheme.unwrap_or("https"), uri.host().unwrap_or(""));
    let config = StreamableHttpServerConfig::default()
        // Each request has its own token, so no session is needed. A session would have to belong to
        // one user, because its id is no credential.
        .with_legacy_session_mode(false)
        .with_json_response(true)
        .with_max_request_body_bytes(BODY_LIMIT)
        // A page that an attacker's DNS server has pointed to this machine has another host and
        // another origin.
        .with_allowed_hosts(["localhost", "127.0.0.1", "[::1]", host])
        .with_allowed_origins([origin])
        .enforce_origin_validation();
    let tools = Tools::default();
    let new_service = move || Ok(tools.clone());
    Ok(StreamableHttpService::new(new_service, Arc::default(), config))
}
