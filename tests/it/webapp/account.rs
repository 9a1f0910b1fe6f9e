//! The account of a user: profile, password, reset, deletion.

use serde_json::{Value, json};
use sqlx::{Connection, Error, PgConnection, SqliteConnection, query_scalar};
use tokio::runtime::Runtime;

use super::{
    client::{Client, PASSWORD, SAME_ORIGIN, bearer, email, obtain_tokens, rejected},
    databases,
    outbox::Outbox,
    start,
};

const NEW_PASSWORD: &str = "seven loud violet doors";

#[test]
fn shows_the_account_by_cookie_and_bearer_token() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        let me = client.get("/api/me").json();
        assert_eq!((&me["username"], &me["email"]), (&json!("ada"), &json!(email("ada"))));
        let (access, _) = obtain_tokens(&server, "ada");
        let mut other = Client::new(&server);
        assert_eq!(other.send("GET /api/me", &bearer(&access), &Value::Null).json(), me);
        for line in ["GET /api/me", "PATCH /api/me", "DELETE /api/me", "POST /api/password"] {
            let reply = other.send(line, SAME_ORIGIN, &json!({}));
            assert_eq!(reply.status, 401, "{line}: {reply:?}");
        }
    }
}

#[test]
fn changes_the_name_and_the_address() {
    for database in databases() {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        Client::new(&server).sign_up("bob");
        for (body, name) in [
            (json!({ "username": "BOB" }), "username"),
            (json!({ "username": email("bob") }), "username"),
            (json!({ "email": email("Bob") }), "email"),
            (json!({ "email": "x" }), "email"),
        ] {
            let reply = rejected(&client.patch("/api/me", &body), 400, "invalid_body");
            assert!(reply["errors"][name].is_array(), "{body}: {reply}");
        }
        let body = json!({ "username": "Countess", "email": "new@mail.example" });
        let me = client.patch("/api/me", &body);
        assert_eq!((me.status.as_u16(), &me.json()["username"]), (200, &json!("Countess")));
        // The new address counts once it is confirmed.
        assert_eq!(client.get("/api/me").json()["email"], json!(email("ada")));
        assert_eq!(client.log_in("new@mail.example").status, 401);
        let notice = outbox.wait("email_change_requested", &email("ada"), 1);
        assert_eq!((&notice["token"], &notice["link"]), (&Value::Null, &Value::Null));
        let token = outbox.token("verify_email", "new@mail.example", 1);
        assert_eq!(client.post("/api/users/verify", &json!({ "token": token })).status, 204);
        assert_eq!(client.log_in("new@mail.example").status, 200);
        assert_eq!(client.get("/api/me").json()["email"], "new@mail.example");
        outbox.wait("email_changed", &email("ada"), 1);
        assert_eq!(Client::new(&server).log_in(&email("ada")).status, 401);
    }
}

#[test]
fn a_new_password_ends_the_other_sessions() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let mut client = Client::logged_in(&servers[0]);
        let mut other = Client::logged_in(&servers[1]);
        for (current, new, name) in [
            ("wrong", NEW_PASSWORD, "current"),
            (PASSWORD, "letmein", "new"),
            (PASSWORD, "", "new"),
        ] {
            let body = json!({ "current": current, "new": new });
            let body = rejected(&client.post("/api/password", &body), 400, "invalid_body");
            assert!(body["errors"][name].is_array(), "{body}");
        }
        assert_eq!(other.get("/api/me").status, 200);

        let body = json!({ "current": PASSWORD, "new": NEW_PASSWORD });
        let reply = client.post("/api/password", &body);
        assert_eq!(reply.status, 204, "{reply:?}");
        assert_eq!(client.get("/api/me").status, 200);
        assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 200);
        assert_eq!(client.get("/api/me").status, 200);
        assert_eq!(other.post("/api/session/refresh", &Value::Null).status, 401);
        assert_eq!(other.get("/api/me").status, 401);
        assert_eq!(client.get("/api/sessions").json().as_array().unwrap().len(), 1);
        let mut client = Client::new(&servers[0]);
        assert_eq!(client.log_in("ada").status, 401);
        assert_eq!(client.log_in_with("ada", NEW_PASSWORD).status, 200);
    }
}

