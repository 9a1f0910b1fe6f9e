//! `session.js` with Bearer tokens, for an API of another origin.

use axum::{
    Router,
    http::{
        HeaderValue, Method,
        header::{AUTHORIZATION, CONTENT_TYPE},
    },
    response::Html,
    routing::get,
};
use tower_http::cors::CorsLayer;

use crate::support::login::{Setup, ada};

use super::{
    app::{App, Refreshes, SESSION_JS},
    driver::{Browser, Tab},
    site::Site,
};

/// The site with the pages. Its origin differs from that of the API by the host.
pub(super) fn pages() -> Site {
    const PAGE: &str =
        "<!doctype html><title>Page</title><link rel=icon href=data:><p id=user></p>";
    let module = get(async || ([(CONTENT_TYPE, "text/javascript")], SESSION_JS));
    Site::start(
        Router::new().route("/", get(async || Html(PAGE))).route("/static/session.js", module),
    )
}

pub(super) fn cors(pages: &Site) -> CorsLayer {
    CorsLayer::new()
        .allow_origin(pages.url_at("127.0.0.1", "").parse::<HeaderValue>().unwrap())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION, CONTENT_TYPE])
}

/// A page of another origin than the API, with a session.
fn load(app: &App, pages: &Site, tab: &Tab<'_>) {
    tab.open(&pages.url_at("127.0.0.1", "/"));
    let load = "
        const { bearerSession } = await import('/static/session.js');
        window.api = 'API';
        window.session = bearerSession(api + '/api/token');
        window.events = [];
        session.addEventListener('end', () => events.push('end'));
    ";
    tab.run(&load.replace("API", &app.site.url("")));
}

const LOG_IN: &str = "
    const response = await session.login({ username: 'demo', password: 'demo-password' });
    return response.status;
";
const ME: &str = "return (await session.fetch(api + '/api/me')).status";

fn scene() -> Option<(App, Site, Browser)> {
    let browser = Browser::start()?;
    let pages = pages();
    let app = App::start(|cookies| cookies, |app| app.layer(cors(&pages)));
    Some((app, pages, browser))
}

#[test]
fn keeps_tokens_in_the_memory_of_the_tab() {
    let Some((app, pages, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &pages, &tab);
    assert_eq!(tab.run(LOG_IN), 200);
    assert_eq!(tab.run(ME), 200);
    app.requests();
    app.expire_access_tokens();
    assert_eq!(tab.run(ME), 200);
    let requests = app.requests();
    let requests: Vec<_> = requests.iter().filter(|line| !line.starts_with("OPTIONS")).collect();
    let expected = [
        "GET /api/me without cookies: 401",
        "POST /api/token/refresh/ without cookies: 200",
        "GET /api/me without cookies: 200",
    ];
    assert_eq!(requests, expected);
    assert_eq!(tab.run("return localStorage.length + sessionStorage.length"), 0);
    assert_eq!(tab.cookies().len(), 0);

    load(&app, &pages, &tab);
    assert_eq!(tab.run(ME), 401, "a reload forgets the tokens");
}

#[test]
fn sends_the_token_to_no_other_origin() {
    let Some((app, pages, browser)) = scene() else { return };
    let other = App::start(|cookies| cookies, |app| app.layer(cors(&pages)));
    let tab = browser.first_tab();
    load(&app, &pages, &tab);
    assert_eq!(tab.run(LOG_IN), 200);
    // The other application accepts the same tokens.
    let url = other.site.url("/api/me");
    assert_eq!(tab.run(&format!("return (await session.fetch('{url}')).status")), 401);
    // Neither a preflight nor a refresh.
    assert_eq!(other.requests(), ["GET /api/me without cookies: 401"]);
    assert!(!app.requests().iter().any(|line| line.contains("/refresh")));
}

#[test]
fn a_logout_ends_the_sessions_of_all_tabs() {
    let Some((app, pages, browser)) = scene() else { return };
    let tabs = [browser.first_tab(), browser.new_tab()];
    for tab in &tabs {
        load(&app, &pages, tab);
        assert_eq!(tab.run(LOG_IN), 200);
    }
    assert_eq!(app.sessions(), 2);
    app.requests();
    assert_eq!(tabs[0].run("return (await session.logout()).status"), 200);
    for tab in &tabs {
        tab.wait_for("events.length > 0");
        assert_eq!(tab.run("return events.join()"), "end");
        assert_eq!(tab.run(ME), 401);
    }
    app.wait_for(2, "POST /api/token/blacklist/");
    app.completed(2);
    assert_eq!(app.sessions(), 0);
}

/// The response of the refresh comes after the tokens were forgotten.
#[test]
fn a_logout_in_another_tab_discards_the_tokens_of_a_refresh() {
    let Some((app, pages, browser)) = scene() else { return };
    let (tab, other) = (browser.first_tab(), browser.new_tab());
    for tab in [&tab, &other] {
        load(&app, &pages, tab);
        assert_eq!(tab.run(LOG_IN), 200);
    }
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Held);
    tab.run(
        "window.outcome = null;
         session.fetch(api + '/api/me').then(({ status }) => { outcome = status; });",
    );
    app.wait_for(1, "/refresh");
    other.run("await session.logout()");
    tab.wait_for("events.length === 1");
    app.set_refreshes(Refreshes::Served);
    tab.wait_for("outcome !== null");
    let sent = "
        const { fetch } = window;
        const sent = [];
        window.fetch = (request, init) => {
            sent.push(new Request(request, init).headers.get('authorization'));
            return fetch(request, init);
        };
        await session.fetch(api + '/api/me');
        return sent;
    ";
    assert_eq!(tab.run(sent).to_string(), "[null]");
}

#[test]
fn an_outage_logs_nobody_out() {
    let Some((app, pages, browser)) = scene() else { return };
    let tab = browser.first_tab();
    load(&app, &pages, &tab);
    assert_eq!(tab.run(LOG_IN), 200);
    app.expire_access_tokens();
    app.set_refreshes(Refreshes::Down);
    assert_eq!(tab.run(ME), 503);
    app.set_refreshes(Refreshes::Served);
    assert_eq!(tab.run(ME), 200);
    assert_eq!(tab.run("return events.length"), 0);
}

/// The order of the layers that the documentation warns about.
#[test]
fn a_cors_layer_inside_of_authentication_rejects_preflights() {
    let Some(browser) = Browser::start() else { return };
    let pages = pages();
    let setup = Setup::new();
    let tokens = pages.block_on(setup.issuer().login(&ada())).unwrap();
    let me = Router::new().route("/api/me", get(async || "me"));
    let inside = Site::start(me.clone().layer(cors(&pages)).layer(setup.issuer().layer()));
    let outside = Site::start(me.layer(setup.issuer().layer()).layer(cors(&pages)));
    let tab = browser.first_tab();
    tab.open(&pages.url_at("127.0.0.1", "/"));
    let send = |site: &Site| {
        let (url, access) = (site.url("/api/me"), tokens.access());
        tab.run(&format!(
            "const headers = {{ authorization: 'Bearer {access}' }};
             const response = await fetch('{url}', {{ headers }}).catch(error => error);
             return response.status ?? response.name;"
        ))
    };
    assert_eq!(send(&inside), "TypeError");
    assert_eq!(send(&outside), 200);
}
