use std::fmt;

use redis::{
    ErrorKind, FromRedisValue, ServerErrorKind, ToRedisArgs, aio::ConnectionManager,
    cluster_async::ClusterConnection,
};

use crate::error::ConfigError;

use super::{super::error::StoreError, connector::Connector, reply::decode, scripts::Script};

const DEFAULT_PREFIX: &str = "jwt:";
const LONGEST_PREFIX: usize = 64;

/// A [`TokenStore`](crate::store::TokenStore) in Redis 6 or later, or Valkey: one server, or a
/// cluster.
///
/// Any number of processes may share it. Each call is one round trip: a script that uses one key,
/// `jwt:<user id>`, a hash with everything that is known of the user. Redis forgets the hash by itself,
/// an hour after nothing in it is needed any more, so
/// [`purge`](crate::store::TokenStore::purge) does nothing. Beginning a session with a
/// [limit](crate::store::NewSession::limit) and listing sessions take time in proportion to what is
/// known of the user; all other calls do not.
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
/// With the feature `redis-tls`, a `rediss` URL connects with TLS. The server's certificate must be
/// trusted by the system and valid for the URL's host. For a private certificate authority, use
/// `RedisStore::connect_tls_lazy` or the environment variable `SSL_CERT_FILE`. If the process has
/// installed no `CryptoProvider` for rustls before the first such connection, aws-lc-rs is installed.
///
/// # Outages
///
/// While Redis is down, every call fails within two seconds, and at once if the connection is refused.
/// The first call after Redis has returned succeeds. A Redis that is loading its data, has become a
/// replica or is out of memory counts as down.
///
/// # Revocation checks from memory
///
/// With a [`RevocationReplica`](crate::store::replica::RevocationReplica), requests are checked without
/// a call to Redis. It is notified of revocations through the channel `jwt:revocations:<database>`. For
/// that it opens another connection to the server, or to each master of the cluster, at the URL of the
/// store. A store on a connection of the application has no URL, so every request is checked by
/// Redis. At the start, and whenever such a connection breaks or the masters change, the replica reads
/// the data of every user; while slots move between nodes, it waits. A master that was cut off from its
/// cluster is trusted for `cluster-node-timeout` longer.
///
/// With access control lists, every process needs the channels that begin with the prefix, and in a
/// cluster the commands `CLUSTER SLOTS`, `NODES` and `MYID`.
///
/// # What Redis may lose
///
/// Redis replies before it writes to disk, and by default it rarely writes. Losing data undoes it: a
/// spent refresh token is accepted again, a revocation is undone, the refresh token of a new session is
/// rejected. The settings of Redis decide how much can be lost:
///
/// | setting | lost in a crash |
/// |---|---|
/// | `appendonly no` (the default) | everything since the last snapshot, minutes or an hour |
/// | `appendonly yes`, `appendfsync everysec` | the last second or two |
/// | `appendonly yes`, `appendfsync always` | nothing that was confirmed |
///
/// - **Eviction.** Set `maxmemory-policy noeviction`. Under any other policy, a full Redis forgets users
///   with their revocations. Under `noeviction` it rejects writes, and the response is `503`. Do not
///   share an instance with a cache.
/// - **Failover.** Replicas receive writes after the reply, so a failover may lose the last writes.
///   `min-replicas-to-write` limits how many, but nothing excludes it. `WAIT` would make it rarer at the
///   cost of a second round trip, and this store does not use it. It does not ask Redis Sentinel
///   either: connect to a name or address that leads to the master.
/// - **Replicas.** This store never reads from replicas, which may not know the last revocations. Do not
///   give it a [`ClusterConnection`] that does.
/// - **`FLUSHALL`**, or a lost data directory. No session is known, so every refresh token that names
///   its session is rejected and all users log in again. Access tokens are valid until they expire,
///   even revoked ones, and refresh tokens without a session are adopted again. Change the signing key
///   if that matters.
#[derive(Clone)]
pub struct RedisStore {
    pub(super) connector: Connector,
    pub(super) prefix: Box<str>,
    /// Where revocations are published.
    pub(super) channel: Box<str>,
}

