//! A client that keeps cookies, like a browser.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    reply::Reply,
    server::{Server, send_on},
};

/// What the browser sends with requests of a page of the application.
pub(super) const SAME_ORIGIN: &str = "sec-fetch-site: same-origin\r\n";

/// The password of all users at first.
pub(super) const PASSWORD: &str = "three quiet green lamps";

pub(super) struct Client<'s> {
    server: &'s Server,
    /// The cookies by name.
    pub(super) cookies: BTreeMap<String, String>,
}

impl<'s> Client<'s> {
    pub(super) fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    /// A client that is logged in as ada, who signs up if there is no such account.
    pub(super) fn logged_in(server: &'s Server) -> Self {
        Self::logged_in_as(server, "ada")
    }

    pub(super) fn logged_in_as(server: &'s Server, username: &str) -> Self {
        let mut client = Self::new(server);
        client.sign_up(username);
        let reply = client.log_in(username);
        assert_eq!(reply.status, 200, "{reply:?}");
        client
    }

    pub(super) fn sign_up(&mut self, username: &str) -> Reply {
        let email = email(username);
        let body = json!({ "username": username, "email": email, "password": PASSWORD });
        self.post("/api/users/", &body)
    }

    pub(super) fn log_in(&mut self, username: &str) -> Reply {
        self.log_in_with(username, PASSWORD)
    }

    pub(super) fn log_in_with(&mut self, username: &str, password: &str) -> Reply {
        self.post("/api/session/", &json!({ "username": username, "password": password }))
    }

    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), SAME_ORIGIN, &Value::Null)
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.send(&format!("POST {path}"), SAME_ORIGIN, body)
    }

    pub(super) fn patch(&mut self, path: &str, body: &Value) -> Reply {
        self.send(&format!("PATCH {path}"), SAME_ORIGIN, body)
    }

    pub(super) fn delete(&mut self, path: &str) -> Reply {
        self.send(&format!("DELETE {path}"), SAME_ORIGIN, &Value::Null)
    }

    pub(super) fn delete_with(&mut self, path: &str, body: &Value) -> Reply {
        self.send(&format!("DELETE {path}"), SAME_ORIGIN, body)
    }

    /// Sends a request with all cookies and keeps those of the response.
    pub(super) fn send(&mut self, line: &str, headers: &str, body: &Value) -> Reply {
        let (content_type, body) = match body {
            Value::Null => ("", String::new()),
            body => ("content-type: application/json\r\n", body.to_string()),
        };
        let headers = format!("{}{content_type}{headers}", self.cookie_header());
        let reply = send_on(self.server.connect(), line, &headers, body.as_bytes()).unwrap();
        for cookie in reply.header("set-cookie") {
            let (name, value) = cookie.split(';').next().unwrap().split_once('=').unwrap();
            match cookie.contains("Max-Age=0") {
                true => self.cookies.remove(name),
                false => self.cookies.insert(name.to_owned(), value.to_owned()),
            };
        }
        let status = reply.status.as_u16();
        assert!(status < 500 || status == 503, "{reply:?}");
        if status >= 400 && status != 404 && status != 405 {
            let body = reply.json();
            assert!(body["detail"].is_string() && body["code"].is_string(), "{reply:?}");
        }
        let challenges = reply.header("www-authenticate").len();
        assert!(challenges <= 1 && (challenges == 1) >= (status == 401), "{reply:?}");
        reply
    }

    /// The header with all cookies.
    pub(super) fn cookie_header(&self) -> String {
        if self.cookies.is_empty() {
            return String::new();
        }
        let pairs: Vec<_> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("cookie: {}\r\n", pairs.join("; "))
    }
}

pub(super) fn email(username: &str) -> String {
    format!("{username}@mail.example")
}

/// Asserts the status and the code of a response, and returns its body.
pub(super) fn rejected(reply: &Reply, status: u16, code: &str) -> Value {
    let body = reply.json();
    assert_eq!((reply.status.as_u16(), &body["code"]), (status, &json!(code)), "{reply:?}");
    body
}

/// The access and refresh token of a login without cookies.
pub(super) fn obtain_tokens(server: &Server, username: &str) -> (String, String) {
    let body = json!({ "username": username, "password": PASSWORD });
    crate::support::api::tokens(&Client::new(server).post("/api/token/", &body))
}

pub(super) fn bearer(access: &str) -> String {
    format!("authorization: Bearer {access}\r\n")
}
