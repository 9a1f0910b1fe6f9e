//! While the database does not respond, requests get 503 in time, and they change nothing.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use sqlx::{ConnectOptions, Connection, SqliteConnection, raw_sql, sqlite::SqliteConnectOptions};

use crate::{
    server::block_on,
    support::{folder::Folder, postgres},
};

use super::{
    client::{Client, PASSWORD, bearer, email, obtain_tokens},
    outbox::Outbox,
    second_step::{code, enrol, now},
};

const FIVE_SECONDS: Duration = Duration::from_secs(5);

#[test]
fn survives_a_suspended_postgres() {
    let Some(database) = postgres::Server::start() else { return };
    let during = |outage: &dyn Fn()| {
        database.signal("-STOP");
        outage();
        database.signal("-CONT");
    };
    survives_an_outage(&database.url(), during);
}

#[test]
fn survives_a_killed_postgres() {
    let Some(database) = postgres::Server::start() else { return };
    let during = |outage: &dyn Fn()| {
        database.kill();
        outage();
        database.run();
    };
    survives_an_outage(&database.url(), during);
}

#[test]
fn survives_a_lock_of_sqlite() {
    let folder = Folder::new();
    let path = folder.path().join("webapp.db");
    let during = |outage: &dyn Fn()| {
        let lock = block_on(async {
            let mut connection: SqliteConnection =
                SqliteConnectOptions::new().filename(&path).connect().await.unwrap();
            raw_sql("BEGIN IMMEDIATE").execute(&mut connection).await.unwrap();
            connection
        });
        outage();
        block_on(lock.close()).unwrap();
    };
    survives_an_outage(&format!("sqlite:{}", path.display()), during);
}

/// `during` runs a function while the database at `url` does not respond.
fn survives_an_outage(url: &str, during: impl FnOnce(&dyn Fn())) {
    let outbox = Outbox::new();
    let server = outbox.start(url, &[]);
    let mut client = Client::logged_in(&server);
    let (access, refresh) = obtain_tokens(&server, "ada");
    client.post("/api/password/reset", &json!({ "email": email("ada") }));
    let reset = outbox.token("reset_password", &email("ada"), 1);
    let verification = outbox.token("verify_email", &email("ada"), 1);
    let mut eve = Client::logged_in_as(&server, "eve");
    let enrolled = enrol(&mut eve);
    let step = Client::new(&server).log_in("eve").json()["step"].clone();
    let next_code = code(&enrolled.secret, now() + 1);

    let requests = [
        (
            "POST /api/users/",
            json!({ "username": "bob", "email": "b@mail.example", "password": PASSWORD }),
        ),
        ("POST /api/users/verify", json!({ "token": verification })),
        ("POST /api/users/verify/resend", json!({ "email": email("ada") })),
        ("POST /api/session/", json!({ "username": "ada", "password": PASSWORD })),
        ("POST /api/token/", json!({ "username": "ada", "password": PASSWORD })),
        ("POST /api/token/refresh/", json!({ "refresh": refresh })),
        ("POST /api/token/blacklist/", json!({ "refresh": refresh })),
        ("POST /api/token/second-factor", json!({ "step": step, "code": next_code })),
        ("POST /api/password", json!({ "current": PASSWORD, "new": "five loud green doors" })),
        ("POST /api/password/reset", json!({ "email": email("ada") })),
        (
            "POST /api/password/reset/confirm",
            json!({ "token": reset, "password": "five loud green doors" }),
        ),
        ("PATCH /api/me", json!({ "email": "new@mail.example" })),
        ("DELETE /api/me", json!({ "password": PASSWORD })),
        ("POST /api/totp", Value::Null),
        ("POST /api/notes", json!({ "text": "a note" })),
        ("POST /api/logout-all", Value::Null),
    ];
    during(&|| {
        thread::scope(|scope| {
            for (line, body) in &requests {
                let (server, access) = (&server, &access);
                scope.spawn(move || {
                    let began = Instant::now();
                    let reply = Client::new(server).send(line, &bearer(access), body);
                    assert_eq!(reply.status, 503, "{line}: {reply:?}");
                    assert!(began.elapsed() < FIVE_SECONDS, "{line}: {:?}", began.elapsed());
                    assert_eq!(reply.header("retry-after").len(), 1, "{line}");
                });
            }
        });
    });
    let began = Instant::now();
    while client.get("/health").status != 200 {
        assert!(began.elapsed() < FIVE_SECONDS, "no recovery");
        thread::sleep(Duration::from_millis(50));
    }

    assert_eq!(client.get("/api/me").json()["email"], email("ada"));
    assert_eq!(client.get("/api/notes").json(), json!([]));
    let body = json!({ "step": step, "code": next_code });
    assert_eq!(client.post("/api/token/second-factor", &body).status, 200, "no code was used");
    assert_eq!(client.post("/api/token/refresh/", &json!({ "refresh": refresh })).status, 200);
    assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 200);
    assert_eq!(Client::new(&server).log_in("ada").status, 200);
    assert_eq!(Client::new(&server).sign_up("bob").status, 201);
    assert_eq!(client.post("/api/users/verify", &json!({ "token": verification })).status, 204);
    assert!(outbox.mails("new@mail.example").is_empty());
    assert_eq!(outbox.mails(&email("ada")).len(), 2, "no more mails");
    let body = json!({ "token": reset, "password": "five loud green doors" });
    assert_eq!(client.post("/api/password/reset/confirm", &body).status, 204);
}
