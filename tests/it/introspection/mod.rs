//! Opaque tokens, introspected at an authorization server.

mod cache;
mod client_auth;
mod flights;
mod hostile;
mod layer;
mod own_routes;
mod responses;
mod settings;

use std::{
    error::Error,
    sync::{Arc, Mutex},
};

use http::{Request, Response, StatusCode, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tokio::sync::Semaphore;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Claims, ManualClock,
    http_client::HttpClient,
    introspection::{
        ClientAuth, Introspection, IntrospectionBuilder, IntrospectionError, IntrospectionErrorKind,
    },
};

use crate::support::mint::{NOW, clock};

const URL: &str = "https://login.example/introspect";
const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA";

type Responder = dyn Fn() -> Result<Response<String>, String> + Send + Sync;

/// An authorization server in this process. Clones share everything.
#[derive(Clone)]
struct Server(Arc<State>);

struct State {
    responder: Mutex<Arc<Responder>>,
    requests: Mutex<Vec<Request<Vec<u8>>>>,
    /// One permit for each response, unless it is closed.
    permits: Semaphore,
}

impl Server {
    fn new(response: Value) -> Self {
        let server = Self(Arc::new(State {
            responder: Mutex::new(Arc::new(|| Err("no response".to_owned()))),
            requests: Mutex::default(),
            permits: Semaphore::new(0),
        }));
        server.0.permits.close();
        server.respond_json(response);
        server
    }

    /// Holds each response until a permit is added.
    fn holding(response: Value) -> Self {
        let server = Self::new(response);
        let Self(state) = &server;
        let responder = Arc::clone(&state.responder.lock().unwrap());
        Self(Arc::new(State {
            responder: Mutex::new(responder),
            requests: Mutex::default(),
            permits: Semaphore::new(0),
        }))
    }

    fn release(&self, responses: usize) {
        self.0.permits.add_permits(responses);
    }

    fn respond(
        &self,
        responder: impl Fn() -> Result<Response<String>, String> + Send + Sync + 'static,
    ) {
        *self.0.responder.lock().unwrap() = Arc::new(responder);
    }

    fn respond_json(&self, response: Value) {
        self.respond(move || Ok(json_response(response.to_string())));
    }

    fn calls(&self) -> usize {
        self.0.requests.lock().unwrap().len()
    }

    fn last_request(&self) -> Request<Vec<u8>> {
        self.0.requests.lock().unwrap().last().unwrap().clone()
    }
}

impl HttpClient for Server {
    type Body = String;

    async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
        self.0.requests.lock().unwrap().push(request);
        if let Ok(permit) = self.0.permits.acquire().await {
            permit.forget();
        }
        let responder = Arc::clone(&self.0.responder.lock().unwrap());
        Ok(responder()?)
    }
}

fn json_response(json: impl Into<String>) -> Response<String> {
    Response::builder().header(CONTENT_TYPE, "application/json").body(json.into()).unwrap()
}

fn status(status: u16) -> Response<String> {
    let status = StatusCode::from_u16(status).unwrap();
    Response::builder().status(status).body(String::new()).unwrap()
}

/// A response for an active token with changed members. `null` omits a member.
fn active(changes: &Value) -> Value {
    let mut response = json!({
        "active": true, "sub": "ada", "username": "Ada", "client_id": "app", "scope": "read write",
        "token_type": "Bearer", "iss": "https://login.example", "aud": "https://api.example",
        "iat": NOW, "exp": NOW + 100_000, "jti": "4c6a8b1f",
    });
    for (name, value) in changes.as_object().unwrap() {
        match value {
            Value::Null => response.as_object_mut().unwrap().remove(name),
            value => response.as_object_mut().unwrap().insert(name.clone(), value.clone()),
        };
    }
    response
}

fn auth() -> ClientAuth {
    ClientAuth::basic("api", "secret")
}

fn builder(server: &Server, clock: &ManualClock) -> IntrospectionBuilder {
    Introspection::builder(URL, auth()).client(server.clone()).clock(clock)
}

/// An introspection with the issuer and audience of [`active`].
fn strict(server: &Server, clock: &ManualClock) -> Introspection {
    let builder = builder(server, clock).issuer("https://login.example");
    builder.audience("https://api.example").build().unwrap()
}

type Outcome = Result<String, AuthErrorKind>;

/// The id of the user, or the kind of the error.
fn outcome<C>(result: Result<Claims<C>, AuthError>) -> Outcome {
    result.map(|claims| claims.user_id().to_string()).map_err(|error| error.kind())
}

/// Introspects a token once, by the rules of [`strict`].
async fn outcome_of(response: Value) -> Outcome {
    outcome(strict(&Server::new(response), &clock()).introspect(TOKEN).await)
}

/// Why a token could not be introspected.
fn cause<C>(result: Result<Claims<C>, AuthError>) -> IntrospectionErrorKind {
    let error = result.expect_err("an error");
    assert_eq!(error.kind(), AuthErrorKind::Unavailable, "{error}");
    let cause = Error::source(&error).unwrap().downcast_ref::<IntrospectionError>().unwrap();
    assert!(!cause.to_string().is_empty() && !cause.to_string().ends_with('.'));
    cause.kind()
}
