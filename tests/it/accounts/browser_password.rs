//! The account of a browser, whose tokens are in cookies.

use axum::{Router, body::Body};
use http::{
    Method, Request,
    header::{CONTENT_TYPE, COOKIE},
};
use serde_json::{Value, json};
use tower_jwt_auth::{routes::SessionRoutes, transport::SessionCookies};

use crate::{
    support::reply::{Reply, send},
    users::database::{Database, on_both_databases},
};

use super::{
    password::NEW,
    setup::{PASSWORD, Setup, sign_up},
};

on_both_databases! {
    the_session_of_a_browser_goes_on
    a_deletion_clears_the_cookies
    other_sites_change_nothing
}

/// The account routes, and the session routes at `/api/session`.
fn app(setup: &Setup) -> Router {
    let cookies = SessionCookies::builder().public_origin("https://app.example").build().unwrap();
    let sessions = SessionRoutes::builder(setup.issuer.clone(), setup.users.clone(), &cookies)
        .at("/api/session")
        .build()
        .unwrap();
    let accounts = setup.routes().with_cookies(sessions.cookies()).build().unwrap();
    accounts.into_router().merge(sessions.into_router())
}

struct Browser<'a> {
    app: &'a Router,
    cookies: String,
}

impl<'a> Browser<'a> {
    async fn log_in(app: &'a Router) -> Self {
        let browser = Self { app, cookies: String::new() };
        let body = json!({ "username": "ada", "password": PASSWORD });
        let reply = browser.send(Method::POST, "/api/session/", Some(&body)).await;
        assert_eq!(reply.status, 200, "{reply:?}");
        let cookies = reply.header("set-cookie").into_iter();
        let cookies: Vec<_> = cookies.map(|it| it.split(';').next().unwrap()).collect();
        Self { cookies: cookies.join("; "), ..browser }
    }

    async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        self.send_from("same-origin", method, path, body).await
    }

    async fn send_from(
        &self,
        site: &str,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Reply {
        let request = Request::builder().method(method).uri(path).header("sec-fetch-site", site);
        let request = request.header(COOKIE, &self.cookies);
        let request = match body {
            Some(body) => {
                request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        send(self.app, request.unwrap()).await
    }

    async fn refresh(&self) -> Reply {
        self.send(Method::POST, "/api/session/refresh", None).await
    }

    async fn me(&self) -> Reply {
        self.send(Method::GET, "/api/me", None).await
    }
}

fn change() -> Value {
    json!({ "current": PASSWORD, "new": NEW })
}

async fn the_session_of_a_browser_goes_on(database: Database) {
    let setup = Setup::new(database);
    let app = app(&setup);
    sign_up(&setup, &app, "ada").await;
    let (own, other) = (Browser::log_in(&app).await, Browser::log_in(&app).await);
    let reply = own.send(Method::POST, "/api/password", Some(&change())).await;
    // The cookies that it has are still those of its session.
    assert_eq!((reply.status.as_u16(), reply.header("set-cookie").len()), (204, 0));
    assert_eq!((own.me().await.status.as_u16(), own.refresh().await.status.as_u16()), (200, 200));
    assert_eq!(
        (other.me().await.status.as_u16(), other.refresh().await.status.as_u16()),
        (401, 401)
    );
}

async fn a_deletion_clears_the_cookies(database: Database) {
    let setup = Setup::new(database);
    let app = app(&setup);
    sign_up(&setup, &app, "ada").await;
    let own = Browser::log_in(&app).await;
    let wrong = json!({ "password": "wrong" });
    let reply = own.send(Method::DELETE, "/api/me", Some(&wrong)).await;
    assert_eq!((reply.status.as_u16(), reply.header("set-cookie").len()), (400, 0));
    let body = json!({ "password": PASSWORD });
    let reply = own.send(Method::DELETE, "/api/me", Some(&body)).await;
    assert_eq!(reply.status, 204, "{reply:?}");
    let cleared = reply.header("set-cookie");
    assert!(cleared.len() >= 2 && cleared.iter().all(|it| it.contains("Max-Age=0")), "{cleared:?}");
    assert_eq!((own.me().await.status.as_u16(), own.refresh().await.status.as_u16()), (401, 401));
}

async fn other_sites_change_nothing(database: Database) {
    let setup = Setup::new(database);
    let app = app(&setup);
    sign_up(&setup, &app, "ada").await;
    let own = Browser::log_in(&app).await;
    let body = json!({ "username": "eve", "password": PASSWORD, "current": PASSWORD, "new": NEW });
    for site in ["cross-site", "same-site"] {
        for (method, path) in [
            (Method::PATCH, "/api/me"),
            (Method::DELETE, "/api/me"),
            (Method::POST, "/api/password"),
            (Method::POST, "/api/password/reset"),
            (Method::POST, "/api/password/reset/confirm"),
        ] {
            let reply = own.send_from(site, method, path, Some(&body)).await;
            assert_eq!(
                (reply.status.as_u16(), &reply.json()["code"]),
                (403, &json!("cross_site_request"))
            );
        }
    }
    assert_eq!(own.me().await.json()["username"], "ada");
}
