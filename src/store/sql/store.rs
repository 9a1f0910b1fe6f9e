//! The store that all engines share.
//!
//! A call is repeated if its connection is lost, although it may have been carried out. Each call has
//! the same outcome then:
//!
//! - `begin` leaves a session as it is that exists already.
//! - `spend` finds its own successor in place, or finds that it was itself what ended the session.
//! - `consume` may find that the first attempt has consumed the id. It is the only exception: the
//!   outcome is then `Before`.
//! - `set_label` writes the same label.
//! - `revoke` only ever ends sessions, and only ever extends times.
//! - `generation`, `is_revoked` and `sessions` read.
//! - `purge` deletes what is due. At most the number that it returns is too small.

use std::{slice, sync::Arc, time::Duration};

use sqlx::Error;
use tokio::time::{Instant, sleep};

use crate::{clock::NumericDate, error::ConfigError, token::UserId};

use super::{
    super::{
        cursor,
        error::StoreError,
        facts::{
            Begun, Consume, ConsumeId, Consumed, Generation, NewSession, Page, Revocation, Session,
            SessionPage, Spend, Spent, TokenRef, check_lengths,
        },
        machine_clock::MachineClock,
    },
    calls::{Calls, Failure, conclude},
    engine::{Access, Call, Engine, Param, Row},
    migration::Migration,
    params::{consumed, count, escaped, text, time, time_at, unescaped},
    statement::Statement,
    statements::{Statements, ended},
};

/// How long an automatic migration waits for a connection.
const MIGRATION_CONNECT: Duration = Duration::from_secs(1);
const DEFAULT_PREFIX: &str = "jwt_";
/// PostgreSQL cuts names off after 63 bytes, and `sessions_keep_until` follows.
const MAX_PREFIX_LEN: usize = 40;
/// How many entries one statement deletes.
const PURGE_BATCH: usize = 500;
/// How long the revocation of a user is kept on for as long as there are sessions that it may have
/// ended.
const RECHECK_AFTER: Duration = Duration::from_secs(3_600);
/// More sessions than any user has, and little enough to add to.
const MAX_LIMIT: usize = i32::MAX as usize;

/// What the public stores have in common.
#[derive(Clone)]
pub(crate) struct SqlStore<E> {
    pub(crate) calls: Calls<E>,
    pub(super) statements: Arc<Statements>,
    prefix: Arc<str>,
    migration: Migration,
    automatic: bool,
    pub(super) clock: Arc<MachineClock>,
}

impl<E: Engine> SqlStore<E> {
    pub(super) fn with_engine(engine: E) -> Self {
        Self {
            calls: Calls::new(engine),
            statements: Arc::new(Statements::new(&E::DIALECT, DEFAULT_PREFIX)),
            prefix: DEFAULT_PREFIX.into(),
            migration: Migration::default(),
            automatic: true,
            clock: Arc::new(MachineClock::new()),
        }
    }

    pub(super) fn with_table_prefix(mut self, prefix: &str) -> Result<Self, ConfigError> {
        let is_letter = |byte| matches!(byte, b'a'..=b'z' | b'_');
        if prefix.len() > MAX_PREFIX_LEN
            || !prefix.bytes().next().is_some_and(is_letter)
            || !prefix.bytes().all(|byte| is_letter(byte) || byte.is_ascii_digit())
            || prefix.starts_with("pg_")
            || prefix.starts_with("sqlite_")
        {
            return Err(ConfigError::out_of_range(
                "a table prefix must have 1 to 40 characters of a-z, 0-9 and _, none of 0-9 first",
            ));
        }
        self.statements = Arc::new(Statements::new(&E::DIALECT, prefix));
        self.prefix = prefix.into();
        self.migration = Migration::default();
        Ok(self)
    }

    pub(super) fn with_automatic_migration(mut self, automatic: bool) -> Self {
        self.automatic = automatic;
        self
    }

    /// Without a limit of time: large tables take long.
    pub(super) async fn migrate(&self) -> Result<(), StoreError> {
        self.calls.retry(Access::Write, |until| self.migrate_once(until)).await
    }

    pub(super) fn migrations(&self) -> impl Iterator<Item = String> {
        let sql = &*self.statements;
        sql.migrations.iter().enumerate().map(|(index, statements)| {
            let create = (index == 0).then_some(&sql.create_migrations);
            let lines = create.into_iter().chain(statements);
            lines.fold(String::new(), |script, line| script + line.as_str() + ";\n")
        })
    }

