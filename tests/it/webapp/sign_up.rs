//! Sign-up and the confirmation of e-mail addresses.

use std::thread;

use serde_json::{Value, json};

use super::{
    client::{Client, PASSWORD, SAME_ORIGIN, bearer, email, rejected},
    databases,
    outbox::Outbox,
    start,
};

#[test]
fn creates_an_account() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::new(&server);
        let reply = client.sign_up("Ada");
        let id = reply.json()["id"].clone();
        assert!(id.is_string());
        let user = json!({ "id": id, "username": "Ada", "email": "Ada@mail.example" });
        assert_eq!((reply.status.as_u16(), reply.json()), (201, user));
        assert!(!reply.body.contains(PASSWORD));
        assert!(client.cookies.is_empty());
        // By the name or the address, in any case.
        for name in ["Ada", "ada", "ADA@mail.example"] {
            let reply = client.log_in(name);
            assert_eq!(reply.status, 200, "{reply:?}");
            assert_eq!(reply.json(), json!({ "user": { "id": id, "username": "Ada" } }));
        }
    }
}

#[test]
fn returns_tokens_on_request() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let body = json!({
        "username": "ada", "email": email("ada"), "password": PASSWORD, "tokens": true,
    });
    let mut client = Client::new(&server);
    let reply = client.post("/api/users/", &body);
    assert_eq!(reply.status, 201);
    let access = reply.json()["access"].as_str().unwrap().to_owned();
    assert!(reply.json()["refresh"].is_string() && client.cookies.is_empty());
    assert_eq!(client.send("GET /api/me", &bearer(&access), &Value::Null).status, 200);
}

#[test]
fn returns_all_problems_at_once() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::new(&server);
        assert_eq!(client.sign_up("ada").status, 201);
        for (username, address, password, problems) in [
            ("ADA", "x", "letmein", [1, 1, 2]),
            ("bob", "ADA@MAIL.example", "x short y", [0, 1, 1]),
            // A login by either name would be ambiguous.
            ("Ada@mail.example", "b@mail.example", PASSWORD, [1, 0, 0]),
            ("", "", "", [1, 1, 1]),
            ("bob", "b@mail.example", &"a 1".repeat(43), [0, 0, 1]),
        ] {
            let body = json!({ "username": username, "email": address, "password": password });
            let body = rejected(&client.post("/api/users/", &body), 400, "invalid_body");
            for (name, count) in ["username", "email", "password"].iter().zip(problems) {
                let messages = body["errors"][name].as_array().map_or(0, Vec::len);
                assert_eq!(messages, count, "{username} {address}: {body}");
            }
        }
        let errors =
            &rejected(&client.post("/api/users/", &json!({})), 400, "invalid_body")["errors"];
        assert_eq!(errors.as_object().unwrap().len(), 3, "{errors}");
        let longest = "sixteen letters ".repeat(8);
        let body = json!({ "username": "bob", "email": email("bob"), "password": longest });
        assert_eq!(client.post("/api/users/", &body).status, 201);
    }
}

#[test]
fn has_the_rules_of_the_setting() {
    for (rules, password, code) in [
        ("nist", "purple rain", 400),
        ("django", "purple rain", 201),
        ("django", "8374928374", 400),
    ] {
        let database = databases().next().unwrap();
        let server = start(&database.url, &[("PASSWORD_RULES", rules)]);
        let mut client = Client::new(&server);
        let body = json!({ "username": "bob", "email": email("bob"), "password": password });
        assert_eq!(client.post("/api/users/", &body).status, code, "{rules}: {password}");
        // Forms show the same problems before.
        let problems = client.post("/api/password-rules", &body).json()["problems"].clone();
        assert_eq!(problems.as_array().unwrap().is_empty(), code == 201, "{problems}");
        let long = json!({ "password": password, "username": "a".repeat(20_000) });
        assert_eq!(client.post("/api/password-rules", &long).status, 413);
    }
}

