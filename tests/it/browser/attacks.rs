//! Pages of other origins cannot act for the user. The browser sends the cookies with the requests of
//! every page, unless a test says otherwise, so that only the rule for cross-site requests rejects
//! them.

use axum::{Router, response::Html, routing::get};

use super::{
    app::{App, log_in},
    driver::Browser,
    site::Site,
};

/// A form that posts to `PATH`.
const FORM: &str = "
    const form = document.createElement('form');
    form.method = 'post';
    form.action = 'PATH';
    document.body.append(form);
";

/// An application, a browser that is logged in there, and a site from which it is attacked.
struct Scene {
    app: App,
    attacker: Site,
    browser: Browser,
}

impl Scene {
    fn new() -> Option<Self> {
        Self::with_app(App::with_unrestricted_cookies())
    }

    fn with_app(app: App) -> Option<Self> {
        const PAGE: &str = "<!doctype html><title>Attacker</title><link rel=icon href=data:>";
        let browser = Browser::start()?;
        let attacker = Site::start(Router::new().route("/", get(async || Html(PAGE))));
        app.log_in(&browser.first_tab());
        Some(Self { app, attacker, browser })
    }

    /// Runs `script` on a page of the attacker at `host`, and returns the requests that it causes at
    /// the application. `PATH` in the script is the URL of `path`.
    fn attack(&self, host: &str, script: &str, path: &str) -> Vec<String> {
        let tab = self.browser.first_tab();
        tab.open(&self.attacker.url_at(host, "/"));
        tab.run(&script.replace("PATH", &self.app.site.url(path)));
        self.app.completed(1)
    }

    /// Asserts that an attack reaches the application with the cookies of the user and is rejected,
    /// from another site as well as from another origin of the same site.
    fn rejects(&self, script: &str, method: &str, path: &str) {
        for host in ["127.0.0.1", "localhost"] {
            let requests = self.attack(host, script, path);
            assert_eq!(requests, [format!("{method} {path} with cookies: 403")], "from {host}");
        }
    }
}

#[test]
fn accepts_requests_of_the_own_origin() {
    let Some(scene) = Scene::new() else { return };
    let tab = scene.browser.first_tab();
    for path in ["/api/me", "/unauthenticated"] {
        tab.open(&scene.app.site.url("/"));
        tab.run(&format!("await fetch('{path}', {{ method: 'POST' }})"));
        tab.run(&format!("{} form.submit()", FORM.replace("PATH", path)));
        let requests = scene.app.completed(2);
        assert_eq!(requests, [(); 2].map(|()| format!("POST {path} with cookies: 200")));
    }
}

#[test]
fn rejects_forms() {
    let Some(scene) = Scene::new() else { return };
    for path in ["/api/me", "/unauthenticated", "/api/session/", "/api/session/refresh"] {
        scene.rejects(&format!("{FORM} form.submit()"), "POST", path);
    }
}

#[test]
fn rejects_forms_in_frames() {
    let Some(scene) = Scene::new() else { return };
    let in_frame = "
        const frame = document.createElement('iframe');
        frame.name = form.target = 'frame';
        document.body.append(frame);
        form.submit();
    ";
    let in_sandbox = "
        const frame = document.createElement('iframe');
        frame.sandbox = 'allow-forms allow-scripts';
        frame.srcdoc = form.outerHTML + '<script>document.forms[0].submit()</script>';
        document.body.append(frame);
    ";
    for script in [in_frame, in_sandbox] {
        scene.rejects(&format!("{FORM}{script}"), "POST", "/api/me");
    }
}

#[test]
fn rejects_fetches() {
    let Some(scene) = Scene::new() else { return };
    for mode in ["no-cors", "cors"] {
        let script = format!(
            "const credentials = 'include';
             const request = {{ method: 'POST', mode: '{mode}', credentials, body: 'x' }};
             await fetch('PATH', request).catch(() => {{}});"
        );
        for path in ["/api/me", "/unauthenticated", "/api/logout-all"] {
            scene.rejects(&script, "POST", path);
        }
    }
}

/// Browsers ask before they send such requests.
#[test]
fn permits_no_requests_that_need_a_preflight() {
    let Some(scene) = Scene::new() else { return };
    let script = "
        const request = { method: 'DELETE', credentials: 'include' };
        await fetch('PATH', request).catch(() => {});
    ";
    let requests = scene.attack("127.0.0.1", script, "/api/session/");
    assert_eq!(requests, ["OPTIONS /api/session/ without cookies: 405"]);
}

#[test]
fn rejects_web_sockets() {
    let Some(scene) = Scene::new() else { return };
    let script = "
        const socket = new WebSocket('PATH'.replace('http', 'ws'));
        await new Promise(resolve => { socket.onclose = resolve; });
    ";
    scene.rejects(script, "UPGRADE", "/ws");
}

#[test]
fn images_change_nothing() {
    let Some(scene) = Scene::new() else { return };
    let script = "
        const image = new Image();
        image.src = 'PATH';
        await image.decode().catch(() => {});
    ";
    for path in ["/api/session/refresh", "/api/logout-all", "/api/session/"] {
        let requests = scene.attack("127.0.0.1", script, path);
        let status = if path == "/api/session/" { 200 } else { 405 };
        assert_eq!(requests, [format!("GET {path} with cookies: {status}")]);
    }
    assert_eq!(scene.app.sessions(), 1);
}

/// A page could log its visitor in as another user, who then sees what the visitor does.
#[test]
fn rejects_logins() {
    let Some(scene) = Scene::with_app(App::start(|cookies| cookies, |app| app)) else { return };
    let body = r#"{"username":"admin","password":"admin-password"}"#;
    let script = format!(
        "await fetch('PATH', {{ method: 'POST', mode: 'no-cors', credentials: 'include', body: '{body}' }})"
    );
    // The browser sends no cookies.
    let requests = scene.attack("127.0.0.1", &script, "/api/session/");
    assert_eq!(requests, ["POST /api/session/ without cookies: 403"]);
}

/// `SameSite=Strict` does not keep other origins of the same site out.
#[test]
fn rejects_the_same_site_with_strict_cookies() {
    let strict = tower_jwt_auth::transport::SameSite::Strict;
    let app = App::start(|cookies| cookies.same_site(strict), |app| app);
    let Some(scene) = Scene::with_app(app) else { return };
    let requests = scene.attack("localhost", &format!("{FORM} form.submit()"), "/api/me");
    assert_eq!(requests, ["POST /api/me with cookies: 403"]);
}

/// Without `Sec-Fetch-Site`, `Origin` decides.
#[test]
fn rejects_subdomains_without_fetch_metadata() {
    let app = App::start(|cookies| cookies.insecure_http(true), |app| app);
    let Some(scene) = Scene::with_app(app) else { return };
    let tab = scene.browser.first_tab();
    let page = scene.app.site.url_at("app.test", "/");
    tab.open(&page);
    log_in(&tab, "demo");
    tab.run("await fetch('/api/me', { method: 'POST' })");
    assert_eq!(scene.app.completed(2)[1..], ["POST /api/me with cookies: 200"]);

    tab.open(&scene.attacker.url_at("attacker.app.test", "/"));
    let form = FORM.replace("PATH", &scene.app.site.url_at("app.test", "/api/me"));
    tab.run(&format!("{form} form.submit()"));
    assert_eq!(scene.app.completed(1), ["POST /api/me with cookies: 403"]);
}
