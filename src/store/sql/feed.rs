//! What PostgreSQL tells of revocations: `LISTEN` and `NOTIFY`.

use std::ops::Range;

use futures::{Stream, stream};
use serde::Deserialize;
use sqlx::{
    Error, PgPool, SqlStr,
    postgres::{PgListener, PgPoolOptions, PgRow},
};

use crate::clock::NumericDate;

use super::{
    super::{
        StoreError,
        replica::{Beat, Notice, RevocationFeed, Revoked},
    },
    PostgresStore, count,
    engine::{Access, Engine},
    postgres::PostgresEngine,
    text, time_at, unescaped,
};

// Which of the feed's statements is for what.
const CHANNEL: usize = 0;
const BEAT: usize = 1;
const TABLES: Range<usize> = 2..5;

const PAGE: usize = 2_000;

/// Revocations are told with `pg_notify` by the statements that make them, so that both are
/// committed or neither.
impl RevocationFeed for PostgresStore {
    async fn subscribe(
        &self,
        subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let rows = self.read(self.feed(CHANNEL)?, &[]).await?;
        let row = rows.first().ok_or_else(|| StoreError::unavailable(Error::RowNotFound))?;
        let channel = PostgresEngine::text(row, 0).map_err(StoreError::unavailable)?;
        let channel = channel.unwrap_or_default();
        // Beats of others would only be in the way.
        let beats = channel.clone() + &suffix(subscriber);
        let options = self.calls.engine().connections(Access::Read).pool().connect_options();
        let pool = PgPoolOptions::new().max_connections(1).connect_lazy_with((*options).clone());
        let mut listener = listen(&pool).await.map_err(StoreError::unavailable)?;
        listener.listen_all([&*channel, &*beats]).await.map_err(StoreError::unavailable)?;
        Ok(stream::unfold(Some((listener, channel)), move |subscription| async move {
            let (mut listener, channel) = subscription?;
            let notice = match listener.try_recv().await {
                Ok(Some(told)) if told.channel() == channel => revoked(told.payload()),
                Ok(Some(told)) => beat(subscriber, told.payload()),
                Ok(None) => return None,
                Err(error) => Err(StoreError::unavailable(error)),
            };
            Some((notice, Some((listener, channel))))
        }))
    }

    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        let from = Some((TABLES.start, (Box::default(), Box::default())));
        stream::try_unfold(from, move |from| async move {
            let Some((table, (user_id, id))) = from else { return Ok(None) };
            let statement = self.feed(table)?;
            let params = [text(&user_id), text(&id), count(PAGE)];
            let rows = self.read(statement, &params).await?;
            let page: Result<Vec<_>, _> = rows.iter().map(|row| entry(table, row)).collect();
            let page = page.map_err(StoreError::unavailable)?;
            // The last entry is read again, as the first one of the next page.
            let next = match page.last() {
                Some(last) if page.len() == PAGE => Some((table, place(last))),
                _ if TABLES.contains(&(table + 1)) => {
                    Some((table + 1, (Box::default(), Box::default())))
                }
                _ => None,
            };
            Ok(Some((page, next)))
        })
    }

    async fn beat(&self, beat: Beat) -> Result<(), StoreError> {
        let (suffix, number) = (suffix(beat.subscriber), beat.number.to_string());
        self.read(self.feed(BEAT)?, &[text(&suffix), text(&number)]).await.map(drop)
    }
}

impl PostgresStore {
    fn feed(&self, statement: usize) -> Result<&SqlStr, StoreError> {
        let statement = self.statements.feed.get(statement);
        statement.ok_or_else(|| StoreError::unavailable("there is no feed"))
    }
}

async fn listen(pool: &PgPool) -> Result<PgListener, Error> {
    let mut listener = PgListener::connect_with(pool).await?;
    // What was told between two connections is lost.
    listener.eager_reconnect(false);
    Ok(listener)
}

fn suffix(subscriber: u64) -> String {
    format!("_{subscriber:016x}")
}

fn beat(subscriber: u64, payload: &str) -> Result<Notice, StoreError> {
    let number = payload.parse().map_err(StoreError::unavailable)?;
    Ok(Notice::Beat(Beat { subscriber, number }))
}

/// What a statement tells: the kind, whose it is, the id or else the time, and until when this must
/// be remembered.
#[derive(Deserialize)]
struct Told(Box<str>, String, IdOrTime, u64);

#[derive(Deserialize)]
#[serde(untagged)]
enum IdOrTime {
    Id(String),
    Time(u64),
}

/// One with ids that are too long is cut off; what it was is learned by loading again.
fn revoked(payload: &str) -> Result<Notice, StoreError> {
    let Told(kind, user_id, what, keep_until) =
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

const UNREADABLE: &str = "a notice of a revocation could not be read";

/// A row of one of the statements that load.
fn entry(table: usize, row: &PgRow) -> Result<Revoked, Error> {
    let text = |column| PostgresEngine::text(row, column)?.ok_or(Error::RowNotFound);
    let user_id = unescaped(text(0)?);
    let keep_until = time_at::<PostgresEngine>(row, 2)?;
    Ok(match table - TABLES.start {
        0 => Revoked::Token { user_id, jti: unescaped(text(1)?), keep_until },
        1 => Revoked::Session { user_id, session_id: unescaped(text(1)?), keep_until },
        _ => Revoked::User { user_id, at: time_at::<PostgresEngine>(row, 3)?, keep_until },
    })
}

/// Where in its table an entry stands.
fn place(revoked: &Revoked) -> (Box<str>, Box<str>) {
    match revoked.clone() {
        Revoked::Token { user_id, jti, .. } => (user_id, jti),
        Revoked::Session { user_id, session_id, .. } => (user_id, session_id),
        Revoked::User { user_id, .. } => (user_id, Box::default()),
    }
}
