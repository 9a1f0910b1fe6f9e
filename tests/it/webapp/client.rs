//! A client that keeps cookies, like a browser.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::support::{
    reply::Reply,
    server::{Server, send_on},
};

/// What the browser sends with requests of a page of the application.
pub(super) const SAME_ORIGIN: &str = "sec-fetch-site: same-origin\r\n";

pub(super) struct Client<'s> {
    server: &'s Server,
    /// The cookies by name.
    pub(super) cookies: BTreeMap<String, String>,
}

impl<'s> Client<'s> {
    pub(super) fn new(server: &'s Server) -> Self {
        Self { server, cookies: BTreeMap::new() }
    }

    /// A client that is logged in as demo.
    pub(super) fn logged_in(server: &'s Server) -> Self {
        let mut client = Self::new(server);
        let reply = client.log_in("demo");
        assert_eq!(reply.status, 200, "{reply:?}");
        client
    }

    pub(super) fn log_in(&mut self, username: &str) -> Reply {
        let password = format!("{username}-password");
        let body = json!({ "username": username, "password": password });
        self.send("POST /api/session/", SAME_ORIGIN, &body)
    }

    pub(super) fn get(&mut self, path: &str) -> Reply {
        self.send(&format!("GET {path}"), SAME_ORIGIN, &Value::Null)
    }

    pub(super) fn post(&mut self, path: &str, body: &Value) -> Reply {
        self.send(&format!("POST {path}"), SAME_ORIGIN, body)
    }

    pub(super) fn delete(&mut self, path: &str) -> Reply {
        self.send(&format!("DELETE {path}"), SAME_ORIGIN, &Value::Null)
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