#[test]
fn a_bearer_session_survives_its_new_password() {
    for database in databases() {
        let server = start(&database.url, &[]);
        Client::new(&server).sign_up("ada");
        let (access, refresh) = obtain_tokens(&server, "ada");
        let body = json!({ "current": PASSWORD, "new": NEW_PASSWORD });
        let mut client = Client::new(&server);
        let reply = client.send("POST /api/password", &bearer(&access), &body);
        assert_eq!(reply.status, 204, "{reply:?}");
        assert_eq!(client.send("GET /api/me", &bearer(&access), &Value::Null).status, 200);
        let reply = client.post("/api/token/refresh/", &json!({ "refresh": refresh }));
        assert_eq!(reply.status, 200, "{reply:?}");
    }
}

#[test]
fn a_mail_resets_the_password_once() {
    for database in databases() {
        let outbox = Outbox::new();
        let servers = [(); 2].map(|()| outbox.start(&database.url, &[]));
        let mut client = Client::logged_in(&servers[0]);
        for _ in 0..2 {
            let reply = client.post("/api/password/reset", &json!({ "email": email("ADA") }));
            assert_eq!(reply.status, 202);
        }
        let newest = outbox.token("reset_password", &email("ada"), 2);
        let mut tokens = outbox.mails(&email("ada"));
        tokens.retain(|mail| mail["kind"] == "reset_password");
        let [first, _] = &tokens[..] else { panic!("{tokens:?}") };
        let confirm = |server: usize, token: &str, password: &str| {
            let body = json!({ "token": token, "password": password });
            Client::new(&servers[server]).post("/api/password/reset/confirm", &body)
        };
        let body = rejected(&confirm(0, &newest, "letmein"), 400, "invalid_body");
        assert!(body["errors"]["password"].is_array(), "{body}");
        // The rejected password has not spent the link.
        assert_eq!(confirm(1, &newest, NEW_PASSWORD).status, 204);
        rejected(&confirm(0, &newest, NEW_PASSWORD), 400, "invalid_token");
        let first = first["token"].as_str().unwrap();
        rejected(&confirm(0, first, NEW_PASSWORD), 400, "invalid_token");
        assert_eq!(client.get("/api/me").status, 401, "all sessions have ended");
        assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 401);
        assert_eq!(client.log_in_with("ada", NEW_PASSWORD).status, 200);
        outbox.wait("password_changed", &email("ada"), 1);

        // Links from before a change of the password are worthless too.
        client.post("/api/password/reset", &json!({ "email": email("ada") }));
        let token = outbox.token("reset_password", &email("ada"), 3);
        let body = json!({ "current": NEW_PASSWORD, "new": PASSWORD });
        assert_eq!(client.post("/api/password", &body).status, 204);
        rejected(&confirm(0, &token, NEW_PASSWORD), 400, "invalid_token");
    }
}

#[test]
fn deletes_the_account_with_its_notes() {
    for database in databases() {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        let mut other = Client::logged_in(&server);
        client.post("/api/notes", &json!({ "text": "Buy milk" }));
        assert_eq!(count_notes(&database.url), 1);
        let body = json!({ "password": "wrong" });
        let body = rejected(&client.delete_with("/api/me", &body), 400, "invalid_body");
        assert!(body["errors"]["password"].is_array(), "{body}");
        let old_cookies = client.cookies.clone();
        let reply = client.delete_with("/api/me", &json!({ "password": PASSWORD }));
        assert_eq!(reply.status, 204, "{reply:?}");
        client.cookies = old_cookies;
        for client in [&mut client, &mut other] {
            assert_eq!(client.get("/api/me").status, 401);
            assert_eq!(client.post("/api/session/refresh", &Value::Null).status, 401);
        }
        assert_eq!(count_notes(&database.url), 0);
        assert_eq!(Client::new(&server).log_in("ada").status, 401);
        // The name is free again, for another account.
        let mut client = Client::logged_in(&server);
        assert_eq!(client.get("/api/notes").json(), json!([]));
    }
}

/// The notes in the database, of all users.
fn count_notes(url: &str) -> i64 {
    const COUNT: &str = "SELECT count(*) FROM notes";
    let count = async {
        if url.starts_with("sqlite:") {
            let mut connection = SqliteConnection::connect(url).await?;
            query_scalar(COUNT).fetch_one(&mut connection).await
        } else {
            let mut connection = PgConnection::connect(url).await?;
            query_scalar(COUNT).fetch_one(&mut connection).await
        }
    };
    let count: Result<_, Error> = Runtime::new().unwrap().block_on(count);
    count.unwrap()
}
