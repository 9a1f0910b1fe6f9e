//! Sessions with cookies and with Bearer tokens, on each database.

use serde_json::{Value, json};

use super::{
    client::{Client, PASSWORD, SAME_ORIGIN, obtain_tokens},
    databases, start,
};

#[test]
fn logs_in_refreshes_and_logs_out() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::new(&server);
        assert_eq!(client.get("/api/me").status, 401);
        let id = client.sign_up("ada").json()["id"].clone();
        let reply = client.log_in("ada");
        let user = json!({ "id": id, "username": "ada" });
        assert_eq!((reply.status.as_u16(), reply.json()), (200, json!({ "user": user })));
        assert_eq!(reply.header("cache-control"), ["no-store"]);
        let [access, refresh] = reply.header("set-cookie")[..] else { panic!("{reply:?}") };
        for (cookie, start, attributes) in [
            (access, "__Host-access=", "HttpOnly; SameSite=Lax; Secure; Path=/; Max-Age="),
            (
                refresh,
                "__Secure-refresh=",
                "HttpOnly; SameSite=Strict; Secure; Path=/api/session; Max-Age=",
            ),
        ] {
            assert!(cookie.starts_with(start) && cookie.contains(attributes), "{cookie}");
        }
        assert_eq!(client.get("/api/me").json()["username"], "ada");
        assert_eq!(client.get("/api/session/").json(), json!({ "user": user }));

        let first = client.cookies.clone();
        assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 200);
        assert_ne!(client.cookies, first);
        assert_eq!(client.get("/api/me").status, 200);

        let second = client.cookies.clone();
        assert_eq!(client.delete("/api/session/").status, 204);
        assert!(client.cookies.is_empty());
        assert_eq!(client.delete("/api/session/").status, 204);
        client.cookies = second;
        assert_eq!(client.get("/api/me").status, 401);
        assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 401);
        assert!(!client.cookies.contains_key("__Secure-refresh"), "a failed refresh clears it");
    }
}

#[test]
fn rejects_wrong_credentials() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    Client::new(&server).sign_up("ada");
    for username in ["ada", "nobody"] {
        let body = json!({ "username": username, "password": "wrong" });
        let mut client = Client::new(&server);
        let reply = client.post("/api/session/", &body);
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (401, &json!("invalid_credentials"))
        );
        assert!(client.cookies.is_empty());
    }
    let reply = Client::new(&server).post("/api/session/", &json!({ "username": "ada" }));
    assert_eq!(reply.status, 400);
    assert!(reply.json()["errors"]["password"].is_array());
}

#[test]
fn serves_cookies_and_bearer_tokens_side_by_side() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        Client::new(&server).sign_up("bob");
        let (access, _) = obtain_tokens(&server, "bob");
        let bearer = format!("{SAME_ORIGIN}authorization: Bearer {access}\r\n");
        let me = client.send("GET /api/me", &bearer, &Value::Null).json();
        assert_eq!(me["username"], "bob", "the header wins");
        // Whatever the header contains, the cookies are neither read nor deleted.
        let cookies = client.cookies.clone();
        for credentials in ["Bearer x", "Basic eDp5", "Bearer", "garbage"] {
            let header = format!("{SAME_ORIGIN}authorization: {credentials}\r\n");
            for line in ["GET /api/me", "POST /api/session/refresh"] {
                let reply = client.send(line, &header, &Value::Null);
                assert!([400, 401].contains(&reply.status.as_u16()), "{line}: {reply:?}");
                assert!(reply.header("set-cookie").is_empty(), "{reply:?}");
            }
        }
        assert_eq!(client.cookies, cookies);
        assert_eq!(client.get("/api/me").json()["username"], "ada");
    }
}

