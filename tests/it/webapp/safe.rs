//! `SIGNUP=safe`: nobody finds out who has an account.

use serde_json::{Value, json};

use crate::support::reply::Reply;

use super::{
    client::{Client, PASSWORD, email, rejected},
    databases,
    outbox::Outbox,
};

const SAFE: [(&str, &str); 1] = [("SIGNUP", "safe")];

/// What a client sees, apart from the time of the response.
fn visible(reply: &Reply) -> (u16, Vec<(String, String)>, String) {
    let headers = reply.headers.iter().filter(|(name, _)| *name != "date");
    let mut headers: Vec<_> = headers
        .map(|(name, value)| (name.to_string(), value.to_str().unwrap().to_owned()))
        .collect();
    headers.sort();
    (reply.status.as_u16(), headers, reply.body.clone())
}

#[test]
fn sign_ups_look_alike_and_the_mail_explains() {
    for database in databases() {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, &SAFE);
        let mut client = Client::new(&server);
        let first = visible(&client.sign_up("ada"));
        assert_eq!(first.0, 202);
        let token = outbox.token("verify_email", &email("ada"), 1);

        // Both are taken, the address alone, the name alone.
        for (username, address) in
            [("ada", email("ada")), ("other", email("ADA")), ("Ada", email("other"))]
        {
            let body = json!({
                "username": username, "email": address, "password": PASSWORD, "tokens": true,
            });
            assert_eq!(visible(&client.post("/api/users/", &body)), first);
        }
        assert!(client.cookies.is_empty());
        outbox.wait("account_exists", &email("ada"), 2);
        let mail = outbox.wait("username_taken", &email("other"), 1);
        assert_eq!((&mail["token"], &mail["link"]), (&Value::Null, &Value::Null));
        assert_eq!(outbox.mails(&email("ada")).len(), 3);

        // What can be seen without an account is still rejected.
        let body = json!({ "username": "bob", "email": "x", "password": "letmein" });
        let errors = &rejected(&client.post("/api/users/", &body), 400, "invalid_body")["errors"];
        assert_eq!(errors.as_object().unwrap().len(), 2, "{errors}");

        // A login before the confirmation looks like one with a wrong password.
        let unverified = visible(&client.log_in("ada"));
        assert_eq!(unverified, visible(&client.log_in_with("ada", "wrong")));
        assert_eq!(unverified, visible(&client.log_in("nobody")));
        assert_eq!(client.post("/api/users/verify", &json!({ "token": token })).status, 204);
        assert_eq!(client.log_in("ada").status, 200);
    }
}

#[test]
fn requests_for_mails_look_alike() {
    let database = databases().next().unwrap();
    for variables in [&SAFE[..], &[]] {
        let outbox = Outbox::new();
        let server = outbox.start(&database.url, variables);
        let mut client = Client::new(&server);
        client.sign_up("ada");
        for path in ["/api/password/reset", "/api/users/verify/resend"] {
            let known = client.post(path, &json!({ "email": email("ada") }));
            assert_eq!(known.status, 202);
            let unknown = client.post(path, &json!({ "email": email("nobody") }));
            assert_eq!(visible(&unknown), visible(&known), "{path}");
        }
        assert!(outbox.mails(&email("nobody")).is_empty());
    }
}