    pub(super) fn statements(&self) -> impl Iterator<Item = &str> {
        self.statements.iter()
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) async fn read(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        if self.calls.cannot_write() {
            self.ping().await?;
        }
        let statements = slice::from_ref(statement);
        self.run(Call { access: Access::Read, lock: None, statements, params }).await
    }

    async fn write(
        &self,
        statement: &Statement,
        params: &[Param<'_>],
    ) -> Result<Vec<Row<E>>, StoreError> {
        let statements = slice::from_ref(statement);
        self.run(Call { access: Access::Write, lock: None, statements, params }).await
    }

    /// Returns the rows of all statements that ran.
    async fn run(&self, call: Call<'_>) -> Result<Vec<Row<E>>, StoreError> {
        let run = async |until| {
            if self.automatic {
                let migrate = || {
                    let store = self.clone();
                    async move { store.migrate_once(Instant::now() + MIGRATION_CONNECT).await }
                };
                self.migration.ensure(migrate).await?;
            }
            self.calls.run_once(until, call).await
        };
        Ok(self.calls.retry(call.access, run).await?.into_iter().flatten().collect())
    }

    async fn migrate_once(&self, until: Instant) -> Result<(), Failure> {
        let mut lease = self.calls.connect(Access::Write, until).await?;
        let outcome = async {
            let sql = &*self.statements;
            let latest = sql.migrations.len() as i64;
            // Usually there is nothing to do. That needs no right to do it.
            match E::execute(lease.connection()?, sql.version.clone()).await {
                Ok(rows) if single_int::<E>(&rows)? >= latest => return Ok(()),
                Ok(_) | Err(Error::Database(_)) => {}
                Err(error) => return Err(error),
            }
            let begin = E::begin(lock_of(&[&self.prefix, "migrations"]));
            let mut transaction = lease.begin(begin).await?;
            E::execute(&mut transaction, sql.create_migrations.clone()).await?;
            let applied = E::execute(&mut transaction, sql.version.clone()).await?;
            let applied = single_int::<E>(&applied)?;
            for (statements, number) in sql.migrations.iter().zip(1..) {
                if number > applied {
                    for statement in statements {
                        E::execute(&mut transaction, statement.clone()).await?;
                    }
                }
            }
            transaction.commit().await
        }
        .await;
        conclude::<E, _>(lease, outcome)
    }
}

/// The number in a single row.
fn single_int<E: Engine>(rows: &[Row<E>]) -> Result<i64, Error> {
    E::int(rows.first().ok_or(Error::RowNotFound)?, 0)?.ok_or(Error::RowNotFound)
}

/// A number for `names`, the same in every process and version: FNV-1a.
pub(crate) fn lock_of(names: &[&str]) -> i64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for name in names {
        for byte in name.bytes().chain([0xff]) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    hash.cast_signed()
}

impl<E: Engine> SqlStore<E> {
    pub(super) async fn generation(&self) -> Result<Generation, StoreError> {
        let rows = self.read(&self.statements.generation, &[]).await?;
        let number = single_int::<E>(&rows).map_err(StoreError::unavailable)?;
        Ok(Generation::new(u64::try_from(number).unwrap_or_default()))
    }

    pub(super) async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        session.validate()?;
        let user_id = session.user_id.as_str();
        // The new session is one of them.
        let others = session.limit.map_or(0, |limit| limit.get().min(MAX_LIMIT) - 1);
        let generation = session.generation.map_or(i64::MAX, generation_of);
        let params = [
            text(user_id),
            text(session.session_id),
            text(session.refresh),
            time(session.now),
            time(session.expires_at),
            time(session.keep_until),
            Param::Text(session.label.map(escaped)),
            count(others),
            Param::Int(generation),
            time(session.access_until),
        ];
        let rows = if session.limit.is_some() {
            // Logins of one user wait for each other here: each counts those before it.
            let lock = Some(lock_of(&[&self.prefix, user_id]));
            let statements = &self.statements.begin_limited;
            self.run(Call { access: Access::Write, lock, statements, params: &params }).await?
        } else {
            self.write(&self.statements.begin, &params).await?
        };
        if rows.is_empty() {
            // It was refused, or is known already. A generation never falls, so that it is still to
            // be seen which.
            let params = [text(user_id), Param::Int(generation)];
            let rows = self.write(&self.statements.is_refused, &params).await?;
            let is_refused = single_int::<E>(&rows).map_err(StoreError::unavailable)? != 0;
            let known = Begun::Started { ended: Vec::new() };
            return Ok(if is_refused { Begun::UserRevoked } else { known });
        }
        // The row of the new session has no id.
        let ended = rows.iter().filter_map(|row| E::text(row, 0).transpose());
        let ended = ended.map(|id| id.map(unescaped)).collect::<Result<_, Error>>();
        Ok(Begun::Started { ended: ended.map_err(StoreError::unavailable)? })
    }

