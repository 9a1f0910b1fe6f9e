//! The snippets of the documentation work as they are.

use std::{
    fs, thread,
    time::{Duration, Instant},
};

use crate::support::repository;

use super::{
    app::App,
    bearer::{cors, pages},
    driver::{Browser, TIMEOUT, Tab},
    webapp::{PASSWORD, Webapp, add_note},
};

/// The snippet of `browser.md` that contains `part`, with other places than those of the example.
fn snippet(part: &str, places: &[(&str, &str)]) -> String {
    let page = fs::read_to_string(repository("src/browser.md")).unwrap();
    let snippets = page.split("```js\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let matching: Vec<_> = snippets.filter(|snippet| snippet.contains(part)).collect();
    assert_eq!(matching.len(), 1, "{part}");
    places.iter().fold(matching[0].to_owned(), |snippet, (from, to)| snippet.replace(from, to))
}

/// Runs a snippet as a module of the page.
fn run_module(tab: &Tab<'_>, snippet: &str) {
    let snippet = serde_json::to_string(snippet).unwrap();
    tab.run(&format!(
        "const module = document.createElement('script');
         module.type = 'module';
         module.textContent = {snippet};
         document.head.append(module);"
    ));
}

#[test]
fn sessions_with_cookies() {
    let Some(browser) = Browser::start() else { return };
    let app = App::start(|cookies| cookies, |app| app);
    let tab = browser.first_tab();
    tab.open(&app.site.url("/"));
    run_module(&tab, &snippet("cookieSession", &[]));
    tab.wait_for("document.querySelector('#user').textContent === 'demo'");
    assert_eq!(tab.cookies().len(), 1);
}

#[test]
fn sessions_with_bearer_tokens() {
    let Some(browser) = Browser::start() else { return };
    let pages = pages();
    let app = App::start(|cookies| cookies, |app| app.layer(cors(&pages)));
    let tab = browser.first_tab();
    tab.open(&pages.url_at("127.0.0.1", "/"));
    let places = [("https://api.example", &*app.site.url(""))];
    run_module(&tab, &snippet("bearerSession", &places));
    tab.wait_for("document.querySelector('#user').textContent === 'demo'");
}

/// A WebSocket needs no permission by CORS, but the login does, so the page is that of the example.
#[test]
fn web_sockets_with_a_token() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
    let url = webapp.url("");
    let places = [
        ("https://api.example", &*url),
        ("wss://", "ws://"),
        ("ws://api.example", &*url),
        ("username: \"demo\"", "username: \"ada\""),
        ("demo-password", PASSWORD),
    ];
    tab.run(&snippet("new WebSocket", &places));
    tab.wait_for("document.querySelector('#user').textContent === 'ada'");
}

#[test]
fn downloads_with_a_ticket() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
    add_note(&tab, "Buy milk");
    let session = "const { cookieSession } = await import('/static/session.js');
                   const session = cookieSession();";
    tab.run(&format!("{session}\n{}", snippet("/api/ticket", &[])));
    let began = Instant::now();
    let file = browser.downloads().join("notes.json");
    // The file is empty at first.
    while !fs::read_to_string(&file).is_ok_and(|content| content.contains("Buy milk")) {
        assert!(began.elapsed() < TIMEOUT, "{}", tab.text("body"));
        thread::sleep(Duration::from_millis(10));
    }
}
