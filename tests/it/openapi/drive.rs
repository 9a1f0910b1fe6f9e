//! Sends to each operation of a document a request that succeeds, and one for each error that is
//! described.

use std::{
    net::SocketAddr,
    sync::{Arc, Mutex},
    time::Duration,
};

use axum::{Extension, Router, body::Body, extract::ConnectInfo};
use http::{
    HeaderName, HeaderValue, Method, Request,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE},
};
use serde_json::{Value, json};
use tower_jwt_auth::{
    mail::{MailError, Mailer, Message},
    store::MemoryStore,
    throttle::{AttemptLimit, Throttle},
    token::UserId,
    user::{
        AccountBackend, Authentication, BackendError, SecondFactor, SqlUsers, User, UserBackend,
        UsernamePassword,
    },
};
use utoipa::openapi::OpenApi;

use crate::support::{
    flaky::StoreFailure,
    login::{Directory, HEADER, NOW, Outage, PASSWORD, Profile, SECRET, Setup, mint, payload},
    reply::{Reply, send},
    slow_body::slow_body,
};

use crate::users::database::Database;

use super::document::Document;

pub(super) const CODE: &str = "755224";
pub(super) const FORM: &str = "application/x-www-form-urlencoded";
const DPOP: HeaderName = HeaderName::from_static("dpop");
const SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// Routes with their document.
pub(super) struct Described {
    pub(super) setup: Setup,
    pub(super) app: Router,
    pub(super) document: Document,
    pub(super) user_id: UserId,
    /// The accounts, if they are not those of `setup`.
    pub(super) accounts: Option<Accounts>,
}

/// Accounts in a database, and the mails to their owners.
pub(super) struct Accounts {
    pub(super) users: SqlUsers,
    pub(super) outbox: Outbox,
    pub(super) _database: Database,
}

/// Keeps the tokens of messages.
#[derive(Clone, Default)]
pub(super) struct Outbox(Arc<Mutex<Vec<String>>>);

impl Mailer for Outbox {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        self.0.lock().unwrap().extend(message.token().map(str::to_owned));
        Ok(())
    }
}

impl Outbox {
    /// The token of the last message, which may still be on its way.
    pub(super) async fn token(&self) -> String {
        loop {
            if let Some(token) = self.0.lock().unwrap().pop() {
                return token;
            }
            tokio::task::yield_now().await;
        }
    }
}

/// A request that succeeds.
#[derive(Clone)]
pub(super) struct Draft {
    pub(super) path: String,
    pub(super) body: DraftBody,
    pub(super) token: DraftToken,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
}

