//! The example `webapp`, used as people do.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{folder::Folder, login::SECRET, server::Server};

use super::driver::{Browser, Tab};

/// The example with an empty database.
pub(super) struct Webapp {
    server: Server,
    _folder: Folder,
}

impl Webapp {
    pub(super) fn start(variables: &[(&str, &str)]) -> Self {
        let folder = Folder::new();
        let database = format!("sqlite:{}/webapp.db", folder.path().display());
        let required = [("PORT", "0"), ("JWT_SECRET", SECRET), ("DATABASE_URL", &*database)];
        let server = Server::start("webapp", &[&required, variables].concat());
        Self { server, _folder: folder }
    }

    pub(super) fn url(&self, path: &str) -> String {
        let (_, port) = self.server.address().rsplit_once(':').unwrap();
        format!("http://localhost:{port}{path}")
    }

    /// Logs in with the form of the page.
    pub(super) fn log_in(&self, tab: &Tab<'_>) {
        tab.open(&self.url("/"));
        tab.wait_for(IS_LOGGED_OUT);
        tab.type_into("#login-username", "demo");
        tab.type_into("#login-password", "demo-password");
        tab.click("#login button");
        tab.wait_for(IS_LOGGED_IN);
    }
}

const IS_LOGGED_IN: &str = "!document.querySelector('#app').hidden";
const IS_LOGGED_OUT: &str = "!document.querySelector('#login').hidden";

pub(super) fn add_note(tab: &Tab<'_>, text: &str) {
    tab.type_into("#text", text);
    tab.click("#add button");
    let text = json!(text);
    tab.wait_for(&format!("document.querySelector('#notes').textContent.includes({text})"));
    tab.wait_for("document.querySelector('#text').value === ''");
}

#[test]
fn stays_logged_in_after_a_reload() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.log_in(&tab);
    assert_eq!(tab.text("#username"), "demo");
    add_note(&tab, "Buy milk");
    tab.reload();
    tab.wait_for(IS_LOGGED_IN);
    tab.wait_for("document.querySelector('#notes').textContent.includes('Buy milk')");
    assert!(!tab.is_displayed("#login"));
}

#[test]
fn cookies_are_invisible_and_limited() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[("ACCESS_LIFETIME", "200"), ("REFRESH_LIFETIME", "400")]);
    let tab = browser.first_tab();
    webapp.log_in(&tab);
    assert_eq!(tab.run("return document.cookie"), "");
    // The routes of sessions receive both.
    tab.open(&webapp.url("/api/session/"));
    let mut cookies = tab.cookies();
    cookies.sort_by_key(|cookie| cookie["name"].to_string());
    let now = crate::support::api::now();
    for (cookie, (name, path, same_site, lifetime)) in cookies.iter().zip([
        ("__Host-access", "/", "Lax", 200),
        ("__Secure-refresh", "/api/session", "Strict", 400),
    ]) {
        assert_eq!(cookie["name"], name);
        assert_eq!(cookie["path"], path);
        assert_eq!(cookie["sameSite"], same_site);
        assert_eq!((&cookie["httpOnly"], &cookie["secure"]), (&json!(true), &json!(true)));
        let left = cookie["expiry"].as_u64().unwrap() - now;
        assert!((lifetime - 60..=lifetime).contains(&left), "{name}: {left}");
    }
    assert_eq!(cookies.len(), 2);
}

#[test]
fn refreshes_silently() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[("ACCESS_LIFETIME", "2")]);
    let tab = browser.first_tab();
    webapp.log_in(&tab);
    let refreshes = || {
        let metrics = webapp.server.send("GET /metrics", "", b"").body;
        let line = metrics.lines().find(|line| line.contains("outcome=\"rotated\""));
        line.map_or(0, |line| line.rsplit_once(' ').unwrap().1.parse().unwrap())
    };
    let began = Instant::now();
    for number in 1.. {
        add_note(&tab, &format!("note {number}."));
        if refreshes() >= 2 {
            break;
        }
        assert!(began.elapsed() < Duration::from_secs(30));
    }
    assert!(tab.is_displayed("#app"));
    assert!(!tab.is_displayed("#message"));
}

#[test]
fn shows_why_a_login_failed() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    tab.open(&webapp.url("/"));
    tab.wait_for(IS_LOGGED_OUT);
    assert!(!tab.is_displayed("#message"), "nobody was logged in");
    tab.type_into("#login-username", "demo");
    tab.type_into("#login-password", "wrong");
    tab.click("#login button");
    tab.wait_for("!document.querySelector('#message').hidden");
    assert!(tab.is_displayed("#login"));
}

/// The server closes the socket of each tab, so the page notices without a request of the user.
#[test]
fn a_logout_elsewhere_ends_all_tabs_within_seconds() {
    let Some(browser) = Browser::start() else { return };
    let Some(elsewhere) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tabs = [browser.first_tab(), browser.new_tab()];
    webapp.log_in(&tabs[0]);
    tabs[1].open(&webapp.url("/"));
    for tab in &tabs {
        tab.wait_for("document.querySelector('#socket').textContent.startsWith('open')");
    }
    let other = elsewhere.first_tab();
    webapp.log_in(&other);
    let began = Instant::now();
    other.click("#logout-all");
    for tab in &tabs {
        tab.wait_for(IS_LOGGED_OUT);
        assert!(tab.text("#message").contains("logged out"), "{}", tab.text("#message"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn ends_another_session_from_the_list() {
    let Some(browser) = Browser::start() else { return };
    let Some(elsewhere) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let (tab, other) = (browser.first_tab(), elsewhere.first_tab());
    webapp.log_in(&other);
    webapp.log_in(&tab);
    assert_eq!(tab.run("return document.querySelectorAll('#sessions li').length"), 2);
    tab.click("#sessions button");
    tab.wait_for("document.querySelectorAll('#sessions li').length === 1");
    other.wait_for(IS_LOGGED_OUT);
    assert!(tab.is_displayed("#app"));
}

/// The policy of the page forbids everything that an injected script needs.
#[test]
fn runs_no_injected_scripts() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.log_in(&tab);
    let script = "
        const violations = [];
        document.addEventListener('securitypolicyviolation', event => {
            violations.push(event.effectiveDirective);
        });
        const script = document.createElement('script');
        script.textContent = 'window.injected = true';
        document.body.append(script);
        document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.injected = true\">');
        await fetch('http://127.0.0.1:1/').catch(() => {});
        await new Promise(resolve => setTimeout(resolve));
        return [window.injected === undefined, [...new Set(violations)].sort()];
    ";
    let expected = r#"[true,["connect-src","script-src-attr","script-src-elem"]]"#;
    assert_eq!(tab.run(script).to_string(), expected);
}