    pub(super) async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        spend.validate()?;
        let params = [
            text(spend.user_id.as_str()),
            text(spend.session_id),
            text(spend.refresh),
            text(spend.successor),
            time(spend.now),
            again_after(spend),
            time(spend.expires_at),
            time(spend.keep_until),
            time(spend.issued_at),
            time(spend.access_until),
        ];
        let rows = if spend.adopt {
            self.write(&self.statements.spend_or_adopt, &params).await?
        } else {
            self.write(&self.statements.spend, &params).await?
        };
        match rows.first() {
            Some(row) => outcome::<E>(row, spend).map_err(StoreError::unavailable),
            None => Ok(Spent::Revoked),
        }
    }

    pub(super) async fn consume(&self, consume: &Consume<'_>) -> Result<Consumed, StoreError> {
        consume.validate()?;
        let issued_at = consume.issued_at.as_secs().cast_signed();
        // Without a generation, the order within a second is unknown.
        let (since, generation) = match consume.generation {
            Some(generation) => (issued_at, generation_of(generation)),
            None => (issued_at - 1, i64::MAX),
        };
        let params = [
            text(consume.user_id.as_str()),
            consumed(consume.id),
            time(consume.keep_until),
            Param::Text(consume.session_id.map(escaped)),
            Param::Int(since),
            Param::Int(generation),
        ];
        let statement = match consume.id {
            ConsumeId::Token(_) => &self.statements.consume_token,
            ConsumeId::Other(_) => &self.statements.consume_other,
        };
        let rows = self.write(statement, &params).await?;
        Ok(if rows.is_empty() { Consumed::Before } else { Consumed::First })
    }

    pub(super) async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        revocation.validate()?;
        match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                let params = [text(user_id.as_str()), text(jti), time(keep_until)];
                self.write(&self.statements.revoke_token, &params).await.map(drop)
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let params = [text(user_id.as_str()), text(session_id), time(keep_until)];
                self.write(&self.statements.revoke_session, &params).await.map(drop)
            }
            Revocation::User { user_id, except, keep_until } => {
                let user_id = user_id.as_str();
                let except = Param::Text(except.map(escaped));
                let params = [text(user_id), time(now), except, time(keep_until)];
                let statements = &*self.statements.revoke_user;
                let lock = (statements.len() > 1).then(|| lock_of(&[&self.prefix, user_id]));
                let call = Call { access: Access::Write, lock, statements, params: &params };
                let rows = self.run(call).await?;
                // What was not stored must not be reported as done.
                let stored = rows.first().ok_or(Error::RowNotFound);
                stored.map(drop).map_err(StoreError::unavailable)
            }
        }
    }

    pub(super) async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        token.validate()?;
        let params = [
            text(token.user_id),
            Param::Text(token.jti.map(escaped)),
            Param::Text(token.session_id.map(escaped)),
            time(token.issued_at),
            Param::Int(token.refresh.into()),
            Param::Int(token.adopt.into()),
        ];
        let rows = self.read(&self.statements.is_revoked, &params).await?;
        Ok(single_int::<E>(&rows).map_err(StoreError::unavailable)? != 0)
    }

    pub(super) async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        check_lengths([user_id.as_str()])?;
        let (used_at, session_id) = match page.cursor() {
            Some(cursor) => cursor::parse(cursor)?,
            None => (NumericDate::MAX, ""),
        };
        let params = [
            text(user_id.as_str()),
            time(now),
            time(used_at),
            text(session_id),
            // One more shows whether another page follows.
            count(page.limit() + 1),
        ];
        let rows = self.read(&self.statements.sessions, &params).await?;
        let (rows, following) = rows.split_at(rows.len().min(page.limit()));
        let last = rows.last().filter(|_| !following.is_empty());
        let next = last.map(|row| {
            let id = unescaped(E::text(row, 0)?.ok_or(Error::RowNotFound)?);
            Ok(cursor::format(time_at::<E>(row, 2)?, &id))
        });
        let is_live = |row: &&Row<E>| !matches!(E::int(row, 5), Ok(Some(0)));
        let sessions = rows.iter().filter(is_live).map(session_of::<E>);
        let sessions: Result<_, _> = sessions.collect();
        let next: Result<_, Error> = next.transpose();
        let (sessions, next) =
            sessions.and_then(|sessions| Ok((sessions, next?))).map_err(StoreError::unavailable)?;
        Ok(SessionPage::new(sessions, next))
    }

    pub(super) async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        check_lengths([user_id.as_str(), session_id].into_iter().chain(label))?;
        let label = Param::Text(label.map(escaped));
        let params = [text(user_id.as_str()), text(session_id), label, time(now)];
        Ok(!self.write(&self.statements.set_label, &params).await?.is_empty())
    }

    pub(super) async fn ping(&self) -> Result<(), StoreError> {
        self.write(&self.statements.ping, &[]).await.map(drop)
    }

    pub(super) async fn purge(&self, now: NumericDate, limit: usize) -> Result<usize, StoreError> {
        let mut purged = 0;
        for statement in [&self.statements.purge_sessions, &self.statements.purge_tokens] {
            loop {
                let batch = PURGE_BATCH.min(limit - purged);
                let deleted = self.purge_batch(statement, now, batch).await?;
                purged += deleted;
                if deleted < batch || batch == 0 {
                    break;
                }
            }
        }
        loop {
            let batch = PURGE_BATCH.min(limit - purged);
            // The revocation of a user is what ends sessions that began before it.
            let postponed = self.purge_batch(&self.statements.postpone_users, now, batch).await?;
            let deleted = self.purge_batch(&self.statements.purge_users, now, batch).await?;
            purged += deleted;
            if postponed + deleted < batch || batch == 0 {
                return Ok(purged);
            }
        }
    }

    /// Runs a statement on at most `batch` rows that are due, and returns their number.
    async fn purge_batch(
        &self,
        statement: &Statement,
        now: NumericDate,
        batch: usize,
    ) -> Result<usize, StoreError> {
        if batch == 0 {
            return Ok(0);
        }
        let began = Instant::now();
        let other_clock =
            if self.clock.shows(now) { NumericDate::default() } else { NumericDate::MAX };
        let now = self.clock.steady(now);
        let recheck = now.saturating_add(RECHECK_AFTER);
        let params = [time(now), count(batch), time(recheck), time(other_clock)];
        let rows = self.write(statement, &params).await?.len();
        if rows == batch {
            // Others who wait for the lock look only now and then whether it is free.
            sleep(began.elapsed()).await;
        }
        Ok(rows)
    }
}

