//! The example as a process: over plain HTTP, and with the official MCP client of another language.

#![allow(clippy::unwrap_used)] // tests fail by panicking

mod provider;
mod server;

use std::{
    env,
    io::Write,
    process::{Command, Stdio},
    thread,
    time::Duration,
};

use serde_json::{Value, json};
use tower_jwt_auth::testing::TestToken;

use crate::{
    provider::Provider,
    server::{Server, command},
};

const NOTE: &str = r#"{"name":"write_note","arguments":{"text":"Buy milk"}}"#;

/// A call of a tool.
fn call(params: &str) -> String {
    format!(r#"{{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{params}}}"#)
}

/// A valid token for the server.
fn token(provider: &Provider, server: &Server, scope: &str) -> String {
    let token = TestToken::new("ada").rfc9068("client").with_audience(&*server.resource);
    provider.sign(token.with_scope(scope))
}

async fn start() -> (Provider, Server) {
    let provider = Provider::start("tools:write").await;
    let server = Server::start(&provider.issuer);
    (provider, server)
}

/// Calls the tools of the resource with this path with the client of npm. Returns what it saw, unless
/// the test is skipped.
async fn run_client(path: &str, granted: &'static str) -> Option<Value> {
    let Some(packages) = env::var_os("TOWER_JWT_AUTH_NODE") else {
        eprintln!("skipped: TOWER_JWT_AUTH_NODE is not set (tests/run sets it)");
        return None;
    };
    let provider = Provider::start(granted).await;
    let server = Server::start_as(path, &provider.issuer);
    let mut node = Command::new("node")
        .args(["--input-type=module", "-e", include_str!("client.mjs")])
        .current_dir(packages)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("node is installed");
    let input = json!({ "url": format!("http://{}/mcp", server.address) }).to_string();
    node.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = node.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: are the packages installed?");
    Some(serde_json::from_slice(&output.stdout).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_finds_the_authorization_server_from_a_401() {
    // Without the URL in the challenge, it would look for the metadata of the resource `/mcp` first.
    let Some(seen) = run_client("", "tools:write").await else { return };
    let connecting = seen["connecting"].as_u64().unwrap() as usize;
    let requests = seen["requests"].as_array().unwrap();
    assert_eq!(
        json!(requests[..connecting]),
        json!([
            ["resource", "POST", "/mcp", 401],
            ["resource", "GET", "/.well-known/oauth-protected-resource", 200],
            ["issuer", "GET", "/.well-known/oauth-authorization-server", 200],
            ["issuer", "POST", "/register", 201],
            ["issuer", "GET", "/authorize", 303],
            ["issuer", "POST", "/token", 200],
            ["resource", "POST", "/mcp", 200],
            ["resource", "POST", "/mcp", 202],
        ])
    );
    assert_eq!(
        (&seen["tools"], &seen["whoami"]),
        (&json!(["whoami", "write_note"]), &json!("ada"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_typescript_client_asks_for_the_missing_scope() {
    let Some(seen) = run_client("/mcp", "tools:write").await else { return };
    // It needs no scope until it writes.
    assert_eq!(seen["scopes"], json!([null, "tools:write"]));
    assert_eq!(seen["requests"][seen["before"].as_u64().unwrap() as usize][3], 403);
    assert_eq!(seen["written"], "Saved as note 1.");

    let Some(seen) = run_client("/mcp", "").await else { return };
    assert_eq!(seen["scopes"], json!([null, "tools:write"]));
    assert_eq!(seen["error"][0], 403, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writing_requires_the_scope() {
    let (provider, server) = start().await;
    let reader = token(&provider, &server, "read");
    assert_eq!(server.post(&reader, &call(r#"{"name":"whoami"}"#)).text(), "ada");
    for params in [
        NOTE,
        r#"{"name":"write\u005fnote","arguments":{"text":"Buy milk"}}"#,
        r#"{"arguments":{"text":"Buy milk"},"name":"write_note","_meta":{}}"#,
    ] {
        let reply = server.post(&reader, &call(params));
        reply.assert_rejected(403, "insufficient_scope");
        let challenge = reply.header("www-authenticate")[0];
        for part in
            [r#"error="insufficient_scope""#, r#"scope="tools:write""#, "resource_metadata="]
        {
            assert!(challenge.contains(part), "{challenge}");
        }
    }
    // However the message is written, the tool does not run.
    let note = call(NOTE);
    for body in [
        &*format!("[{note}]"),
        &note.replace(r#""id":1,"#, ""),
        &call(r#"{"name":"whoami","name":"write_note","arguments":{"text":"Buy milk"}}"#),
        &call(r#"{"name":"write_note","name":"whoami","arguments":{"text":"Buy milk"}}"#),
        &note.replace(r#""method""#, r#""method":"tools/list","method""#),
        &note.replace(r#"}}}"#, r#"}},"method":"tools/list"}"#),
        &note.replace(r#""params""#, r#""params":{"name":"whoami"},"params""#),
        &note.replace("tools/call", "tools\\/call"),
        &note.replace(r#""id":1"#, r#""id":1,"result":{}"#),
    ] {
        let reply = server.post(&reader, body);
        assert!(!reply.body.contains("Saved"), "{body}: {reply:?}");
    }
    let writer = token(&provider, &server, "read tools:write");
    assert_eq!(server.post(&writer, &note).text(), "Saved as note 1.");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_scope_is_required_in_the_newest_protocol_version_too() {
    let (provider, server) = start().await;
    let params = json!({
        "name": "write_note",
        "arguments": { "text": "Buy milk" },
        "_meta": {
            "io.modelcontextprotocol/protocolVersion": "2026-07-28",
            "io.modelcontextprotocol/clientInfo": { "name": "test", "version": "1.0.0" },
            "io.modelcontextprotocol/clientCapabilities": {},
        },
    });
    let note = call(&params.to_string());
    let headers = |name: &str| {
        format!(
            "mcp-protocol-version: 2026-07-28\r\nmcp-method: tools/call\r\nmcp-name: {name}\r\n"
        )
    };
    let reader = token(&provider, &server, "");
    for name in ["write_note", "whoami"] {
        let reply = server.post_with(&reader, &headers(name), &note);
        reply.assert_rejected(403, "insufficient_scope");
    }
    let writer = token(&provider, &server, "tools:write");
    let reply = server.post_with(&writer, &headers("write_note"), &note);
    assert_eq!(reply.text(), "Saved as note 1.");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rejection_names_the_metadata() {
    let (provider, server) = start().await;
    let path = "/.well-known/oauth-protected-resource/mcp";
    let metadata = format!("resource_metadata=\"http://{}{path}\"", server.address);
    let of_another = TestToken::new("ada").rfc9068("client").with_audience("https://api.example");
    let expired =
        TestToken::new("ada").rfc9068("client").with_audience(&*server.resource).expired();
    let id_token = TestToken::new("ada").with_audience(&*server.resource);
    for (token, code) in [
        ("", "not_authenticated"),
        ("malformed", "token_invalid"),
        (&provider.sign(of_another), "token_invalid"),
        (&provider.sign(expired), "token_expired"),
        (&provider.sign(id_token), "token_wrong_type"),
    ] {
        let headers = match token {
            "" => String::new(),
            token => format!("authorization: Bearer {token}\r\n"),
        };
        for method in ["POST", "GET", "DELETE"] {
            let reply = server.send(&format!("{method} /mcp"), &headers, "");
            reply.assert_rejected(401, code);
            let challenges = reply.header("www-authenticate");
            assert_eq!(challenges.len(), 1, "{reply:?}");
            assert!(challenges[0].starts_with("Bearer realm="), "{challenges:?}");
            assert!(challenges[0].contains(&metadata), "{challenges:?}");
        }
    }
    let document = server.send(&format!("GET {path}"), "", "").json();
    assert_eq!(document["resource"], *server.resource);
    assert_eq!(document["authorization_servers"], json!([provider.issuer]));
    server.send("GET /", "", "").assert_rejected(404, "not_found");
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_are_not_of_the_protocol_are_rejected() {
    let (provider, server) = start().await;
    let token = token(&provider, &server, "");
    let ping = r#"{"jsonrpc":"2.0","id":1,"method":"ping"}"#;
    let own_origin = format!("origin: http://{}\r\n", server.address);
    assert_eq!(server.post_with(&token, &own_origin, ping).status, 200);
    for header in ["origin: https://evil.example\r\n", "origin: null\r\n", "host: evil.example\r\n"]
    {
        server.post_with(&token, header, ping).assert_rejected(403, "forbidden");
    }
    server.post(&token, "{").assert_rejected(400, "invalid_body");
    server.post(&token, "{}").assert_rejected(400, "invalid_body");
    server.post(&token, &" ".repeat(300_000)).assert_rejected(413, "body_too_large");
    let version = "mcp-protocol-version: 1999-01-01\r\n";
    server.post_with(&token, version, ping).assert_rejected(400, "invalid_request");

    let authorization = format!("authorization: Bearer {token}\r\n");
    let json = format!("{authorization}content-type: application/json\r\n");
    let text = format!("{authorization}content-type: text/plain\r\naccept: */*\r\n");
    server.send("POST /mcp", &json, ping).assert_rejected(406, "not_acceptable");
    let accept = "accept: application/json, text/event-stream\r\n";
    let text = text.replace("accept: */*\r\n", accept);
    server.send("POST /mcp", &text, ping).assert_rejected(415, "unsupported_media_type");
    server.send("POST /mcp", &text, "ping").assert_rejected(415, "unsupported_media_type");
    for headers in [format!("{authorization}{accept}"), format!("{json}{accept}")] {
        let reply = server.send("GET /mcp", &headers, "");
        reply.assert_rejected(405, "method_not_allowed");
        assert_eq!(reply.header("allow"), ["POST"]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signal_ends_it_whatever_is_open() {
    let provider = Provider::start("").await;
    for signal in ["TERM", "INT"] {
        let server = Server::start(&provider.issuer);
        let token = token(&provider, &server, "");
        assert_eq!(server.post(&token, &call(r#"{"name":"whoami"}"#)).text(), "ada");
        let _idle = server.connect();
        let mut half_head = server.connect();
        half_head.write_all(b"POST /mcp HTTP/1.1\r\nhost: localhost\r\nautho").unwrap();
        let mut half_body = server.connect();
        let head = format!(
            "POST /mcp HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: 100\r\n\r\n{{"
        );
        half_body.write_all(head.as_bytes()).unwrap();
        thread::sleep(Duration::from_millis(100));
        let (status, output) = server.stop(signal);
        assert_eq!(status.code(), Some(0), "SIG{signal}");
        assert!(token.split('.').all(|part| !output.contains(part)), "{output}");
    }
}

#[test]
fn configuration_errors_name_the_setting() {
    let resource = ("RESOURCE", "https://mcp.example/mcp");
    let issuer = ("ISSUERS", "https://login.example");
    for (variables, message) in [
        (vec![issuer], "RESOURCE is not set"),
        (vec![resource], "ISSUERS is not set"),
        (vec![resource, ("ISSUERS", "")], "ISSUERS: `by_issuer` needs at least one"),
        (vec![resource, ("ISSUERS", "http://ada:hunter2@login.example")], "ISSUERS: an `auth"),
        (vec![resource, ("ISSUERS", "http://127.0.0.1:9")], "ISSUERS: issuer 1: the issuer must"),
        (vec![("RESOURCE", "mcp"), issuer], "RESOURCE and ISSUERS: the identifier"),
        (vec![("RESOURCE", "http://mcp.example/mcp"), issuer], "RESOURCE and ISSUERS: the identi"),
        (vec![resource, issuer, ("ALLOW_HTTP", "yes")], "ALLOW_HTTP must be 0 or 1"),
        (vec![resource, issuer, ("PORT", "http")], "PORT \"http\" is not a port number"),
    ] {
        let output = command(&variables).output().unwrap();
        assert_eq!(output.status.code(), Some(1));
        let printed = String::from_utf8(output.stderr).unwrap();
        assert!(printed.contains(message) && !printed.contains("hunter2"), "{message}: {printed}");
    }
}
