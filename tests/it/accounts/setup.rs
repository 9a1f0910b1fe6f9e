//! Account routes on a database of their own, and the mails that they send.

use std::{sync::Arc, time::Duration};

use axum::Router;
use serde_json::{Value, json};
use tokio::{
    sync::{Mutex, mpsc},
    time::timeout,
};
use tower_jwt_auth::{
    Issuer, ManualClock, NumericDate, SigningKey, TokenRoutes,
    accounts::{AccountRoutes, AccountRoutesBuilder},
    issue::IssuerBuilder,
    mail::{MailError, Mailer, Message, MessageKind},
    store::{PostgresStore, SqliteStore},
    user::{Account, AccountBackend, SqlUsers},
};

use crate::{
    support::{
        login::{NOW, SECRET},
        recorded::Recorded,
        reply::{Reply, post, send},
    },
    users::database::Database,
};

/// It is accepted by the default rules.
pub(super) const PASSWORD: &str = "punched cards and brass";
/// Where the token is in the links of [`Setup::routes`].
pub(super) const VERIFY_LINK: &str = "https://app.example/verify#{token}";

/// Users, sessions and mails in one database.
#[derive(Clone)]
pub(super) struct Setup {
    pub(super) database: Arc<Database>,
    pub(super) users: SqlUsers,
    pub(super) issuer: Issuer,
    pub(super) outbox: Outbox,
    pub(super) clock: ManualClock,
}

impl Setup {
    pub(super) fn new(database: Database) -> Self {
        let users = database.users();
        let clock = ManualClock::new(NumericDate::from_secs(NOW));
        let issuer = issuer(&database, &clock);
        Self { database: Arc::new(database), users, issuer, outbox: Outbox::new(), clock }
    }

    /// Routes at `/api`, with links.
    pub(super) fn routes(&self) -> AccountRoutesBuilder<SqlUsers> {
        AccountRoutes::builder(self.issuer.clone(), self.users.clone(), self.outbox.clone())
            .at("/api")
            .verify_link(VERIFY_LINK)
    }

    /// The routes, and the token routes at `/api/token`.
    pub(super) fn app_with(&self, routes: AccountRoutesBuilder<SqlUsers>) -> Router {
        let tokens = TokenRoutes::builder(self.issuer.clone(), self.users.clone());
        let tokens = tokens.at("/api/token").build().unwrap();
        tokens.into_router().merge(routes.build().unwrap().into_router())
    }

    pub(super) fn app(&self) -> Router {
        self.app_with(self.routes())
    }

    /// The same, as another process sees it: with connections of its own.
    pub(super) fn reconnected(&self) -> Self {
        let issuer = issuer(&self.database, &self.clock);
        Self { users: self.database.users(), issuer, ..self.clone() }
    }

    /// Marks the address of a user as verified.
    pub(super) async fn mark_verified(&self, username: &str) {
        let account = self.account(username).await;
        let marked = self.users.mark_verified(account.id(), account.email().unwrap()).await;
        assert!(marked.unwrap().is_some());
    }

    /// The account with this user name.
    pub(super) async fn account(&self, username: &str) -> Account {
        self.users.account_by_username(username).await.unwrap().unwrap()
    }
}

/// An issuer whose sessions are in `database`.
fn issuer(database: &Database, clock: &ManualClock) -> Issuer {
    let builder = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
        .clock(clock)
        .rotate_refresh_tokens(true);
    with_store(builder, database).build().unwrap()
}

fn with_store(builder: IssuerBuilder, database: &Database) -> IssuerBuilder {
    match database {
        Database::File(_) => builder.store(SqliteStore::connect_lazy(&database.url()).unwrap()),
        Database::Schema(..) => {
            builder.store(PostgresStore::connect_lazy(&database.url()).unwrap())
        }
    }
}

/// A mailer that keeps the messages. Clones share them.
#[derive(Clone)]
pub(super) struct Outbox {
    sender: mpsc::UnboundedSender<Message>,
    messages: Arc<Mutex<mpsc::UnboundedReceiver<Message>>>,
}

impl Mailer for Outbox {
    async fn send(&self, message: Message) -> Result<(), MailError> {
        self.sender.send(message).map_err(|_| MailError::new("the outbox is gone"))
    }
}

impl Outbox {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::unbounded_channel();
        Self { sender, messages: Arc::new(Mutex::new(receiver)) }
    }

    /// The next message, which may still be on its way.
    pub(super) async fn next(&self) -> Message {
        let mut messages = self.messages.lock().await;
        let next = timeout(Duration::from_secs(10), messages.recv()).await;
        next.expect("a message within 10 seconds").unwrap()
    }

    /// The token of the next message, which is of this kind.
    pub(super) async fn token(&self, kind: MessageKind) -> String {
        let message = self.next().await;
        assert_eq!(message.kind(), kind);
        message.token().unwrap().to_owned()
    }
}

/// Sends a `POST` of JSON to `/api` and `path`.
pub(super) async fn call(app: &Router, path: &str, body: &Value) -> Reply {
    send(app, post(&format!("/api{path}"), body.to_string())).await
}

/// The body of a sign-up with [`PASSWORD`].
pub(super) fn new_user(name: &str) -> Value {
    json!({ "username": name, "email": format!("{name}@example.com"), "password": PASSWORD })
}

/// Signs up, and returns the token that verifies the address.
pub(super) async fn sign_up(setup: &Setup, app: &Router, name: &str) -> String {
    let reply = call(app, "/users/", &new_user(name)).await;
    assert!(reply.status.is_success(), "{reply:?}");
    setup.outbox.token(MessageKind::VerifyEmail).await
}

/// Logs in at the token routes.
pub(super) async fn log_in(app: &Router, username: &str, password: &str) -> Reply {
    call(app, "/token/", &json!({ "username": username, "password": password })).await
}

/// The calls of the token store that were recorded, in the order of the alphabet.
pub(super) fn store_calls(recorded: &Recorded) -> Vec<String> {
    let calls = recorded.take().into_iter().flat_map(|(metric, count)| {
        let call = metric.strip_prefix("jwt_auth_store_call_seconds{call=\"").map(str::to_owned);
        let call = call.and_then(|call| Some(call.split_once('"')?.0.to_owned()));
        call.into_iter().flat_map(move |call| vec![call; count as usize])
    });
    calls.collect()
}

/// The errors of the fields of a rejected request.
pub(super) fn errors(reply: &Reply) -> Value {
    assert_eq!(reply.status, 400, "{reply:?}");
    assert_eq!(reply.json()["code"], "invalid_body", "{reply:?}");
    reply.json()["errors"].clone()
}
