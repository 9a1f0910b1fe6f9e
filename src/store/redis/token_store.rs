use std::{num::NonZeroUsize, time::Duration};

use redis::Value;

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::{
        cursor,
        error::StoreError,
        facts::{
            Begun, Generation, NewSession, Page, Revocation, Session, SessionPage, Spend, Spent,
            TokenRef, check_lengths,
        },
        token_store::TokenStore,
    },
    args::Arg,
    reply::{UnexpectedReply, decode},
    scripts,
    store::RedisStore,
};

/// For how much longer than necessary Redis remembers a user: a minute for clocks that differ, and an
/// hour so that most rotations need not extend it.
const SLACK: Duration = Duration::from_secs(60 + 3_600);

impl TokenStore for RedisStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        let mut get = redis::cmd("GET");
        get.arg(self.generation_key());
        let number: Option<u64> = decode(self.connector.send(&get).await)?;
        Ok(Generation::new(number.unwrap_or_default()))
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        session.validate()?;
        let args = (
            Arg::Session(session.session_id),
            Arg::Token(session.refresh),
            Arg::times_of(session),
            time_to_live(session.keep_until, session.now),
            session.limit.map_or(0, NonZeroUsize::get),
            session.generation.map_or(-1, |generation| generation.get().cast_signed()),
            session.label,
        );
        let reply = self.call(&scripts::BEGIN, session.user_id.as_str(), args).await?;
        if matches!(reply, Value::Int(_)) {
            return Ok(Begun::UserRevoked);
        }
        let ended: Vec<String> = decode(Ok(reply))?;
        Ok(Begun::Started { ended: ended.into_iter().map(Into::into).collect() })
    }

    async fn spend(&self, spend: &Spend<'_>) -> Result<Spent, StoreError> {
        spend.validate()?;
        let args = (
            Arg::Session(spend.session_id),
            Arg::Token(spend.refresh),
            Arg::Token(spend.successor),
            Arg::Spending(spend, time_to_live(spend.keep_until, spend.now)),
        );
        let reply = self.call(&scripts::SPEND, spend.user_id.as_str(), args).await?;
        match reply {
            Value::Int(1) => Ok(Spent::First),
            Value::Int(2) => Ok(Spent::Reused),
            Value::Int(3) => Ok(Spent::Revoked),
            again => {
                let (successor, at): (String, u64) = decode(Ok(again))?;
                Ok(Spent::Again { successor: successor.into(), at: NumericDate::from_secs(at) })
            }
        }
    }

    async fn revoke(
        &self,
        revocation: &Revocation<'_>,
        now: NumericDate,
    ) -> Result<(), StoreError> {
        revocation.validate()?;
        match *revocation {
            Revocation::Token { jti, user_id, keep_until } => {
                let (jti, ttl) = (Arg::Token(jti), time_to_live(keep_until, now));
                let args = (jti, Arg::Time(now), Arg::Time(keep_until), ttl);
                self.call(&scripts::REVOKE_TOKEN, user_id.as_str(), args).await
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let (session, ttl) = (Arg::Session(session_id), time_to_live(keep_until, now));
                let args = (session, Arg::Time(now), Arg::Time(keep_until), ttl);
                self.call(&scripts::REVOKE_SESSION, user_id.as_str(), args).await
            }
            Revocation::User { user_id, except, keep_until } => {
                let mut raise = redis::cmd("INCR");
                raise.arg(self.generation_key());
                let ttl = time_to_live(keep_until, now);
                loop {
                    let generation: u64 = decode(self.connector.send(&raise).await)?;
                    let args = (Arg::Time(now), ttl, generation, Arg::session(except));
                    // Another revocation may have come first with a higher generation.
                    match self.call(&scripts::REVOKE_USER, user_id.as_str(), args).await? {
                        0 => {}
                        1 => return Ok(()),
                        _ => return Err(StoreError::unavailable(UnexpectedReply)),
                    }
                }
            }
        }
    }

    async fn is_revoked(&self, token: &TokenRef<'_>) -> Result<bool, StoreError> {
        token.validate()?;
        let args = (
            Arg::session(token.session_id),
            Arg::token(token.jti),
            Arg::Time(token.issued_at),
            token.refresh,
            token.adopt,
        );
        match self.call(&scripts::IS_REVOKED, token.user_id, args).await? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StoreError::unavailable(UnexpectedReply)),
        }
    }

    async fn sessions(
        &self,
        user_id: &UserId,
        now: NumericDate,
        page: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        type Row = (String, u64, u64, u64, Option<String>);
        check_lengths([user_id.as_str()])?;
        let cursor = page.cursor().map(cursor::parse).transpose()?;
        let rows: Vec<Row> =
            self.call(&scripts::SESSIONS, user_id.as_str(), Arg::Time(now)).await?;
        let date = NumericDate::from_secs;
        let mut sessions: Vec<_> = rows
            .into_iter()
            .map(|(id, created_at, last_used_at, expires_at, label)| {
                Session::new(id, date(created_at), date(last_used_at), date(expires_at))
                    .with_label(label.map(Into::into))
            })
            .collect();
        sessions.sort_by(|a, b| (b.last_used_at, &b.id).cmp(&(a.last_used_at, &a.id)));
        if let Some(cursor) = cursor {
            sessions.retain(|session| (session.last_used_at, &*session.id) < cursor);
        }
        let has_more = sessions.len() > page.limit();
        sessions.truncate(page.limit());
        let last = sessions.last().filter(|_| has_more);
        let next = last.map(|last| cursor::format(last.last_used_at, &last.id));
        Ok(SessionPage::new(sessions, next))
    }

    /// Fails when a write would: also when Redis is out of memory or has become a replica.
    async fn ping(&self) -> Result<(), StoreError> {
        // Counts as a write that needs memory, but changes nothing.
        let mut probe = redis::cmd("SETRANGE");
        probe.arg(&*self.prefix).arg(0).arg("");
        match self.connector.send(&probe).await {
            // The key of the user with an empty id, which is a hash.
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(()),
            reply => reply.map(drop).map_err(StoreError::unavailable),
        }
    }

    /// Does nothing: Redis forgets by itself.
    async fn purge(&self, _now: NumericDate, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// For how many seconds Redis must remember what a caller at `now` needs until `keep_until`.
fn time_to_live(keep_until: NumericDate, now: NumericDate) -> u64 {
    (keep_until.saturating_duration_since(now) + SLACK).as_secs()
}