#[test]
fn one_of_many_concurrent_sign_ups_wins() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let statuses: Vec<u16> = thread::scope(|scope| {
            let sign_ups: Vec<_> = (0..20)
                .map(|index| {
                    let server = &servers[index % 2];
                    scope.spawn(|| Client::new(server).sign_up("ada").status.as_u16())
                })
                .collect();
            sign_ups.into_iter().map(|sign_up| sign_up.join().unwrap()).collect()
        });
        assert_eq!(statuses.iter().filter(|status| **status == 201).count(), 1, "{statuses:?}");
        let others = statuses.iter().all(|status| [201, 400, 429, 503].contains(status));
        assert!(others, "{statuses:?}");
    }
}

#[test]
fn confirms_an_address_once() {
    for database in databases() {
        let outbox = Outbox::new();
        let servers = [(); 2].map(|()| outbox.start(&database.url, &[]));
        let mut client = Client::new(&servers[0]);
        client.sign_up("ada");
        let token = outbox.token("verify_email", &email("ada"), 1);
        let body = json!({ "token": token });
        assert_eq!(Client::new(&servers[1]).post("/api/users/verify", &body).status, 204);
        for server in &servers {
            let reply = Client::new(server).post("/api/users/verify", &body);
            rejected(&reply, 400, "invalid_token");
        }
        rejected(&client.post("/api/users/verify", &json!({ "token": "x" })), 400, "invalid_token");
        rejected(&client.post("/api/users/verify", &json!({})), 400, "invalid_body");
        // Another kind of token confirms nothing.
        client.log_in("ada");
        let body = json!({ "token": client.cookies["__Host-access"] });
        rejected(&client.post("/api/users/verify", &body), 400, "invalid_token");
    }
}

#[test]
fn sends_the_confirmation_again() {
    let database = databases().next().unwrap();
    let outbox = Outbox::new();
    let server = outbox.start(&database.url, &[]);
    let mut client = Client::new(&server);
    client.sign_up("ada");
    outbox.wait("verify_email", &email("ada"), 1);
    let replies = ["ada", "nobody"]
        .map(|name| client.post("/api/users/verify/resend", &json!({ "email": email(name) })));
    assert_eq!(replies[0].status, 202);
    assert_eq!((replies[0].status, &replies[0].body), (replies[1].status, &replies[1].body));
    let token = outbox.token("verify_email", &email("ada"), 2);
    assert_eq!(client.post("/api/users/verify", &json!({ "token": token })).status, 204);
    // There is nothing to confirm now.
    client.post("/api/users/verify/resend", &json!({ "email": email("ada") }));
    client.sign_up("bob");
    outbox.wait("verify_email", &email("bob"), 1);
    outbox.wait("verify_email", &email("ada"), 2);
    assert!(outbox.mails(&email("nobody")).is_empty());
}

/// Whoever sends the `Host` header must not choose where the link leads.
#[test]
fn links_begin_with_the_public_url() {
    let database = databases().next().unwrap();
    let outbox = Outbox::new();
    for (public_url, start) in [
        ("https://app.example", "https://app.example/"),
        ("http://localhost:8080/", "http://localhost:8080/"),
        ("http://app.example", "http://app.example/"),
    ] {
        let server = outbox.start(&database.url, &[("PUBLIC_URL", public_url)]);
        let name = format!("user{}", public_url.len());
        let body = json!({ "username": name, "email": email(&name), "password": PASSWORD });
        let headers = "x-forwarded-host: evil.example\r\nforwarded: host=evil.example\r\n\
                       origin: http://evil.example\r\n";
        let line = "POST http://evil.example/api/users/";
        let reply = Client::new(&server).send(line, &format!("{SAME_ORIGIN}{headers}"), &body);
        assert_eq!(reply.status, 201, "{reply:?}");
        let mail = outbox.wait("verify_email", &email(&name), 1);
        let (link, token) = (mail["link"].as_str().unwrap(), mail["token"].as_str().unwrap());
        assert!(link.starts_with(start) && link.contains(token), "{link}");
        // Browsers keep the part behind the hash from the server.
        assert!(link.split_once(token).unwrap().0.contains("/#"), "{link}");
    }
}
