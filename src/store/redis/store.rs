use std::fmt;

use redis::{
    ErrorKind, FromRedisValue, ServerErrorKind, ToRedisArgs, aio::ConnectionManager,
    cluster_async::ClusterConnection,
};

use crate::error::ConfigError;

use super::{
    super::error::StoreError, connector::Connector, keys::Keys, reply::decode, scripts::Script,
};

const DEFAULT_PREFIX: &str = "jwt:";
const LONGEST_PREFIX: usize = 64;

/// A [`TokenStore`](crate::store::TokenStore) in Redis 6 or later, or Valkey: one server, or a
/// cluster.
///
/// Any number of processes may share it. Each call is one round trip: a script that runs in constant
/// time, however many sessions the user has, or for one page of them. Revoking a user takes two calls.
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
/// # Keys
///
/// | key | value |
/// |---|---|
/// | `jwt:2:{<user id>}` | a hash with everything that is known of the user |
/// | `jwt:2:{<user id>}:used` | the user's sessions, sorted by their last use |
/// | `jwt:2:attempts:<hash>` | the attempts to log in to an account, or from an address |
/// | `jwt:2:generation` | the store's [generation](crate::store::TokenStore::generation) |
///
/// A percent sign in a user id is stored as `%25` and a closing brace as `%7D`, so that both keys of a
/// user are in one slot of a cluster. They contain ids and times, never a token. Ended sessions and
/// expired revocations are removed while the user is active, and both keys expire an hour after
/// nothing in them is needed any more, so [`purge`](crate::store::TokenStore::purge) does nothing. Both
/// the caller's clock and that of Redis must have passed the time of an entry by a minute before it is
/// removed.
///
/// The `2` is the version of this layout. Keys of another version are ignored: after an upgrade that
/// changes it, all users log in again, and earlier revocations are unknown. Change the signing key
/// then.
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
/// a call to Redis. It is notified of revocations through the channel `jwt:2:revocations:<database>`. For
/// that it opens another connection to the server, or to each master of the cluster, at the URL of the
/// store. A store on a connection of the application has no URL, so every request is checked by
/// Redis. At the start, and whenever such a connection breaks or the masters change, the replica reads
/// the data of every user; while slots move between nodes, it waits. A master that was cut off from its
/// cluster is trusted for `cluster-node-timeout` longer.
///
/// # Access control lists
///
/// Every process needs the keys and channels that begin with the prefix, also without a replica
/// (`~jwt:* &jwt:*`), the commands of the categories `@hash`, `@sortedset`, `@string`, `@keyspace` and
/// `@scripting`, and `PUBLISH`, `SUBSCRIBE` and `TIME`; in a cluster also `CLUSTER SLOTS`, `NODES` and
/// `MYID`. [`ping`](crate::store::TokenStore::ping) fails if something is missing that a login, a
/// refresh or a revocation needs.
///
/// # What Redis may lose
///
/// Redis replies before it writes to disk, and by default it rarely writes. Losing data undoes it: a
/// spent refresh token or a used single-use token is accepted again, a revocation is undone, the refresh
/// token of a new session is rejected. The settings of Redis decide how much can be lost:
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
/// - **The generation** may be lost by a failover in a cluster while the users are not. The first login
///   of a user that was revoked lately is then rejected, and restores it.
/// - **`FLUSHALL`**, or a lost data directory. No session is known, so every refresh token that names
///   its session is rejected and all users log in again. Access tokens are valid until they expire,
///   even revoked ones, and refresh tokens without a session are adopted again. Change the signing key
///   if that matters.
#[derive(Clone)]
pub struct RedisStore {
    pub(super) connector: Connector,
    pub(super) keys: Keys,
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
        self.keys = Keys::new(prefix, self.connector.database());
        Ok(self)
    }

    pub(super) fn new(connector: impl Into<Connector>) -> Self {
        let connector = connector.into();
        let keys = Keys::new(DEFAULT_PREFIX, connector.database());
        Self { connector, keys }
    }

    /// Runs a script for a user.
    pub(super) async fn call_for<T: FromRedisValue>(
        &self,
        user_id: &str,
        script: &Script,
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        let user = self.keys.user(user_id);
        self.call(script, &[&user, &Keys::used(&user)], args).await
    }

    pub(super) async fn call<T: FromRedisValue>(
        &self,
        script: &Script,
        keys: &[&str],
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        self.call_with_channel(&self.keys.channel, script, keys, args).await
    }

    pub(super) async fn call_with_channel<T: FromRedisValue>(
        &self,
        channel: &str,
        script: &Script,
        keys: &[&str],
        args: impl ToRedisArgs + Sync,
    ) -> Result<T, StoreError> {
        let mut reply = self.connector.send(&script.by_hash(keys, channel, &args)).await;
        let is_unknown = ErrorKind::Server(ServerErrorKind::NoScript);
        if reply.as_ref().is_err_and(|error| error.kind() == is_unknown) {
            reply = self.connector.send(&script.in_full(keys, channel, &args)).await;
        }
        decode(reply)
    }
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
        f.debug_struct("RedisStore").field("prefix", &self.keys.prefix).finish_non_exhaustive()
    }
}
