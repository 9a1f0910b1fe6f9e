mod args;
mod cluster;
mod cluster_feed;
mod connection;
mod feed;
mod scripts;
#[cfg(feature = "redis-tls")]
mod tls;

use std::{error::Error, fmt, num::NonZeroUsize, time::Duration};

use redis::{
    ErrorKind, FromRedisValue, ServerErrorKind, ToRedisArgs, Value, aio::ConnectionManager,
    cluster_async::ClusterConnection,
};

use crate::{clock::NumericDate, error::ConfigError, token::UserId};

use self::{args::Arg, connection::Connector, scripts::Script};

use super::{
    cursor,
    error::StoreError,
    facts::{
        Begun, Generation, NewSession, Page, Revocation, Session, SessionPage, Spend, Spent,
        TokenRef, check_lengths,
    },
    token_store::TokenStore,
};

const DEFAULT_PREFIX: &str = "jwt:";
const LONGEST_PREFIX: usize = 64;
/// How much longer than necessary Redis remembers a user: for clocks that differ, and so that most
/// rotations need not extend it.
const SLACK: Duration = Duration::from_secs(60 + 3_600);

/// A [`TokenStore`] in Redis 6 or later, or Valkey: one server, or a cluster.
///
/// Any number of processes may share one. Each call is one round trip: a script that touches one
/// key, `jwt:<user id>`, a hash of all that is known of the user. Redis forgets it by itself, an hour
/// after nothing of it is needed any more, so [`purge`](TokenStore::purge) has nothing to do.
/// Beginning a session with a [limit](NewSession::limit) and listing sessions take time in proportion
/// to what is remembered of the user; all else does not.
///
/// ```
/// # fn main() -> Result<(), tower_jwt_auth::ConfigError> {
/// use tower_jwt_auth::store::RedisStore;
///
/// let store = RedisStore::connect_lazy("redis://localhost/")?.with_prefix("shop:jwt:")?;
/// # Ok(())
/// # }
/// ```
///
/// # TLS
///
/// With the feature `redis-tls`, a `rediss` URL connects by TLS, to a server whose certificate the
/// system trusts and names the URL's host. For a certificate authority of one's own there is
/// `RedisStore::connect_tls_lazy`, or the environment's `SSL_CERT_FILE`. A process that has not
/// chosen what rustls computes with (`CryptoProvider::install_default`) when the first such
/// connection is made, has chosen aws-lc by it.
///
/// # While Redis is away
///
/// Every call fails within two seconds, at once if the connection is refused, and the first call
/// after Redis has come back succeeds. A Redis that is loading its data, has become a replica
/// or is out of memory counts as away.
///
/// # Asking less
///
/// With a [`RevocationReplica`](super::replica::RevocationReplica) in front, requests are checked without
/// asking Redis. It is told of revocations by the channel `jwt:revocations:<database>`, over a
/// connection of its own to the server, or to each master of the cluster, as given by its URL. On a
/// connection of the application's own there is none, and Redis is asked as before. At its start,
/// and whenever such a connection has broken or the masters have changed, the replica reads what is
/// remembered of every user; while slots move from one node to another, it waits with that. A
/// master that was cut off from the cluster is believed for `cluster-node-timeout` longer.
/// Where access lists are used, every process needs the channels that begin with the prefix, and in
/// a cluster the commands `CLUSTER SLOTS`, `NODES` and `MYID`.
///
/// # What Redis may forget
///
/// Redis answers before it writes to disk, and by default hardly ever writes. What it forgets,
/// comes back to life or logs out: a spent refresh token is good again, a revocation is undone, a
/// new session is unknown and its refresh token refused. How much that is, is Redis' setting:
///
/// | setting | lost in a crash |
/// |---|---|
/// | `appendonly no` (the default) | everything since the last snapshot, minutes or an hour |
/// | `appendonly yes`, `appendfsync everysec` | the last second or two |
/// | `appendonly yes`, `appendfsync always` | nothing that was answered |
///
/// - **Eviction.** Set `maxmemory-policy noeviction`. Under any other policy a Redis that is full
///   forgets users, and with them their revocations; under `noeviction` it refuses writes, which is
///   answered `503`. Do not share an instance with a cache.
/// - **Failover.** Replicas are written to after the answer, so a failover may lose the last
///   writes. `min-replicas-to-write` bounds how long, but nothing excludes it: `WAIT` makes it
///   rarer at the cost of a second round trip, and this store does not use it. Nor does it ask
///   Redis Sentinel: give it a name or address that leads to the master, and it follows.
/// - **Replicas** are never read from by this store. Do not give it a [`ClusterConnection`] that
///   does: a replica may not know yet what was revoked.
/// - **`FLUSHALL`**, or a lost data directory: no session is known, so every refresh token that
///   names its session is refused and everybody logs in again. Access tokens are good until they
///   expire, those that were revoked too, and so are refresh tokens without a session, which are
///   adopted: change the signing key if that matters.
#[derive(Clone)]
pub struct RedisStore {
    connector: Connector,
    prefix: Box<str>,
    /// Where revocations are published.
    channel: Box<str>,
}