#[test]
fn rejects_garbage_and_repeated_cookies() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::logged_in(&server);
    let access = client.cookies["__Host-access"].clone();
    let refresh = client.cookies["__Secure-refresh"].clone();
    let mut send = |line: &str, cookie: &str| {
        client.cookies.clear();
        let headers = format!("{SAME_ORIGIN}cookie: {cookie}\r\n");
        let reply = client.send(line, &headers, &Value::Null);
        let cleared: Vec<_> = reply
            .header("set-cookie")
            .iter()
            .map(|cookie| cookie.split('=').next().unwrap())
            .map(str::to_owned)
            .collect();
        (
            reply.status.as_u16(),
            reply.json()["code"].as_str().unwrap_or_default().to_owned(),
            cleared,
        )
    };
    let (status, _, cleared) = send("GET /api/me", "__Host-access=garbage");
    assert_eq!((status, cleared), (401, vec!["__Host-access".to_owned()]));
    for (line, cookie) in [
        ("GET /api/me", format!("__Host-access={access}; __Host-access=tossed")),
        ("GET /api/me", format!("__Host-access={access}; __Host-access={access}")),
        (
            "POST /api/session/refresh",
            format!("__Secure-refresh=tossed; __Secure-refresh={refresh}"),
        ),
    ] {
        let (status, code, cleared) = send(line, &cookie);
        assert_eq!((status, &*code), (400, "repeated_cookie"), "{cookie}");
        assert!(cleared.is_empty(), "{cleared:?}");
    }
    assert_eq!(send("GET /api/me", &format!("a=1; a=2; __Host-access={access}")).0, 200);
}

#[test]
fn lists_labels_and_ends_sessions() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::new(&server);
        let agent = format!("{SAME_ORIGIN}user-agent: Netscape\r\n");
        client.sign_up("ada");
        let body = json!({ "username": "ada", "password": PASSWORD });
        assert_eq!(client.send("POST /api/session/", &agent, &body).status, 200);
        let mut other = Client::logged_in(&server);
        let mut bob = Client::logged_in_as(&server, "bob");

        let sessions = client.get("/api/sessions").json();
        let [one, two] = &sessions.as_array().unwrap()[..] else { panic!("{sessions}") };
        let (current, second) = if one["current"] == true { (one, two) } else { (two, one) };
        assert_eq!((&current["current"], &second["current"]), (&json!(true), &json!(false)));
        assert_eq!(current["label"], "Netscape");
        for time in ["created_at", "last_used_at", "expires_at"] {
            assert!(current[time].as_str().unwrap().ends_with('Z'), "{current}");
        }
        let path = format!("/api/sessions/{}", second["id"].as_str().unwrap());
        assert_eq!(bob.delete(&path).status, 404);
        assert_eq!(client.delete(&path).status, 204);
        assert_eq!(client.delete(&path).status, 404);
        assert_eq!(other.get("/api/me").status, 401);
        assert_eq!(client.get("/api/me").status, 200);

        other.log_in("ada");
        let (access, _) = obtain_tokens(&server, "ada");
        assert_eq!(client.post("/api/logout-all", &Value::Null).status, 200);
        assert_eq!(other.get("/api/me").status, 401);
        let bearer = format!("authorization: Bearer {access}\r\n");
        assert_eq!(Client::new(&server).send("GET /api/me", &bearer, &Value::Null).status, 401);
        assert_eq!(bob.get("/api/me").status, 200);
    }
}

#[test]
fn keeps_the_notes_of_each_user() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        client.post("/api/notes", &json!({ "text": "Buy milk" }));
        client.post("/api/notes", &json!({ "text": "Sell eggs" }));
        let mut bob = Client::logged_in_as(&server, "bob");
        assert_eq!(bob.get("/api/notes").json(), json!([]));
        drop(server);
        let server = start(&database.url, &[]);
        let notes = Client::logged_in(&server).get("/api/notes").json();
        assert_eq!(
            (&notes[0]["text"], &notes[1]["text"]),
            (&json!("Sell eggs"), &json!("Buy milk"))
        );
        assert!(notes[0]["created_at"].as_str().unwrap().ends_with('Z'), "{notes}");
    }
}

