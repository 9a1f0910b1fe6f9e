//! Sessions in the example `webapp`.

use std::time::{Duration, Instant};

use serde_json::json;

use super::{
    driver::Browser,
    webapp::{Webapp, add_note, go_to, submit_login, wait_for_text, wait_for_view},
};

#[test]
fn stays_logged_in_after_a_reload() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
    assert_eq!(tab.text("#username"), "ada");
    add_note(&tab, "Buy milk");
    tab.reload();
    wait_for_view(&tab, "notes");
    wait_for_text(&tab, "#notes", "Buy milk");
}

#[test]
fn cookies_are_invisible_and_limited() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[("ACCESS_LIFETIME", "200"), ("REFRESH_LIFETIME", "400")]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
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
    webapp.sign_up(&tab);
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
    assert!(!tab.is_displayed("#message"));
    // The user can see that the session goes on.
    go_to(&tab, "sessions");
    assert!(!tab.text("#renewed-at").contains("not since"), "{}", tab.text("#renewed-at"));
    assert!(!tab.text("#expires-at").is_empty());
}

#[test]
fn shows_why_a_login_failed() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.open(&tab, "log-in");
    assert!(!tab.is_displayed("#message") && !tab.is_displayed("#notice"), "nobody was logged in");
    submit_login(&tab, "wrong");
    tab.wait_for("!document.querySelector('#message').hidden");
    assert!(tab.is_displayed("#log-in-form"));
    // Screen readers announce it.
    assert_eq!(tab.run("return document.querySelector('#message').role"), "alert");
}

/// The server closes the socket of each tab, so the page notices without a request of the user.
#[test]
fn a_logout_elsewhere_ends_all_tabs_within_seconds() {
    let Some(browser) = Browser::start() else { return };
    let Some(elsewhere) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tabs = [browser.first_tab(), browser.new_tab()];
    webapp.sign_up(&tabs[0]);
    webapp.open(&tabs[1], "sessions");
    for tab in &tabs {
        wait_for_text(tab, "#socket", "open");
    }
    let other = elsewhere.first_tab();
    webapp.log_in(&other);
    go_to(&other, "sessions");
    let began = Instant::now();
    other.click("#logout-all");
    for tab in &tabs {
        wait_for_view(tab, "log-in");
        assert!(tab.text("#notice").contains("logged out"), "{}", tab.text("#notice"));
    }
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
}

#[test]
fn ends_another_session_from_the_list() {
    let Some(browser) = Browser::start() else { return };
    let Some(elsewhere) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let (tab, other) = (browser.first_tab(), elsewhere.first_tab());
    webapp.sign_up(&other);
    webapp.log_in(&tab);
    go_to(&tab, "sessions");
    tab.wait_for("document.querySelectorAll('#sessions li').length === 2");
    assert!(tab.text("#sessions li").contains("Chrome on Linux"), "{}", tab.text("#sessions"));
    tab.click("#sessions button");
    tab.wait_for("document.querySelectorAll('#sessions li').length === 1");
    wait_for_view(&other, "log-in");
    wait_for_view(&tab, "sessions");
}

/// The policy of the page forbids everything that an injected script needs.
#[test]
fn runs_no_injected_scripts() {
    let Some(browser) = Browser::start() else { return };
    let webapp = Webapp::start(&[]);
    let tab = browser.first_tab();
    webapp.sign_up(&tab);
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
