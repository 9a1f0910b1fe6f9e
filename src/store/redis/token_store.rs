use std::num::NonZeroUsize;

use redis::Value;

use crate::{clock::NumericDate, token::UserId};

use super::{
    super::{
        cursor,
        error::StoreError,
        facts::{
            Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, Session,
            SessionPage, Spend, Spent, TokenRef, check_lengths,
        },
        token_store::TokenStore,
    },
    args::Arg,
    keys::Keys,
    reply::{UnexpectedReply, decode},
    scripts,
    store::RedisStore,
};

const NO_ARGS: Option<u64> = None;

impl TokenStore for RedisStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        let key = self.keys.generation();
        self.call(&scripts::GENERATION, &[&key], NO_ARGS).await.map(Generation::new)
    }

    async fn begin(&self, session: &NewSession<'_>) -> Result<Begun, StoreError> {
        session.validate()?;
        let args = (
            Arg::Session(session.session_id),
            Arg::Token(session.refresh),
            Arg::Times(session),
            Arg::Time(session.access_until),
            session.limit.map_or(0, NonZeroUsize::get),
            Arg::generation(session.generation),
            session.label,
        );
        let reply = self.call_for(session.user_id.as_str(), &scripts::BEGIN, args).await?;
        if let Value::Int(_) = reply {
            // Changes nothing unless Redis has lost the generation: later logins would be rejected too.
            let revoked_at: u64 = decode(Ok(reply))?;
            self.raise_generation(revoked_at, 0).await?;
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
            Arg::Spending(spend),
        );
        match self.call_for(spend.user_id.as_str(), &scripts::SPEND, args).await? {
            Value::Int(1) => Ok(Spent::First),
            Value::Int(2) => Ok(Spent::Reused),
            Value::Int(3) => Ok(Spent::Revoked),
            again => {
                let (successor, at): (String, u64) = decode(Ok(again))?;
                Ok(Spent::Again { successor: successor.into(), at: NumericDate::from_secs(at) })
            }
        }
    }

    async fn consume(
        &self,
        consume: &Consume<'_>,
        now: NumericDate,
    ) -> Result<Consumed, StoreError> {
        consume.validate()?;
        let args = (
            Arg::consumed(consume.id),
            Arg::session(consume.session_id),
            Arg::Time(now),
            Arg::Time(consume.keep_until),
            Arg::Time(consume.issued_at),
            Arg::generation(consume.generation),
        );
        match self.call_for(consume.user_id.as_str(), &scripts::CONSUME, args).await? {
            0 => Ok(Consumed::Before),
            1 => Ok(Consumed::First),
            _ => Err(StoreError::unavailable(UnexpectedReply)),
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
                let args = (Arg::Token(jti), Arg::Time(now), Arg::Time(keep_until));
                self.call_for(user_id.as_str(), &scripts::REVOKE_TOKEN, args).await
            }
            Revocation::Session { session_id, user_id, keep_until } => {
                let args = (Arg::Session(session_id), Arg::Time(now), Arg::Time(keep_until));
                self.call_for(user_id.as_str(), &scripts::REVOKE_SESSION, args).await
            }
            Revocation::User { user_id, except, keep_until } => {
                let mut lowest = 0;
                loop {
                    let generation = Arg::Generation(self.raise_generation(lowest, 1).await?);
                    let (now, keep_until) = (Arg::Time(now), Arg::Time(keep_until));
                    let args = (now, keep_until, generation, Arg::session(except));
                    lowest = self.call_for(user_id.as_str(), &scripts::REVOKE_USER, args).await?;
                    // Another revocation came first with a higher generation, or Redis has lost it.
                    if lowest == 0 {
                        return Ok(());
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
        let user = self.keys.user(token.user_id);
        match self.call(&scripts::IS_REVOKED, &[&user], args).await? {
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
        let (score, id) = cursor.unzip();
        let args = (Arg::Time(now), page.limit(), score.map_or(Arg::Empty, Arg::Time), id);
        let (rows, score, id): (Vec<Row>, Option<u64>, Option<String>) =
            self.call_for(user_id.as_str(), &scripts::SESSIONS, args).await?;
        let date = NumericDate::from_secs;
        let sessions = rows.into_iter().map(|(id, created_at, last_used_at, expires_at, label)| {
            Session::new(id, date(created_at), date(last_used_at), date(expires_at))
                .with_label(label.map(Into::into))
        });
        let next = score.zip(id).map(|(score, id)| cursor::format(date(score), &id));
        Ok(SessionPage::new(sessions.collect(), next))
    }

    async fn set_label(
        &self,
        user_id: &UserId,
        session_id: &str,
        label: Option<&str>,
        now: NumericDate,
    ) -> Result<bool, StoreError> {
        check_lengths([user_id.as_str(), session_id].into_iter().chain(label))?;
        let args = (Arg::Session(session_id), Arg::Time(now), label);
        match self.call_for(user_id.as_str(), &scripts::SET_LABEL, args).await? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(StoreError::unavailable(UnexpectedReply)),
        }
    }

    /// Fails when a login, a refresh or a revocation would: also when Redis is out of memory, has become
    /// a replica, or denies a command, the keys or the channel of revocations.
    async fn ping(&self) -> Result<(), StoreError> {
        let key = self.keys.ping();
        self.call(&scripts::PING, &[&key, &Keys::used(&key)], NO_ARGS).await
    }

    /// Does nothing: Redis forgets by itself.
    async fn purge(&self, _now: NumericDate, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

impl RedisStore {
    /// Raises the generation by `step`, from at least `lowest`.
    async fn raise_generation(&self, lowest: u64, step: u64) -> Result<Generation, StoreError> {
        let key = self.keys.generation();
        let number = self.call(&scripts::RAISE_GENERATION, &[&key], (lowest, step)).await?;
        Ok(Generation::new(number))
    }
}