#[test]
fn rejects_invalid_notes() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::logged_in(&server);
    assert_eq!(client.get("/api/notes").json(), json!([]));
    let reply = client.post("/api/notes", &json!({ "text": "Buy milk" }));
    assert_eq!((reply.status.as_u16(), &reply.json()["text"]), (201, &json!("Buy milk")));
    assert_eq!(client.get("/api/notes").json()[0]["text"], "Buy milk");
    for (body, status, code) in [
        (json!({}), 400, "invalid_body"),
        (json!({ "text": "" }), 400, "invalid_body"),
        (json!({ "text": "x".repeat(1001) }), 400, "invalid_body"),
        (json!([]), 400, "invalid_body"),
    ] {
        let reply = client.post("/api/notes", &body);
        assert_eq!(
            (reply.status.as_u16(), &reply.json()["code"]),
            (status, &json!(code)),
            "{body}"
        );
    }
    let plain = format!("{SAME_ORIGIN}content-type: text/plain\r\n");
    assert_eq!(client.send("POST /api/notes", &plain, &Value::Null).status, 415);
}

#[test]
fn serves_the_page_with_a_strict_policy() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::new(&server);
    for (path, status, content_type) in [
        ("/", 200, "text/html; charset=utf-8"),
        ("/static/app.js", 200, "text/javascript; charset=utf-8"),
        ("/static/session.js", 200, "text/javascript; charset=utf-8"),
        ("/outbox", 200, "text/html; charset=utf-8"),
        ("/static/style.css", 200, "text/css; charset=utf-8"),
        ("/static/icon.svg", 200, "image/svg+xml"),
        ("/health", 200, "text/plain; charset=utf-8"),
        ("/metrics", 200, "text/plain; version=0.0.4"),
        ("/nowhere", 404, "application/json"),
        ("/api/me", 401, "application/json"),
    ] {
        let reply = client.get(path);
        assert_eq!(
            (reply.status.as_u16(), &*reply.header("content-type")),
            (status, &[content_type][..]),
            "{path}"
        );
        let [policy] = reply.header("content-security-policy")[..] else { panic!("{reply:?}") };
        assert!(policy.starts_with("default-src 'none'; script-src 'self';"), "{policy}");
        assert!(
            !policy.contains("unsafe") && policy.contains("frame-ancestors 'none'"),
            "{policy}"
        );
        assert_eq!(reply.header("x-content-type-options"), ["nosniff"]);
        assert_eq!(reply.header("referrer-policy"), ["same-origin"]);
    }
}

/// The page needs inline styles. No other page of the application may have them.
#[test]
fn serves_the_document_and_a_page_that_tries_the_api() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::new(&server);
    let document = client.get("/api/openapi.json").json();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{document}");
    for (path, method) in [
        ("/api/session/", "post"),
        ("/api/token/", "post"),
        ("/api/sessions", "get"),
        ("/api/users", "post"),
        ("/api/me", "patch"),
        ("/api/password/reset/confirm", "post"),
        ("/api/totp/confirm", "post"),
        ("/api/notes", "post"),
        ("/api/export", "get"),
    ] {
        assert!(document["paths"][path][method].is_object(), "{method} {path}");
    }
    let reply = client.get("/docs");
    assert!(reply.status == 200 || reply.header("location") == ["/docs/"], "{reply:?}");
    for path in ["/docs/", "/docs/swagger-ui.css", "/docs/swagger-ui-bundle.js"] {
        let reply = client.get(path);
        assert_eq!(reply.status, 200, "{path}");
        let [policy] = reply.header("content-security-policy")[..] else { panic!("{reply:?}") };
        assert!(policy.contains("style-src 'self' 'unsafe-inline'"), "{policy}");
        assert!(policy.contains("script-src 'self';"), "{policy}");
    }
    for path in ["/docsx", "/static/docs/", "/api/docs/"] {
        let reply = client.get(path);
        assert!(!reply.header("content-security-policy")[0].contains("unsafe"), "{path}");
    }
}
