//! Introspection and revocation by another service.

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Value, json};

use crate::support::{
    api::{assert_silent_about, log_in, tokens},
    folder::Folder,
    reply::Reply,
    server::Server,
};

use super::{issuing, jti, me, refresh, sessions, start};

const PATHS: [&str; 2] = ["/oauth/introspect", "/oauth/revoke"];
const CLIENT: &str = "billing:0123456789abcdef0123456789abcdef";

fn basic(client: &str) -> String {
    format!("authorization: Basic {}\r\n", BASE64_STANDARD.encode(client))
}

fn send(server: &Server, path: &str, authorization: &str, token: &str) -> Reply {
    let headers = format!("{authorization}content-type: application/x-www-form-urlencoded\r\n");
    let body = format!("token={token}");
    let reply = server.send(&format!("POST {path}"), &headers, body.as_bytes());
    assert_eq!(reply.header("cache-control"), ["no-store"], "{reply:?}");
    reply
}

fn introspect(server: &Server, token: &str) -> Value {
    let reply = send(server, PATHS[0], &basic(CLIENT), token);
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn revoke(server: &Server, token: &str) {
    let reply = send(server, PATHS[1], &basic(CLIENT), token);
    assert_eq!((reply.status.as_u16(), &*reply.body), (200, ""), "{reply:?}");
}

#[test]
fn the_client_introspects_and_revokes_tokens() {
    let server = start(&[("OAUTH_CLIENT", CLIENT), ("CHECK_REVOKED", "1")]);
    let inactive = json!({ "active": false });
    let (access, token) = tokens(&log_in(&server, "demo"));
    let claims = introspect(&server, &access);
    assert_eq!((&claims["active"], &claims["sub"]), (&json!(true), &json!("1")));
    assert_eq!(claims["jti"], jti(&access));
    assert_eq!(
        (introspect(&server, &token), introspect(&server, "x")),
        (inactive.clone(), inactive.clone())
    );

    // Revoking an access token ends it alone, revoking a refresh token ends the session.
    revoke(&server, &access);
    assert_eq!((introspect(&server, &access), me(&server, &access)), (inactive.clone(), 401));
    let (next_access, next) = tokens(&refresh(&server, &token));
    revoke(&server, &next);
    assert_eq!((introspect(&server, &next_access), me(&server, &next_access)), (inactive, 401));
    assert_eq!(refresh(&server, &next).status, 401);
    let (access, _) = tokens(&log_in(&server, "demo"));
    assert_eq!(sessions(&server, &access).len(), 1);
    assert_eq!(introspect(&server, &access)["active"], true);
    let secret = CLIENT.split_once(':').unwrap().1;
    assert_silent_about(server, &[&access, secret, &BASE64_STANDARD.encode(CLIENT)]);
}

#[test]
fn rejects_other_clients() {
    let server = start(&[("OAUTH_CLIENT", CLIENT), ("CHECK_REVOKED", "1")]);
    let (access, _) = tokens(&log_in(&server, "demo"));
    let valid = basic(CLIENT);
    let credentials = BASE64_STANDARD.encode(CLIENT);
    for authorization in [
        String::new(),
        basic("billing:0123456789abcdef0123456789abcdee"),
        basic("billinG:0123456789abcdef0123456789abcdef"),
        basic("billing:0123456789abcdef0123456789abcdef0"),
        basic("billing:"),
        basic(""),
        format!("authorization: Bearer {credentials}\r\n"),
        format!("authorization: Bearer {access}\r\n"),
        format!("authorization: {credentials}\r\n"),
        "authorization: Basic\r\n".to_owned(),
        "authorization: Basic \u{e9}\r\n".to_owned(),
        // Two headers are ambiguous.
        format!("{valid}{valid}"),
        format!("{}{valid}", basic("a:b")),
    ] {
        for path in PATHS {
            let reply = send(&server, path, &authorization, &access);
            assert_eq!(reply.status, 401, "{authorization}");
            assert_eq!(reply.header("www-authenticate"), ["Basic realm=\"oauth\""]);
            assert_eq!(reply.json(), json!({ "error": "invalid_client" }));
        }
    }
    assert_eq!(me(&server, &access), 200);
    // RFC 9110 section 11.1: scheme names are case-insensitive.
    let reply = send(&server, PATHS[0], &valid.replace("Basic", "bAsIc"), &access);
    assert_eq!((reply.status.as_u16(), &reply.json()["active"]), (200, &json!(true)));
}

#[test]
fn without_a_client_there_are_no_endpoints() {
    let server = start(&[]);
    for path in PATHS {
        let reply = server.send(&format!("POST {path}"), &basic(CLIENT), b"token=x");
        assert_eq!(reply.status, 404, "{path}");
    }
}

#[test]
fn the_metadata_lists_the_endpoints() {
    let folder = Folder::new();
    for variables in [&[("OAUTH_CLIENT", CLIENT)][..], &[]] {
        let server = issuing::start(&folder, variables);
        let (access, _) = tokens(&log_in(&server, "admin"));
        for name in ["openid-configuration", "oauth-authorization-server"] {
            let metadata = server.send(&format!("GET /.well-known/{name}"), "", b"").json();
            for endpoint in ["introspection_endpoint", "revocation_endpoint"] {
                let methods = &metadata[format!("{endpoint}_auth_methods_supported")];
                if variables.is_empty() {
                    assert_eq!((&metadata[endpoint], methods), (&Value::Null, &Value::Null));
                    continue;
                }
                assert_eq!(methods, &json!(["client_secret_basic"]));
                let address = format!("http://{}", server.address());
                let path = metadata[endpoint].as_str().unwrap().strip_prefix(&address).unwrap();
                assert_eq!(send(&server, path, &basic(CLIENT), "x").status, 200);
            }
        }
        if !variables.is_empty() {
            let claims = introspect(&server, &access);
            assert_eq!((&claims["scope"], &claims["aud"]), (&json!("read write"), &json!("api")));
            assert_eq!(claims["iss"], format!("http://{}", server.address()));
        }
    }
}