#[derive(Clone)]
pub(super) enum DraftBody {
    None,
    Json(Value),
    Form(Vec<(&'static str, String)>),
}

/// The token of a request.
#[derive(Clone)]
pub(super) enum DraftToken {
    None,
    Bearer(String),
    /// A cookie with this name.
    Cookie(&'static str, String),
    /// A member of the body.
    Field(&'static str, String),
}

impl Draft {
    pub(super) fn new(path: impl Into<String>, token: DraftToken) -> Self {
        Self { path: path.into(), body: DraftBody::None, token, headers: Vec::new() }
    }

    pub(super) fn json(self, body: Value) -> Self {
        Self { body: DraftBody::Json(body), ..self }
    }

    pub(super) fn form(self, parameters: &[(&'static str, &str)]) -> Self {
        let parameters = parameters.iter().map(|(name, value)| (*name, (*value).to_owned()));
        Self { body: DraftBody::Form(parameters.collect()), ..self }
    }

    pub(super) fn header(mut self, name: HeaderName, value: &'static str) -> Self {
        self.headers.push((name, HeaderValue::from_static(value)));
        self
    }

    fn set(&mut self, field: &'static str, value: &str) {
        match &mut self.body {
            DraftBody::Json(body) => body[field] = value.into(),
            DraftBody::Form(parameters) => {
                parameters.retain(|(name, _)| *name != field);
                parameters.push((field, value.to_owned()));
            }
            DraftBody::None => panic!("{} has no body", self.path),
        }
    }

    fn has(&self, field: &str) -> bool {
        match &self.body {
            DraftBody::None => false,
            DraftBody::Json(body) => body.get(field).is_some(),
            DraftBody::Form(parameters) => parameters.iter().any(|(name, _)| *name == field),
        }
    }

    fn change_token(&mut self, change: impl FnOnce(&str) -> String) {
        match &mut self.token {
            DraftToken::None => panic!("{} has no token", self.path),
            DraftToken::Bearer(token)
            | DraftToken::Cookie(_, token)
            | DraftToken::Field(_, token) => *token = change(token),
        }
    }

    fn change_claims(&mut self, change: impl FnOnce(&mut Value)) {
        self.change_token(|token| {
            let mut claims = payload(token);
            change(&mut claims);
            mint(SECRET, HEADER, &claims.to_string())
        });
    }

    fn into_request(mut self, method: &Method) -> Request<Body> {
        let mut request = Request::builder().method(method).uri(&self.path);
        match &self.token {
            DraftToken::None => {}
            DraftToken::Bearer(token) => {
                request = request.header(AUTHORIZATION, format!("Bearer {token}"));
            }
            DraftToken::Cookie(name, token) => {
                request = request.header(COOKIE, format!("{name}={token}"));
                request = request.header(SITE, "same-origin");
            }
            DraftToken::Field(name, token) => {
                let (name, token) = (*name, token.clone());
                self.set(name, &token);
            }
        }
        let body = match &self.body {
            DraftBody::None => Body::empty(),
            DraftBody::Json(body) => {
                request = request.header(CONTENT_TYPE, "application/json");
                body.to_string().into()
            }
            DraftBody::Form(parameters) => {
                request = request.header(CONTENT_TYPE, FORM);
                let pairs = parameters.iter().map(|(name, value)| format!("{name}={value}"));
                pairs.collect::<Vec<_>>().join("&").into()
            }
        };
        let mut request = request.body(body).unwrap();
        for (name, value) in self.headers {
            request.headers_mut().append(name, value);
        }
        request
    }
}

/// Sends to each operation that `make` describes the request of `draft`, and one for each error.
/// `draft` is called with the code of the error, or an empty string.
pub(super) async fn drive(
    make: impl AsyncFn() -> Described,
    draft: impl AsyncFn(&Described, &Method, &str, &str) -> Draft,
) {
    let document = make().await.document;
    let operations = document.operations();
    assert!(!operations.is_empty());
    for operation in operations {
        let (method, path) = (&operation.method, operation.path);
        let described = make().await;
        let request = draft(&described, method, path, "").await.into_request(method);
        let reply = described.send(method, path, request).await;
        assert!(reply.status.is_success(), "{method} {path}: {reply:?}");
        // These errors can happen to each operation. If one does, it must be described.
        let described = make().await;
        let request = draft(&described, method, path, "cross_site_request").await;
        let mut request = request.into_request(method);
        request.headers_mut().insert(SITE, HeaderValue::from_static("cross-site"));
        described.send(method, path, request).await;
        let described = make().await;
        let request = draft(&described, method, path, "").await.into_request(method);
        described.setup.store.set_failure(StoreFailure::Errors);
        described.send(method, path, request).await;

        for (status, code) in operation.errors() {
            if described.accounts.is_some() && code == "overloaded" {
                // Only many requests at once lead to it.
                continue;
            }
            let described = make().await;
            let draft = draft(&described, method, path, &code).await;
            let reply = described.provoke(method, path, draft, (status, &code)).await;
            assert!(!reply.body.is_empty(), "{method} {path}: {code} is described, not {reply:?}");
            let body = reply.json();
            let reply_code = body.get("code").or_else(|| body.get("error"));
            let outcome = (reply.status.as_u16(), reply_code.cloned());
            assert_eq!(outcome, (status, Some(json!(code))), "{method} {path}");
        }
    }
}

impl Described {
    pub(super) fn new(setup: Setup, app: Router, openapi: OpenApi) -> Self {
        let document = Document::new(openapi);
        Self { setup, app, document, user_id: UserId::from(1), accounts: None }
    }

    pub(super) async fn send(&self, method: &Method, path: &str, request: Request<Body>) -> Reply {
        let reply = send(&self.app, request).await;
        self.document.check(&self.document.operation(method, path), &reply);
        reply
    }

    /// Sends a request that leads to this error, instead of the one of `draft`.
    async fn provoke(
        &self,
        method: &Method,
        path: &str,
        mut draft: Draft,
        error: (u16, &str),
    ) -> Reply {
        let is_form = matches!(draft.body, DraftBody::Form(_));
        let mut body = None;
        let mut replaced = None;
        match error {
            (400, "invalid_request") if !is_form => {
                draft.token = DraftToken::None;
                draft.headers.push((AUTHORIZATION, HeaderValue::from_static("Bearer")));
            }
            (400, "invalid_body" | "invalid_request") => {
                if let DraftBody::None = draft.body {
                    let json = HeaderValue::from_static("application/json");
                    draft.headers.extend([(CONTENT_TYPE, json.clone()), (CONTENT_TYPE, json)]);
                } else {
                    body = Some(Body::from("[]"));
                }
            }
            (400, "repeated_cookie") => match &draft.token {
                DraftToken::Cookie(name, token) => {
                    let cookie = format!("{name}={token}").parse().unwrap();
                    draft.headers.push((COOKIE, cookie));
                }
                _ => panic!("{path} has no cookie"),
            },
            (400, "invalid_token") => draft.change_token(|_| "eyJ9.e30.AAAA".to_owned()),
            (400, "unsupported_grant_type") => draft.set("grant_type", "refresh_token"),
            (400, "unsupported_token_type") | (401, "token_wrong_type") => {
                draft.change_claims(|claims| claims["token_type"] = "other".into());
            }
            (400 | 401, "second_factor_required") => draft.set("username", "second"),
            (400, "invalid_grant") | (401, "invalid_credentials") => draft.set("password", "wrong"),
            (401, "account_unverified") => draft.set("username", "unverified"),
            (401, "account_locked") => draft.set("username", "locked"),
            (401, "password_expired") => draft.set("username", "expired"),
            (401, "not_authenticated") => {
                draft.token = DraftToken::None;
                draft.headers.push((AUTHORIZATION, HeaderValue::from_static("Basic YTpi")));
            }
            (400 | 401, "invalid_dpop_proof") => {
                if let DraftToken::Bearer(_) = draft.token {
                    let hash = "A".repeat(43);
                    draft.change_claims(|claims| claims["cnf"] = json!({ "jkt": hash }));
                }
                if let DraftToken::Bearer(token) = &draft.token {
                    let credentials = format!("DPoP {token}").parse().unwrap();
                    draft.token = DraftToken::None;
                    draft.headers.push((AUTHORIZATION, credentials));
                }
                draft.headers.push((DPOP, HeaderValue::from_static("x")));
            }
            (401, "token_invalid") => draft.change_token(|_| "eyJ9.e30.AAAA".to_owned()),
            (401, "token_expired") => {
                draft.change_claims(|claims| claims["exp"] = (NOW - 1).into());
            }
            (401, "token_not_yet_valid") => {
                draft.change_claims(|claims| claims["nbf"] = (NOW + 3600).into());
            }
            (401, "token_revoked") => {
                self.setup.issuer().revoke_user(&self.user_id).await.unwrap();
            }
            (401, "user_inactive") => match &self.accounts {
                Some(accounts) => accounts.users.delete(&self.user_id).await.unwrap(),
                None => self.setup.users.remove("1"),
            },
            (401, "invalid_code") => draft.set("code", "000000"),
            (403, "cross_site_request") => replaced = Some((SITE, "cross-site")),
            // The draft is for an account whose authenticator app is enabled, or not enrolled.
            (409, "totp_enabled" | "totp_not_enrolled") => {}
            (404, "not_found") => draft.path = path.replace("{session_id}", "other"),
            (408, _) => body = Some(slow_body(Duration::from_secs(1))),
            (413, _) => body = Some(Body::from(" ".repeat(20_000))),
            (415, _) => replaced = Some((CONTENT_TYPE, "text/plain")),
            (429, _) => {
                for name in ["password", "current"] {
                    if draft.has(name) {
                        draft.set(name, "wrong");
                    }
                }
                for _ in 0..20 {
                    self.send(method, path, draft.clone().into_request(method)).await;
                }
            }
            (503, "overloaded") => self.setup.users.set(Outage::Overloaded),
            (503, _) => self.setup.store.set_failure(StoreFailure::Errors),
            error => panic!("{method} {path} describes {error:?}, which this test cannot provoke"),
        }
        let mut request = draft.into_request(method);
        if let Some(body) = body {
            *request.body_mut() = body;
        }
        if let Some((name, value)) = replaced {
            request.headers_mut().insert(name, HeaderValue::from_static(value));
        }
        self.send(method, path, request).await
    }
}

/// Users whose names are outcomes of a login. All others are those of a [`Directory`].
#[derive(Clone)]
pub(super) struct Outcomes(pub(super) Directory<Profile>);

impl UserBackend<Profile> for Outcomes {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Authentication<Profile>, BackendError> {
        match &*credentials.username {
            "unverified" => Ok(Authentication::Unverified),
            "locked" => Ok(Authentication::Locked),
            "expired" => Ok(Authentication::PasswordExpired),
            "second" => {
                let user = self.find(&UserId::from(1)).await?;
                Ok(user.map_or(Authentication::Invalid, Authentication::SecondFactor))
            }
            _ => self.0.authenticate(credentials).await,
        }
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        self.0.find(id).await
    }
}

/// A second factor that nobody has to use, with the code [`CODE`].
#[derive(Clone)]
pub(super) struct OneCode;

impl SecondFactor for OneCode {
    async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
        Ok(false)
    }

    async fn verify(&self, _: &UserId, code: &str) -> Result<bool, BackendError> {
        Ok(code == CODE)
    }
}

/// Limits each account and each address to a few attempts.
pub(super) fn throttle(setup: &Setup) -> Throttle {
    let throttle = Throttle::builder(MemoryStore::new()).clock(&setup.clock);
    throttle.per_address(AttemptLimit::new(10).unwrap()).build().unwrap()
}

/// Adds the address of a client to each request.
pub(super) fn with_client(app: Router) -> Router {
    app.layer(Extension(ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)))))
}

pub(super) fn credentials() -> Value {
    json!({"username": "1", "password": PASSWORD})
}

impl Described {
    /// Sends the request of `draft`.
    pub(super) async fn send_draft(&self, method: &Method, path: &str, draft: Draft) -> Reply {
        self.send(method, path, draft.into_request(method)).await
    }
}
