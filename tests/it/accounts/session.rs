//! A client with the tokens of a session.

use axum::{Router, body::Body};
use http::{
    Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE},
};
use serde_json::{Value, json};

use crate::support::reply::{Reply, send};

use super::setup::{call, log_in};

pub(super) struct Session {
    app: Router,
    pub(super) access: String,
    refresh: String,
}

impl Session {
    /// Logs in at the token routes.
    pub(super) async fn begin(app: &Router, username: &str, password: &str) -> Self {
        Self::of(app, &log_in(app, username, password).await)
    }

    /// The same session, at another application.
    pub(super) fn at(&self, app: &Router) -> Self {
        Self { app: app.clone(), access: self.access.clone(), refresh: self.refresh.clone() }
    }

    fn of(app: &Router, reply: &Reply) -> Self {
        assert_eq!(reply.status, 200, "{reply:?}");
        let token = |name| reply.json()[name].as_str().unwrap().to_owned();
        Self { app: app.clone(), access: token("access"), refresh: token("refresh") }
    }

    pub(super) async fn log_out(&self) {
        let reply = call(&self.app, "/token/blacklist/", &json!({ "refresh": self.refresh })).await;
        assert_eq!(reply.status, 200, "{reply:?}");
    }

    pub(super) async fn send(&self, method: Method, path: &str, body: Option<&Value>) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api{path}"))
            .header(AUTHORIZATION, format!("Bearer {}", self.access));
        let request = match body {
            Some(body) => {
                request.header(CONTENT_TYPE, "application/json").body(Body::from(body.to_string()))
            }
            None => request.body(Body::empty()),
        };
        send(&self.app, request.unwrap()).await
    }

    pub(super) async fn get_me(&self) -> Reply {
        self.send(Method::GET, "/me", None).await
    }

    pub(super) async fn patch_me(&self, body: &Value) -> Reply {
        self.send(Method::PATCH, "/me", Some(body)).await
    }

    pub(super) async fn delete_me(&self, password: &str) -> Reply {
        self.send(Method::DELETE, "/me", Some(&json!({ "password": password }))).await
    }

    pub(super) async fn change_password(&self, current: &str, new: &str) -> Reply {
        let body = json!({ "current": current, "new": new });
        self.send(Method::POST, "/password", Some(&body)).await
    }

    pub(super) async fn refresh(&self) -> Reply {
        call(&self.app, "/token/refresh", &json!({ "refresh": self.refresh })).await
    }

    /// Refreshes, and uses the new tokens from now on.
    pub(super) async fn renew(&mut self) {
        *self = Self::of(&self.app, &self.refresh().await);
    }

    /// Fails unless the access token and the refresh token are accepted.
    pub(super) async fn assert_live(&mut self) {
        let reply = self.get_me().await;
        assert_eq!(reply.status, 200, "{reply:?}");
        self.renew().await;
        assert_eq!(self.get_me().await.status, 200);
    }

    /// Fails unless the access token and the refresh token are rejected.
    pub(super) async fn assert_ended(&self) {
        for reply in [self.get_me().await, self.refresh().await] {
            assert_eq!(reply.status, 401, "{reply:?}");
        }
    }
}
