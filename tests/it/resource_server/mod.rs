//! The example `resource_server` as a process, with key servers of the test.

mod back_channel;
mod contract;
mod opaque;
mod outage;
mod process;
mod step_up;
mod tls;

use serde_json::{Value, json};

use crate::support::{
    api::{self, now},
    foreign::{API, ForeignKey},
    provider::Provider,
    reply::Reply,
    server::Server,
};

/// Starts the example with `issuers` as the trusted ones.
fn start(issuers: &[&Provider], variables: &[(&str, &str)]) -> Server {
    let names: Vec<_> = issuers.iter().map(|provider| provider.issuer()).collect();
    let names = names.join(",");
    let required = [("PORT", "0"), ("ALLOW_HTTP", "1"), ("AUDIENCE", API), ("ISSUERS", &names)];
    Server::start("resource_server", &[&required, variables].concat())
}

/// A provider that publishes `keys` and metadata with their URL.
fn provider(keys: &[&ForeignKey]) -> Provider {
    let provider = Provider::start();
    publish(&provider, keys);
    provider.publish_metadata();
    provider
}

fn publish(provider: &Provider, keys: &[&ForeignKey]) {
    provider.publish(&keys.iter().map(|key| key.jwk()).collect::<Vec<_>>());
}

/// A valid token with some claims changed.
fn token(key: &ForeignKey, provider: &Provider, changes: Value) -> String {
    let mut claims = json!({ "iat": now(), "exp": now() + 300 });
    if let (Value::Object(claims), Value::Object(changes)) = (&mut claims, changes) {
        claims.extend(changes);
    }
    key.token_with(&provider.issuer(), &claims)
}

fn me(server: &Server, token: &str) -> Reply {
    api::get(server, "/api/me", token)
}

fn health(server: &Server) -> Reply {
    api::checked(server.send("GET /health", "", b""))
}
