//! Start, the secret, configuration errors and shutdown.

use std::{fs, io::Write, os::unix::fs::PermissionsExt, path::Path, thread, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    folder::Folder,
    login::SECRET,
    server::{Server, run},
};

use super::{
    client::{Client, PASSWORD, SAME_ORIGIN, email},
    databases,
    outbox::Outbox,
    second_step::enrol,
    start,
};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

fn url(folder: &Folder) -> String {
    format!("sqlite:{}/webapp.db", folder.path().display())
}

/// Starts the example without a secret.
fn start_in(folder: &Folder) -> Server {
    Server::start("webapp", &[("PORT", "0"), ("DATABASE_URL", &url(folder))])
}

#[test]
fn keeps_its_secret_beside_the_database() {
    let folder = Folder::new();
    let copies: Vec<_> = thread::scope(|scope| {
        let starting: Vec<_> = (0..4).map(|_| scope.spawn(|| start_in(&folder))).collect();
        starting.into_iter().map(|copy| copy.join().unwrap()).collect()
    });
    let path = folder.path().join("webapp.secret");
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::read(&path).unwrap().len(), 64);
    let mut client = Client::logged_in(&copies[0]);
    let headers = format!("{}{SAME_ORIGIN}", client.cookie_header());
    for copy in &copies {
        assert_eq!(Client::new(copy).send("GET /api/me", &headers, &Value::Null).status, 200);
    }
    // Nothing else remains of the start.
    assert_eq!(names(folder.path()).iter().filter(|name| name.contains("secret")).count(), 1);
    drop(copies);
    let server = start_in(&folder);
    client = Client::new(&server);
    let reply = client.send("GET /api/me", &headers, &Value::Null);
    assert_eq!(reply.status, 200, "the session survives a restart");
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[test]
fn rejects_a_secret_that_others_can_read() {
    let folder = Folder::new();
    let path = folder.path().join("webapp.secret");
    fs::write(&path, SECRET).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    let variables = [("PORT", "0"), ("DATABASE_URL", &*url(&folder))];
    let (status, output) = run("webapp", &variables, FIVE_SECONDS);
    assert_eq!(status.code(), Some(1));
    assert!(output.contains("webapp.secret: others must not have access"), "{output}");
    assert!(!output.contains(SECRET));
}

#[test]
fn configuration_errors_name_the_setting() {
    let folder = Folder::new();
    let database = url(&folder);
    for (name, value, message) in [
        ("JWT_SECRET", "short", "JWT_SECRET: an HMAC secret must have at least 32"),
        ("PORT", "http", "PORT \"http\" is not a port number"),
        ("DATABASE_URL", "", "DATABASE_URL must be sqlite:"),
        ("DATABASE_URL", "mysql://u:hunter2@localhost/x", "DATABASE_URL must be sqlite:"),
        ("DATABASE_URL", "sqlite:/tmp", "DATABASE_URL: the path is a directory"),
        ("DATABASE_URL", "sqlite:///etc/passwd", "DATABASE_URL: the file is not a SQLite database"),
        ("DATABASE_URL", "postgres://u:hunter2@localhost:x/", "DATABASE_URL: the PostgreSQL URL"),
        ("PUBLIC_URL", "app.example", "PUBLIC_URL: "),
        ("PUBLIC_URL", "https://app.example/path", "PUBLIC_URL: "),
        ("PUBLIC_URL", "not a url", "PUBLIC_URL: "),
        ("ACCESS_LIFETIME", "5m", "ACCESS_LIFETIME must be whole seconds, not \"5m\""),
        ("REFRESH_LIFETIME", "0", "must be at least one second"),
        ("REUSE_GRACE", "301", "`reuse_grace` must be"),
        ("PASSWORD_RULES", "strict", "PASSWORD_RULES must be nist or django, not \"strict\""),
        ("SIGNUP", "closed", "SIGNUP must be open or safe, not \"closed\""),
        ("TRUSTED_PROXIES", "-1", "TRUSTED_PROXIES must be a number, not \"-1\""),
        ("TRUSTED_PROXIES", "17", "TRUSTED_PROXIES: `trusted_proxies` must be 1 to 16"),
        ("OUTBOX", "/dev/null/mails", "OUTBOX: /dev/null/mails: "),
    ] {
        let variables =
            [("PORT", "0"), ("JWT_SECRET", SECRET), ("DATABASE_URL", &*database), (name, value)];
        let (status, output) = run("webapp", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{name}={value}: {output}");
        assert!(output.contains(message) && output.lines().count() == 1, "{message}: {output}");
        assert!(!output.contains("hunter2") && !output.contains(SECRET), "{output}");
    }
}

#[test]
fn a_signal_ends_it_with_an_open_socket() {
    for signal in ["TERM", "INT"] {
        let folder = Folder::new();
        let mut server = start(&url(&folder), &[]);
        let client = Client::logged_in(&server);
        let mut socket = server.connect();
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {}{SAME_ORIGIN}\r\n",
            client.cookie_header(),
        );
        socket.write_all(request.as_bytes()).unwrap();
        server.signal(signal);
        assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0), "SIG{signal}");
    }
}

/// Cookies for plain `http` have no prefixes, which browsers would reject there.
#[test]
fn sets_cookies_that_fit_the_public_url() {
    for (public_url, is_secure) in [
        ("http://localhost:3000", true),
        ("http://127.0.0.1:3000/", true),
        ("http://[::1]:3000", true),
        ("https://app.example", true),
        ("http://app.example", false),
    ] {
        let folder = Folder::new();
        let server = start(&url(&folder), &[("PUBLIC_URL", public_url)]);
        let client = Client::logged_in(&server);
        let name = if is_secure { "__Host-access" } else { "access" };
        assert!(client.cookies.contains_key(name), "{public_url}: {:?}", client.cookies.keys());
    }
}

/// Not even at `RUST_LOG=trace`, which is set for all tests.
#[test]
fn logs_no_secrets() {
    for database in databases() {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        let mut secrets: Vec<_> = client.cookies.values().cloned().collect();
        client.post("/api/session/refresh", &Value::Null);
        secrets.extend(client.cookies.values().cloned());
        let reply = client.post("/api/ticket", &json!({ "path": "/api/export" }));
        let ticket = reply.json()["ticket"].as_str().unwrap().to_owned();
        client.get(&format!("/api/export?ticket={ticket}"));
        client.get("/api/export?ticket=garbage");
        secrets.push(ticket);

        let verification = outbox.token("verify_email", &email("ada"), 1);
        client.post("/api/users/verify", &json!({ "token": verification }));
        client.post("/api/password/reset", &json!({ "email": email("ada") }));
        let reset = outbox.token("reset_password", &email("ada"), 1);
        let new_password = "seven loud violet doors";
        let body = json!({ "token": reset, "password": new_password });
        assert_eq!(client.post("/api/password/reset/confirm", &body).status, 204);
        secrets.extend([verification, reset, new_password.to_owned(), PASSWORD.to_owned()]);
        client.post("/api/password-rules", &json!({ "password": "a password that is not used" }));
        secrets.push("a password that is not used".to_owned());

        assert_eq!(client.log_in_with("ada", new_password).status, 200);
        let enrolled = enrol(&mut client);
        client.delete("/api/session/");
        client.log_in_with("ada", new_password);
        secrets.push(enrolled.secret);
        secrets.extend(enrolled.recovery_codes);
        let secrets: Vec<_> = secrets.iter().map(|secret| &**secret).collect();
        crate::support::api::assert_silent_about(server, &secrets);
    }
}
