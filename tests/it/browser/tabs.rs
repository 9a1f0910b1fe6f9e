//! `session.js` with cookies: refreshes, tabs, logouts and failures.

use std::{
    thread,
    time::{Duration, Instant},
};

use serde_json::Value;

use super::{
    app::{App, Refreshes, log_in},
    driver::{Browser, TIMEOUT, Tab},
};

/// A page with a session whose events are counted.
const LOAD: &str = "
    const { cookieSession } = await import('/static/session.js');
    window.session = cookieSession();
    window.events = [];
    for (const name of ['begin', 'end']) {
        session.addEventListener(name, () => events.push(name));
    }
";

/// Sends a request and keeps the outcome, without waiting for it.
const SEND: &str = "
    window.outcome = null;
    session.fetch('/api/me').then(
        response => { outcome = response.status; },
        error => { outcome = error.name; },
    );
";

fn scene() -> Option<(App, Browser)> {
    let browser = Browser::start()?;
    let app = App::start(|cookies| cookies, |app| app);
    app.log_in(&browser.first_tab());
    Some((app, browser))
}

/// Opens the page of the application.
fn load(app: &App, tab: &Tab<'_>) {
    tab.open(&app.site.url("/"));
    tab.run(LOAD);
}

fn outcome(tab: &Tab<'_>) -> Value {
    tab.wait_for("outcome !== null");
    tab.run("return outcome")
}

fn events(tab: &Tab<'_>) -> Value {
    tab.run("return events.splice(0)")
}

#[test]
fn refreshes_an_expired_token_and_repeats_the_request() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    app.expire_access_tokens();
    let script = "
        const response = await session.fetch('/api/echo', { method: 'POST', body: 'note' });
        return [response.status, await response.text()];
    ";
    assert_eq!(tab.run(script).to_string(), r#"[200,"note"]"#);
    let expected = [
        "POST /api/echo with cookies: 401",
        "POST /api/session/refresh with cookies: 200",
        "POST /api/echo with cookies: 200",
    ];
    assert_eq!(app.requests(), expected);
    assert_eq!(events(&tab), Value::Array(Vec::new()));
}

#[test]
fn refreshes_once_for_all_requests_of_a_tab() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    app.expire_access_tokens();
    let script = "
        const responses = await Promise.all([1, 2, 3, 4].map(() => session.fetch('/api/me')));
        return responses.map(response => response.status).join();
    ";
    assert_eq!(tab.run(script), "200,200,200,200");
    let requests = app.requests();
    assert_eq!(requests.iter().filter(|line| line.contains("/refresh")).count(), 1, "{requests:?}");
}

/// A route may respond with `401` for a reason that new tokens do not change.
#[test]
fn never_refreshes_twice_in_a_row() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    assert_eq!(tab.run("return (await session.fetch('/always-401')).status"), 401);
    let expected = [
        "GET /always-401 with cookies: 401",
        "POST /api/session/refresh with cookies: 200",
        "GET /always-401 with cookies: 401",
    ];
    assert_eq!(app.requests(), expected);
    assert_eq!(events(&tab), Value::Array(Vec::new()));
}

#[test]
fn one_of_three_tabs_refreshes() {
    let Some((app, browser)) = scene() else { return };
    let tabs = [browser.first_tab(), browser.new_tab(), browser.new_tab()];
    for tab in &tabs {
        load(&app, tab);
    }
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    for tab in &tabs {
        tab.run(SEND);
    }
    tabs[0].wait_for("(await navigator.locks.query()).pending.length === 2");
    app.set_refreshes(Refreshes::Served);
    for tab in &tabs {
        assert_eq!(outcome(tab), 200);
        assert_eq!(events(tab), Value::Array(Vec::new()));
    }
    let requests = app.requests();
    assert_eq!(requests.iter().filter(|line| line.contains("/refresh")).count(), 1, "{requests:?}");
    assert_eq!(app.sessions(), 1);
}

/// Browsers have no locks over plain `http`. The grace period of the server takes their place.
#[test]
fn three_tabs_without_locks_get_the_same_tokens() {
    let Some(browser) = Browser::start() else { return };
    let app = App::start(|cookies| cookies.insecure_http(true), |app| app);
    let tabs = [browser.first_tab(), browser.new_tab(), browser.new_tab()];
    for tab in &tabs {
        tab.open(&app.site.url_at("app.test", "/"));
        tab.run(LOAD);
    }
    assert_eq!(tabs[0].run("return navigator.locks === undefined"), true);
    log_in(&tabs[0], "demo");
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    for tab in &tabs {
        tab.run(SEND);
    }
    app.wait_for(3, "/refresh");
    app.set_refreshes(Refreshes::Served);
    for tab in &tabs {
        assert_eq!(outcome(tab), 200);
        assert_eq!(events(tab), Value::Array(Vec::new()));
    }
    assert_eq!(app.sessions(), 1);
    // The next refresh works in each tab.
    app.expire_access_tokens();
    for tab in &tabs {
        assert_eq!(tab.run("return (await session.fetch('/api/me')).status"), 200);
    }
}