impl RedisStore {
    /// A store on the server at `url`, such as `redis://user:password@host:6379/0`, or
    /// `rediss://host` with the feature `redis-tls`. It connects when first used.
    ///
    /// # Errors
    ///
    /// When the URL is malformed, or requires a feature that is not enabled.
    pub fn connect_lazy(url: &str) -> Result<Self, ConfigError> {
        Connector::to_server(url).map(Self::new).map_err(|_| INVALID_URL)
    }

    /// A store on a Redis Cluster. Of the nodes at `urls`, one must be reachable; it lists the others.
    /// The store connects when first used.
    ///
    /// # Errors
    ///
    /// When there is no URL, or one is malformed, requires a feature that is not enabled, or has another
    /// user, password or database than the first.
    pub fn connect_cluster_lazy<'a>(
        urls: impl IntoIterator<Item = &'a str>,
    ) -> Result<Self, ConfigError> {
        let urls: Vec<_> = urls.into_iter().collect();
        Connector::to_cluster(&urls).map(Self::new).map_err(|_| INVALID_URL)
    }

    /// Sets the prefix of all keys and channels. Default: `jwt:`.
    ///
    /// Applications that share a Redis need different prefixes, and no prefix may be the beginning of
    /// another one.
    ///
    /// # Errors
    ///
    /// Unless the prefix has 1 to 64 visible ASCII characters other than braces. Braces would assign all
    /// users to one node of a cluster.
    pub fn with_prefix(mut self, prefix: &str) -> Result<Self, ConfigError> {
        let is_allowed = |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'{' | b'}');
        if !(1..=LONGEST_PREFIX).contains(&prefix.len()) || !prefix.bytes().all(is_allowed) {
            return Err(ConfigError::out_of_range(
                "the key prefix must be 1 to 64 visible ASCII characters without braces",
            ));
        }
        self.channel = channel(prefix, &self.connector);
        self.prefix = prefix.into();
        Ok(self)
    }

    pub(super) fn new(connector: impl Into<Connector>) -> Self {
        let connector = connector.into();
        let channel = channel(DEFAULT_PREFIX, &connector);
        Self { connector, prefix: DEFAULT_PREFIX.into(), channel }
    }

    /// The key of the generation.
    pub(super) fn generation_key(&self) -> String {
        format!("generation:{}", self.prefix)
    }

    /// Runs a script for a user.
    pub(super) async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        user_id: &str,
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        self.call_with_key(script, &format!("{}{user_id}", self.prefix), &self.channel, args).await
    }

    pub(super) async fn call_with_key<T: FromRedisValue>(
        &self,
        script: &Script,
        key: &str,
        channel: &str,
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        let mut reply = self.connector.send(&script.by_hash(key, channel, &args)).await;
        let is_unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        if reply.as_ref().is_err_and(|error| error.kind() == is_unknown) {
            reply = self.connector.send(&script.in_full(key, channel, &args)).await;
        }
        decode(reply)
    }
}

/// Unlike keys, channels are shared by all databases of a server.
fn channel(prefix: &str, connector: &Connector) -> Box<str> {
    format!("{prefix}revocations:{}", connector.database()).into()
}

pub(super) const INVALID_URL: ConfigError =
    ConfigError::out_of_range("not a usable Redis URL; `rediss` requires the feature `redis-tls`");

/// A store on a connection of the application, made with redis 1. The timeouts of the connection
/// apply, and those of the store: a little less than two seconds for a call.
impl From<ConnectionManager> for RedisStore {
    fn from(manager: ConnectionManager) -> Self {
        Self::new(manager)
    }
}

/// A store on a connection of the application, made with redis 1. The timeouts of the connection
/// apply, and those of the store: a little less than two seconds for a call.
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
