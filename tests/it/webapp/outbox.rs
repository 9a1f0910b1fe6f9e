//! Mails as files in a folder.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::{folder::Folder, server::Server};

use super::{
    client::{Client, PASSWORD, email},
    databases, start,
};

/// How long the server may take to write a mail.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A folder that a server writes mails to.
pub(crate) struct Outbox(Folder);

impl Outbox {
    pub(crate) fn new() -> Self {
        Self(Folder::new())
    }

    /// Starts the example so that it writes its mails here.
    pub(crate) fn start(&self, url: &str, variables: &[(&str, &str)]) -> Server {
        let folder = self.0.path().to_str().unwrap();
        start(url, &[&[("OUTBOX", folder)], variables].concat())
    }

    /// All mails to `to`, the oldest first.
    pub(crate) fn mails(&self, to: &str) -> Vec<Value> {
        let entries = fs::read_dir(self.0.path()).unwrap().map(|entry| entry.unwrap().path());
        let mut paths: Vec<_> =
            entries.filter(|path| path.extension().unwrap() == "json").collect();
        paths.sort();
        let mails = paths.iter().map(|path| fs::read_to_string(path).unwrap());
        // A file has its name once it is complete.
        let mails = mails.map(|mail| serde_json::from_str::<Value>(&mail).unwrap());
        mails.filter(|mail| mail["to"] == to).collect()
    }

    /// Waits for `count` mails of this kind to `to`, and returns the last one.
    pub(crate) fn wait(&self, kind: &str, to: &str, count: usize) -> Value {
        let began = Instant::now();
        loop {
            let mut mails = self.mails(to);
            mails.retain(|mail| mail["kind"] == kind);
            assert!(mails.len() <= count, "{mails:#?}");
            if mails.len() == count {
                return mails.pop().unwrap();
            }
            assert!(began.elapsed() < TIMEOUT, "only {:#?}", self.mails(to));
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The token of that mail.
    pub(crate) fn token(&self, kind: &str, to: &str, count: usize) -> String {
        self.wait(kind, to, count)["token"].as_str().unwrap().to_owned()
    }
}

#[test]
fn shows_mails_on_a_page_unless_they_are_files() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    let mut client = Client::new(&server);
    let body = json!({ "username": "bob", "email": "a&b@mail.example", "password": PASSWORD });
    assert_eq!(client.post("/api/users/", &body).status, 201);
    client.sign_up("ada");
    let began = Instant::now();
    let page = loop {
        let page = client.get("/outbox");
        assert_eq!(page.header("cache-control"), ["no-store"]);
        if page.body.contains(&email("ada")) && page.body.contains("b@mail.example") {
            break page.body;
        }
        assert!(began.elapsed() < TIMEOUT, "{}", page.body);
        thread::sleep(Duration::from_millis(10));
    };
    assert!(page.contains("/#verify=eyJ") && page.contains("a&amp;b@"), "{page}");

    let outbox = Outbox::new();
    let server = outbox.start(&database.url, &[]);
    assert_eq!(Client::new(&server).get("/outbox").status, 404);
}