impl RedisStore {
    /// A store on the server at `url`, such as `redis://user:password@host:6379/0`, or
    /// `rediss://host` with the feature `redis-tls`. Nothing is connected before it is needed.
    ///
    /// # Errors
    ///
    /// When the URL is malformed, or asks for what the features do not provide.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        Connector::to_server(url).map(Self::new).map_err(|_| INVALID_URL)
    }

    /// A store on a Redis Cluster with nodes at `urls`, of which it needs one to find the others.
    /// Nothing is connected before it is needed.
    ///
    /// # Errors
    ///
    /// When there is no URL, one is malformed, asks for what the features do not provide, or names
    /// another user, password or database than the first.
    pub fn connect_cluster_lazy<'a>(
        urls: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ConfigError> {
        let urls: Vec<_> = urls.into_iter().collect();
        Connector::to_cluster(&urls).map(Self::new).map_err(|_| INVALID_URL)
    }

    /// Sets what its keys begin with; `jwt:` by default.
    ///
    /// On one Redis, no application's prefix may be the beginning of another one's.
    ///
    /// # Errors
    ///
    /// Unless it has 1 to 64 characters, all visible ASCII characters but braces, which would bind
    /// all users to one node of a cluster.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
        if !(1..=LONGEST_PREFIX).contains(&prefix.len()) || !prefix.bytes().all(allowed) {
            return Err(ConfigError::out_of_range(
                "the key prefix must be 1 to 64 visible ASCII characters without braces",
            ));
        }
        self.channel = channel(prefix, &self.connector);
        self.prefix = prefix.into();
        Ok(self)
    }

    fn new(connector: impl Into<Connector>) -> Self {
        let connector = connector.into();
        let channel = channel(DEFAULT_PREFIX, &connector);
        Self { connector, prefix: DEFAULT_PREFIX.into(), channel }
    }

    /// The key of the generation, which is no user's key: those begin with the prefix.
    fn generation_key(&self) -> String {
        format!("generation:{}", self.prefix)
    }

    async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        user_id: &str,
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        self.call_with_key(script, &format!("{}{user_id}", self.prefix), &self.channel, args).await
    }

    async fn call_with_key<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        channel: &str,
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        let mut answer = self.connector.send(&script.by_hash(key, channel, &args)).await;
        let unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        if answer.as_ref().is_err_and(|error| error.kind() == unknown) {
            answer = self.connector.send(&script.in_full(key, channel, &args)).await;
        }
        decode(answer.map_err(StoreError::unavailable)?)
    }
}

/// Channels, unlike keys, are not of one database.
fn channel(prefix: &str, connector: &Connector) -> Box<str> {
    format!("{prefix}revocations:{}", connector.database()).into()
}

const INVALID_URL: ConfigError = ConfigError::out_of_range(
    "not a Redis URL that can be used; `rediss` needs the feature `redis-tls`",
);

/// A store on a connection of the application's own, made with redis 1. Its timeouts apply, and the store's, which
/// are a little less than two seconds for a call.
impl From<ConnectionManager> for RedisStore {
    fn from(manager: ConnectionManager) -> Self {
        Self::new(manager)
    }
}

/// A store on a connection of the application's own, made with redis 1. Its timeouts apply, and the store's, which
/// are a little less than two seconds for a call.
impl From<ClusterConnection> for RedisStore {
    fn from(connection: ClusterConnection) -> Self {
        Self::new(connection)
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl TokenStore for RedisStore {
    async fn generation(&self) -> Result<Generation, StoreError> {
        let mut get = redis::cmd("GET");
        get.arg(self.generation_key());
        let number = self.connector.send(&get).await.map_err(StoreError::unavailable)?;
        Ok(Generation::new(decode::<Option<u64>>(number)?.unwrap_or_default()))
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
        let answer = self.call(&scripts::BEGIN, session.user_id.as_str(), args).await?;
        if matches!(answer, Value::Int(_)) {
            return Ok(Begun::UserRevoked);
        }
        let ended: Vec<String> = decode(answer)?;
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
        let answer = self.call(&scripts::SPEND, spend.user_id.as_str(), args).await?;
        match answer {
            Value::Int(1) => Ok(Spent::First),
            Value::Int(2) => Ok(Spent::Reused),
            Value::Int(3) => Ok(Spent::Revoked),
            again => {
                let (successor, at): (String, u64) = decode(again)?;
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
                    let number = self.connector.send(&raise).await;
                    let generation: u64 = decode(number.map_err(StoreError::unavailable)?)?;
                    let args = (Arg::Time(now), ttl, generation, Arg::session(except));
                    // Another revocation may have come first with a higher generation.
                    match self.call(&scripts::REVOKE_USER, user_id.as_str(), args).await? {
                        0 => {}
                        1 => return Ok(()),
                        _ => return Err(StoreError::unavailable(UnexpectedAnswer)),
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
            _ => Err(StoreError::unavailable(UnexpectedAnswer)),
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

    /// Fails where writing would: also when Redis is out of memory, or has become a replica.
    async fn ping(&self) -> Result<(), StoreError> {
        // Counts as a write that needs memory, but writes nothing.
        let mut probe = redis::cmd("SETRANGE");
        probe.arg(&*self.prefix).arg(0).arg("");
        match self.connector.send(&probe).await {
            // The key of the user without a name, which is a hash.
            Err(error) if error.code() == Some("WRONGTYPE") => Ok(()),
            answer => answer.map(drop).map_err(StoreError::unavailable),
        }
    }

    /// Does nothing: Redis forgets by itself.
    async fn purge(&self, _now: NumericDate, _limit: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// How many seconds from now on Redis must remember what the caller, whose clock shows `now`, wants
/// remembered until `keep_until`.
fn time_to_live(keep_until: NumericDate, now: NumericDate) -> u64 {
    (keep_until.saturating_duration_since(now) + SLACK).as_secs()
}

fn decode<T: FromRedisValue>(answer: Value) -> Result<T, StoreError> {
    // The error of redis-rs would quote the answer, and ids are not for logs.
    T::from_redis_value(answer).map_err(|_| StoreError::unavailable(UnexpectedAnswer))
}

#[derive(Debug)]
struct UnexpectedAnswer;

impl fmt::Display for UnexpectedAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Redis gave an unexpected answer")
    }
}

impl Error for UnexpectedAnswer {}
