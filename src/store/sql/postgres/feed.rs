//! Notices of revocations, by `LISTEN` and `NOTIFY`.

use futures::{Stream, stream};
use serde::Deserialize;
use sqlx::{
    Error, PgPool,
    postgres::{PgListener, PgPoolOptions, PgRow},
};

use crate::clock::NumericDate;

use super::{
    super::{
        super::{
            error::StoreError,
            replica::{Heartbeat, Notice, RevocationFeed, Revoked},
        },
        engine::Engine,
        params::{count, text, time_at, unescaped},
        statement::Statement,
        statements::FeedStatements,
    },
    engine::PostgresEngine,
    store::PostgresStore,
};

const PAGE: usize = 2_000;

/// The statements that revoke also call `pg_notify`, so a revocation and its notice are committed
/// together.
impl RevocationFeed for PostgresStore {
    async fn subscribe(
        &self,
        subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let rows = self.0.read(&self.feed()?.channel, &[]).await?;
        let row = rows.first().ok_or_else(|| StoreError::unavailable(Error::RowNotFound))?;
        let channel = PostgresEngine::text(row, 0).map_err(StoreError::unavailable)?;
        let channel = channel.unwrap_or_default();
        // Heartbeats of other subscribers have channels of their own.
        let heartbeats = channel.clone() + &suffix(subscriber);
        let options = self.0.calls.engine().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with(options);
        let mut listener = listen(&pool).await.map_err(StoreError::unavailable)?;
        listener.listen_all([&*channel, &*heartbeats]).await.map_err(StoreError::unavailable)?;
        Ok(stream::unfold(Some((listener, channel)), move |subscription| async move {
            let (mut listener, channel) = subscription?;
            let notice = match listener.try_recv().await {
                Ok(Some(notification)) if notification.channel() == channel => {
                    revoked(notification.payload())
                }
                Ok(Some(notification)) => heartbeat(subscriber, notification.payload()),
                Ok(None) => return None,
                Err(error) => Err(StoreError::unavailable(error)),
            };
            Some((notice, Some((listener, channel))))
        }))
    }

    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        let from = Some((Table::Tokens, Place::default()));
        stream::try_unfold(from, move |from| async move {
            let Some((table, (user_id, id))) = from else { return Ok(None) };
            let statement = table.statement(self.feed()?);
            let params = [text(&user_id), text(&id), count(PAGE)];
            let rows = self.0.read(statement, &params).await?;
            let page: Result<Vec<_>, _> = rows.iter().map(|row| table.entry(row)).collect();
            let page = page.map_err(StoreError::unavailable)?;
            // The next page begins with the last entry of this one.
            let next = match page.last() {
                Some(last) if page.len() == PAGE => Some((table, place(last))),
                _ => table.next().map(|table| (table, Place::default())),
            };
            Ok(Some((page, next)))
        })
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        let (suffix, number) = (suffix(heartbeat.subscriber), heartbeat.number.to_string());
        self.0.read(&self.feed()?.heartbeat, &[text(&suffix), text(&number)]).await.map(drop)
    }
}

impl PostgresStore {
    fn feed(&self) -> Result<&FeedStatements, StoreError> {
        self.0.statements.feed.as_ref().ok_or_else(|| StoreError::unavailable("there is no feed"))
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // Notices between two connections are lost.
    listener.eager_reconnect(false);
    Ok(listener)
}

fn suffix(subscriber: u64) -> String {
    format!("_{subscriber:016x}")
}

fn heartbeat(subscriber: u64, payload: &str) -> Result<Notice, StoreError> {
    let number = payload.parse().map_err(StoreError::unavailable)?;
    Ok(Notice::Heartbeat(Heartbeat { subscriber, number }))
}

/// The payload of a notice: the kind, the user's id, the id or the time of the revocation, and how
/// long it must be kept.
#[derive(Deserialize)]
struct WireNotice(Box<str>, String, IdOrTime, u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum IdOrTime {
    Id(String),
    Time(u64),
}

/// Fails on a truncated payload, whose ids are too long. The subscriber then loads everything
/// again.
fn revoked(payload: &str) -> Result<Notice, StoreError> {
    let WireNotice(kind, user_id, what, keep_until) =
        serde_json::from_str(payload).map_err(|_| StoreError::unavailable(UNREADABLE))?;
    let (user_id, keep_until) = (unescaped(user_id), NumericDate::from_secs(keep_until));
    Ok(Notice::Revoked(match (&*kind, what) {
        ("token", IdOrTime::Id(jti)) => Revoked::Token { user_id, jti: unescaped(jti), keep_until },
        ("session", IdOrTime::Id(session_id)) => {
            Revoked::Session { user_id, session_id: unescaped(session_id), keep_until }
        }
        ("user", IdOrTime::Time(at)) => {
            Revoked::User { user_id, at: NumericDate::from_secs(at), keep_until }
        }
        _ => return Err(StoreError::unavailable(UNREADABLE)),
    }))
}

const UNREADABLE: &str = "the notice of a revocation is malformed";

/// The tables, in the order in which they are read.
#[derive(Clone, Copy)]
enum Table {
    Tokens,
    Sessions,
    Users,
}

impl Table {
    const fn statement(self, feed: &FeedStatements) -> &Statement {
        match self {
            Self::Tokens => &feed.live_tokens,
            Self::Sessions => &feed.live_sessions,
            Self::Users => &feed.live_users,
        }
    }

    const fn next(self) -> Option<Self> {
        match self {
            Self::Tokens => Some(Self::Sessions),
            Self::Sessions => Some(Self::Users),
            Self::Users => None,
        }
    }

    fn entry(self, row: &PgRow) -> Result<Revoked, Error> {
        let text = |column| PostgresEngine::text(row, column)?.ok_or(Error::RowNotFound);
        let user_id = unescaped(text(0)?);
        let keep_until = time_at::<PostgresEngine>(row, 2)?;
        Ok(match self {
            Self::Tokens => Revoked::Token { user_id, jti: unescaped(text(1)?), keep_until },
            Self::Sessions => {
                Revoked::Session { user_id, session_id: unescaped(text(1)?), keep_until }
            }
            Self::Users => {
                Revoked::User { user_id, at: time_at::<PostgresEngine>(row, 3)?, keep_until }
            }
        })
    }
}

/// The user's id and the id of an entry.
type Place = (Box<str>, Box<str>);

fn place(revoked: &Revoked) -> Place {
    match revoked.clone() {
        Revoked::Token { user_id, jti, .. } => (user_id, jti),
        Revoked::Session { user_id, session_id, .. } => (user_id, session_id),
        Revoked::User { user_id, .. } => (user_id, Box::default()),
    }
}