#[test]
fn a_reload_during_a_refresh_keeps_the_user_logged_in() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    tab.run(SEND);
    app.wait_for(1, "/refresh");
    tab.reload();
    tab.run(LOAD);
    tab.run(SEND);
    app.wait_for(2, "/refresh");
    app.set_refreshes(Refreshes::Served);
    assert_eq!(outcome(&tab), 200);
    assert_eq!(app.sessions(), 1);
}

/// Not even the grace period is needed.
#[test]
fn a_refresh_completes_although_the_page_is_left() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    let before = tab.cookies();
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    tab.run(SEND);
    app.wait_for(1, "/refresh");
    tab.reload();
    app.set_refreshes(Refreshes::Served);
    let began = Instant::now();
    while tab.cookies() == before {
        assert!(began.elapsed() < TIMEOUT, "the cookies are still the old ones");
        thread::sleep(Duration::from_millis(10));
    }
    tab.run(LOAD);
    app.requests();
    assert_eq!(tab.run("return (await session.fetch('/api/me')).status"), 200);
    assert_eq!(app.requests(), ["GET /api/me with cookies: 200"]);
}

#[test]
fn a_logout_ends_all_tabs() {
    let Some((app, browser)) = scene() else { return };
    let tabs = [browser.first_tab(), browser.new_tab(), browser.new_tab()];
    for tab in &tabs {
        load(&app, tab);
    }
    assert_eq!(tabs[2].run("return (await session.logout()).status"), 204);
    for tab in &tabs {
        tab.wait_for("events.length > 0");
        assert_eq!(events(tab).to_string(), r#"["end"]"#);
        assert_eq!(tab.cookies().len(), 0);
    }
    assert_eq!(app.sessions(), 0);

    let login = "
        const response = await session.login({ username: 'admin', password: 'admin-password' });
        return response.status;
    ";
    assert_eq!(tabs[0].run(login), 200);
    for tab in &tabs {
        tab.wait_for("events.length > 0");
        assert_eq!(events(tab).to_string(), r#"["begin"]"#);
        assert_eq!(
            tab.run("return (await (await session.fetch('/api/me')).json()).username"),
            "admin"
        );
    }
}

/// A refresh that completes after a logout would bring the cookies back.
#[test]
fn a_logout_waits_for_a_refresh() {
    let Some((app, browser)) = scene() else { return };
    let (tab, other) = (browser.first_tab(), browser.new_tab());
    load(&app, &tab);
    load(&app, &other);
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    tab.run(SEND);
    app.wait_for(1, "/refresh");
    other.run(
        "window.status = null; session.logout().then(({ status }) => { window.status = status; })",
    );
    other.wait_for("(await navigator.locks.query()).pending.length === 1");
    app.set_refreshes(Refreshes::Served);
    other.wait_for("status == 204");
    tab.wait_for("events.includes('end')");
    assert_eq!((tab.cookies().len(), app.sessions()), (0, 0));
}

/// It would be repeated with the cookies of the other user.
#[test]
fn no_request_is_repeated_after_another_user_has_logged_in() {
    let Some((app, browser)) = scene() else { return };
    let (tab, other) = (browser.first_tab(), browser.new_tab());
    load(&app, &tab);
    load(&app, &other);
    app.expire_access_tokens();
    let log_in_later = "
        const name = new URL('/api/session', location.href).href;
        navigator.locks.request(name, () => new Promise(resolve => { window.release = resolve; }));
        session.login({ username: 'admin', password: 'admin-password' });
    ";
    other.run(log_in_later);
    other.wait_for("(await navigator.locks.query()).pending.length === 1");
    tab.run(SEND);
    other.wait_for("(await navigator.locks.query()).pending.length === 2");
    other.run("release()");
    assert_eq!(outcome(&tab), 401);
    let requests = app.requests();
    assert_eq!(requests.iter().filter(|line| line.contains("/api/me")).count(), 1, "{requests:?}");

    assert_eq!(tab.run("return (await (await session.fetch('/api/me')).json()).username"), "admin");
    assert_eq!(events(&tab).to_string(), r#"["begin"]"#);
}

#[test]
fn the_end_of_a_session_elsewhere_ends_all_tabs() {
    let Some((app, browser)) = scene() else { return };
    let (tab, other) = (browser.first_tab(), browser.new_tab());
    load(&app, &tab);
    load(&app, &other);
    app.end_sessions();
    assert_eq!(tab.run("return (await session.fetch('/api/me')).status"), 401);
    for tab in [&tab, &other] {
        tab.wait_for("events.length > 0");
        assert_eq!(events(tab).to_string(), r#"["end"]"#);
        assert_eq!(tab.cookies().len(), 0);
    }
}

#[test]
fn an_outage_logs_nobody_out() {
    let Some((app, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &tab);
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Down);
    assert_eq!(tab.run("return (await session.fetch('/api/me')).status"), 503);
    app.set_refreshes(Refreshes::Served);
    assert_eq!(tab.run("return (await session.fetch('/api/me')).status"), 200);

    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    tab.run(SEND);
    app.wait_for(1, "/refresh");
    // The server ends while the refresh waits.
    drop(app);
    assert_eq!(outcome(&tab), "TypeError");
    assert_eq!(events(&tab), Value::Array(Vec::new()));
    assert_eq!(tab.cookies().len(), 1, "the refresh cookie belongs to another path");
}
