//! The calls of a store.
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

use sqlx::Error;

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::{
        cursor,
        error::StoreError,
        facts::{
            Begun, Consume, ConsumeId, Consumed, Generation, NewSession, Page, Revocation, Session,
            SessionPage, Spend, Spent, TokenRef, check_lengths,
        },
    },
    engine::{Access, Call, Engine, Param, Row},
    params::{consumed, count, escaped, text, time, time_at, unescaped},
    statements::ended,
    store::{SqlStore, lock_of, single_int},
};

/// More sessions than any user has, and little enough to add to.
const MAX_LIMIT: usize = i32::MAX as usize;

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
            let lock = Some(lock_of(&[self.prefix(), user_id]));
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
                let lock = (statements.len() > 1).then(|| lock_of(&[self.prefix(), user_id]));
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