fn generation_of(generation: Generation) -> i64 {
    i64::try_from(generation.get()).unwrap_or(i64::MAX)
}

/// A token that was spent later is within its grace time.
fn again_after(spend: &Spend<'_>) -> Param<'static> {
    Param::Int(match spend.grace.as_secs() {
        0 => i64::MAX,
        grace => spend.now.as_secs().cast_signed().saturating_sub_unsigned(grace),
    })
}

fn outcome<E: Engine>(row: &Row<E>, spend: &Spend<'_>) -> Result<Spent, Error> {
    let current = E::text(row, 0)?.map(unescaped);
    let by_this = current.as_deref() == Some(spend.successor);
    match E::int(row, 2)? {
        Some(ended::LIVE) if by_this => return Ok(Spent::First),
        Some(ended::LIVE) => {}
        Some(ended::REUSED) if by_this => return Ok(Spent::Reused),
        _ => return Ok(Spent::Revoked),
    }
    let successor = current.ok_or(Error::RowNotFound)?;
    Ok(Spent::Again { successor, at: time_at::<E>(row, 1)? })
}

fn session_of<E: Engine>(row: &Row<E>) -> Result<Session, Error> {
    let id = E::text(row, 0)?.ok_or(Error::RowNotFound)?;
    let times = (time_at::<E>(row, 1)?, time_at::<E>(row, 2)?, time_at::<E>(row, 3)?);
    let label = E::text(row, 4)?.map(unescaped);
    Ok(Session::new(unescaped(id), times.0, times.1, times.2).with_label(label))
}
