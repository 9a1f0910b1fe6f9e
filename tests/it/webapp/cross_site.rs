//! Requests that other sites cause.

use serde_json::{Value, json};

use super::{
    client::{Client, PASSWORD, bearer, obtain_tokens},
    databases, start,
};

const PUBLIC: &str = "https://app.example";
const SAME_SITE: &str = "sec-fetch-site: same-site\r\n";

/// Headers of requests, and whether the application accepts them with a cookie.
const REQUESTS: [(&str, bool); 13] = [
    ("sec-fetch-site: same-origin\r\n", true),
    ("sec-fetch-site: none\r\n", true),
    ("sec-fetch-site: same-site\r\n", false),
    ("sec-fetch-site: cross-site\r\n", false),
    ("sec-fetch-site: cross-site\r\norigin: https://app.example\r\n", false),
    ("sec-fetch-site: unknown\r\n", false),
    ("origin: https://app.example\r\n", true),
    ("origin: https://app.example:8443\r\n", false),
    ("origin: http://app.example\r\n", false),
    ("origin: https://evil.app.example\r\n", false),
    ("origin: null\r\n", false),
    // The proxy in front may have replaced `Host`.
    ("origin: http://test\r\n", false),
    ("", false),
];

#[test]
fn only_the_own_origin_causes_changes() {
    for database in databases() {
        let server = start(&database.url, &[("PUBLIC_URL", PUBLIC)]);
        let mut client = Client::logged_in(&server);
        let cookies = client.cookies.clone();
        for (headers, accepted) in REQUESTS {
            for line in [
                "POST /api/notes",
                "POST /api/ticket",
                "POST /api/logout-all",
                "DELETE /api/sessions/x",
                "POST /api/session/",
                "POST /api/session/refresh",
                "DELETE /api/session/",
                // Not even one of the routes.
                "POST /nowhere",
                "DELETE /health",
            ] {
                if accepted {
                    continue;
                }
                let reply = client.send(line, headers, &json!({}));
                assert_eq!(reply.status, 403, "{line} {headers}");
                assert_eq!(reply.json()["code"], "cross_site_request");
                assert!(reply.header("set-cookie").is_empty());
            }
            let reply = client.send("POST /api/notes", headers, &json!({ "text": "note" }));
            assert_eq!(reply.status, if accepted { 201 } else { 403 }, "{headers}");
            // Reading is harmless, because no other site sees the response.
            assert_eq!(client.send("GET /api/notes", headers, &Value::Null).status, 200);
        }
        assert_eq!(client.cookies, cookies);
    }
}

/// A page must not log its visitor in as another user.
#[test]
fn other_sites_cannot_log_in_without_cookies_either() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[("PUBLIC_URL", PUBLIC)]);
    Client::new(&server).sign_up("ada");
    let body = json!({ "username": "ada", "password": PASSWORD });
    for (headers, accepted) in REQUESTS {
        // Programs send neither header.
        let status = if accepted || headers.is_empty() { 200 } else { 403 };
        let reply = Client::new(&server).send("POST /api/session/", headers, &body);
        assert_eq!(reply.status, status, "{headers}");
        let status = if status == 200 { 204 } else { 403 };
        let reply = Client::new(&server).send("DELETE /api/session/", headers, &Value::Null);
        assert_eq!(reply.status, status, "{headers}");
    }
}

/// No browser adds that header by itself.
#[test]
fn requests_with_an_authorization_header_are_exempt() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[("PUBLIC_URL", PUBLIC)]);
    let mut client = Client::logged_in(&server);
    let (access, _) = obtain_tokens(&server, "ada");
    let headers = format!("{SAME_SITE}{}", bearer(&access));
    let reply = client.send("POST /api/notes", &headers, &json!({ "text": "note" }));
    assert_eq!(reply.status, 201);
}
