//! A page of another origin may set cookies for the application, but nobody is logged in by them.

use axum::{Router, response::Html, routing::get};

use super::{
    app::App,
    driver::{Browser, Tab},
    site::Site,
};

/// A site whose cookies the application receives, because cookies do not separate ports.
fn sibling() -> Site {
    const PAGE: &str = "<!doctype html><title>Sibling</title><link rel=icon href=data:>";
    Site::start(Router::new().route("/", get(async || Html(PAGE))))
}

fn status(tab: &Tab<'_>, path: &str, method: &str) -> i64 {
    let script = format!("return (await fetch('{path}', {{ method: '{method}' }})).status");
    tab.run(&script).as_i64().unwrap()
}

#[test]
fn scripts_cannot_read_or_replace_the_cookies() {
    let Some(browser) = Browser::start() else { return };
    let (app, sibling) = (App::start(|cookies| cookies, |app| app), sibling());
    let tab = browser.first_tab();
    app.log_in(&tab);
    assert_eq!(tab.run("return document.cookie"), "");
    let before = tab.cookies();
    for page in [app.site.url("/"), sibling.url("/")] {
        tab.open(&page);
        tab.run(
            "document.cookie = '__Host-access=tossed; Path=/; Secure';
             document.cookie = '__Host-access=tossed; Path=/api; Secure';
             document.cookie = '__Secure-refresh=tossed; Path=/api/session; Secure';
             document.cookie = '__Host-access=; Path=/; Secure; Max-Age=0';",
        );
    }
    tab.open(&app.site.url("/"));
    assert_eq!(tab.cookies(), before);
    assert_eq!(status(&tab, "/api/me", "GET"), 200);
    assert_eq!(status(&tab, "/api/session/refresh", "POST"), 200);
}

#[test]
fn rejects_a_refresh_cookie_of_a_longer_path() {
    let Some(browser) = Browser::start() else { return };
    let (app, sibling) = (App::start(|cookies| cookies, |app| app), sibling());
    let tab = browser.first_tab();
    app.log_in(&tab);
    let toss = |value: &str| {
        let cookie = format!("__Secure-refresh={value}; Path=/api/session/refresh; Secure");
        tab.open(&sibling.url("/"));
        tab.run(&format!("document.cookie = '{cookie}'"));
        tab.open(&app.site.url("/"));
    };
    toss("tossed");
    let script = "
        const response = await fetch('/api/session/refresh', { method: 'POST' });
        return [response.status, (await response.json()).code];
    ";
    assert_eq!(tab.run(script).to_string(), r#"[400,"repeated_cookie"]"#);
    // Nobody was logged out.
    assert_eq!(status(&tab, "/api/me", "GET"), 200);
    toss("; Max-Age=0");
    assert_eq!(status(&tab, "/api/session/refresh", "POST"), 200);
    assert_eq!(app.sessions(), 1);
}

/// Without the prefix, the browser accepts a second access cookie.
#[test]
fn rejects_an_access_cookie_of_a_longer_path() {
    let Some(browser) = Browser::start() else { return };
    let (app, sibling) =
        (App::start(|cookies| cookies.access_name("access"), |app| app), sibling());
    let tab = browser.first_tab();
    app.log_in(&tab);
    tab.open(&sibling.url("/"));
    tab.run("document.cookie = 'access=tossed; Path=/api'");
    tab.open(&app.site.url("/"));
    assert_eq!(status(&tab, "/api/me", "GET"), 400);

    // A client with a header does not notice.
    let script = "
        const login = await fetch('/api/token/', {
            method: 'POST',
            headers: { 'content-type': 'application/json' },
            body: JSON.stringify({ username: 'demo', password: 'demo-password' }),
        });
        const { access } = await login.json();
        const headers = { authorization: `Bearer ${access}` };
        return (await fetch('/api/me', { headers })).status;
    ";
    assert_eq!(tab.run(script), 200);
}
