//! The connection to Redis: made when first needed, and again after it broke.

use std::{
    io,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

#[cfg(feature = "redis-tls")]
use redis::ConnectionAddr;
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionInfo, ErrorKind, IntoConnectionInfo, RedisError,
    RedisResult, ServerErrorKind, Value,
    aio::{ConnectionLike, ConnectionManager, MultiplexedConnection, PubSubStream},
    cluster::ClusterClient,
    cluster_async::ClusterConnection,
    io::tcp::TcpSettings,
};
use tokio::{sync::OnceCell, time::Instant};

use super::cluster::Master;

// Each is shorter than the default deadline of callers, so that the error names the cause.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1500);
const CALL_TIMEOUT: Duration = Duration::from_millis(1900);
/// The connections to a cluster are replaced once in this time at most.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(1);
// In milliseconds. By default redis-rs waits for more than a second before it retries.
const SHORTEST_RETRY_WAIT: u64 = 10;
const LONGEST_RETRY_WAIT: u64 = 200;

/// Sends commands over one connection that all callers share.
///
/// Unlike the `ConnectionManager` of redis-rs, it does not fail the first call after an outage with
/// the error of its last attempt, and it leaves a server that has become a replica or has stopped
/// responding.
#[derive(Clone)]
pub(super) struct Connector(Arc<Inner>);

struct Inner {
    source: Source,
    database: i64,
    #[cfg(feature = "redis-tls")]
    tls: bool,
    current: Mutex<Arc<OnceCell<Connection>>>,
    renewed_at: Mutex<Option<Instant>>,
}

enum Source {
    Server(Box<Client>),
    /// The client, and the address of one of the nodes.
    Cluster(Box<(ClusterClient, ConnectionInfo)>),
    /// A connection of the application, which reconnects by itself.
    Application,
}

#[derive(Clone)]
enum Connection {
    Server(MultiplexedConnection),
    Manager(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Connector {
    pub(super) fn to_server(url: &str) -> RedisResult<Self> {
        Client::open(Self::node(url)?).map(Self::new_server)
    }

    pub(super) fn node(url: &str) -> RedisResult<ConnectionInfo> {
        Ok(url.into_connection_info()?.set_tcp_settings(tcp_settings()))
    }

    pub(super) fn new_server(client: Client) -> Self {
        let node = client.get_connection_info().clone();
        let database = node.redis_settings().db();
        Self::new(Source::Server(Box::new(client)), database, &[node])
    }

    pub(super) fn to_cluster(urls: &[&str]) -> RedisResult<Self> {
        let nodes = urls.iter().map(|url| url.into_connection_info());
        let nodes = nodes.collect::<RedisResult<Vec<_>>>()?;
        let client = ClusterClient::builder(nodes.iter().cloned())
            .tcp_settings(tcp_settings())
            .connection_timeout(CONNECT_TIMEOUT)
            .response_timeout(RESPONSE_TIMEOUT)
            .min_retry_wait(SHORTEST_RETRY_WAIT)
            .max_retry_wait(LONGEST_RETRY_WAIT)
            .build()?;
        let node = nodes.first().cloned().ok_or((ErrorKind::InvalidClientConfig, "no node"))?;
        Ok(Self::new(Source::Cluster(Box::new((client, node))), 0, &nodes))
    }

    fn new(source: Source, database: i64, nodes: &[ConnectionInfo]) -> Self {
        #[cfg(not(feature = "redis-tls"))]
        let _ = nodes;
        Self(Arc::new(Inner {
            source,
            database,
            #[cfg(feature = "redis-tls")]
            tls: nodes.iter().any(|node| matches!(node.addr(), ConnectionAddr::TcpTls { .. })),
            current: Mutex::default(),
            renewed_at: Mutex::default(),
        }))
    }

    fn of_application(connection: Connection, database: i64) -> Self {
        let connector = Self::new(Source::Application, database, &[]);
        connector.0.install(connection);
        connector
    }

    /// Sends a command that may be repeated without harm.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let until = Instant::now() + CALL_TIMEOUT;
        let cell = self.cell();
        // The connection to a server has a shorter timeout of its own, and one timer is enough.
        let has_timeout = cell.initialized() && matches!(self.0.source, Source::Server(_));
        let first = self.attempt(cell, command);
        let result = if has_timeout { first.await } else { within(until, first).await };
        match result {
            // The connection broke since the last call, or its server has become a replica.
            Err(error) if error.is_connection_dropped() || is_read_only(&error) => {
                within(until, self.attempt(self.cell(), command)).await
            }
            result => result,
        }
    }

    fn cell(&self) -> Arc<OnceCell<Connection>> {
        Arc::clone(&lock(&self.0.current))
    }

    async fn attempt(&self, cell: Arc<OnceCell<Connection>>, command: &Cmd) -> RedisResult<Value> {
        let result = match cell.get_or_try_init(|| self.0.connect()).await {
            Ok(connection) => connection.clone().send(command).await,
            Err(error) => Err(error),
        };
        if result.as_ref().is_err_and(is_broken) && cell.initialized() {
            match &self.0.source {
                Source::Server(_) => self.disconnect(&cell),
                Source::Cluster(_) => self.renew(),
                Source::Application => {}
            }
        }
        result
    }

    /// The database of the server.
    pub(super) fn database(&self) -> i64 {
        self.0.database
    }

    pub(super) fn is_cluster(&self) -> bool {
        matches!(self.0.source, Source::Cluster(_))
    }

    /// The masters of the cluster.
    pub(super) async fn masters(&self) -> RedisResult<Vec<Master>> {
        let mut slots = redis::cmd("CLUSTER");
        slots.arg("SLOTS");
        Master::all_of(self.send(&slots).await?)
    }

    /// The messages of some channels, from when this returns until the connection breaks. It is a
    /// separate connection, to the server or to one node of the cluster.
    pub(super) async fn subscribe(
        &self,
        node: Option<&Master>,
        channels: &[&str],
    ) -> RedisResult<PubSubStream> {
        let subscription = async {
            let mut subscription = self.client(node)?.get_async_pubsub().await?;
            subscription.subscribe(channels).await?;
            Ok(subscription.into_on_message())
        };
        within(Instant::now() + CALL_TIMEOUT, subscription).await
    }

    /// A separate connection to one node of the cluster.
    pub(super) async fn connect_to(&self, node: &Master) -> RedisResult<MultiplexedConnection> {
        let client = self.client(Some(node))?;
        client.get_multiplexed_async_connection_with_config(&timeouts()).await
    }

    fn client(&self, node: Option<&Master>) -> RedisResult<Client> {
        #[cfg(feature = "redis-tls")]
        if self.0.tls {
            install_crypto_provider();
        }
        match (&self.0.source, node) {
            (Source::Server(client), None) => Ok(Client::clone(client)),
            (Source::Cluster(cluster), Some(node)) => {
                Client::open(node.connection_info(&cluster.1))
            }
            _ => Err((ErrorKind::Client, "subscriptions require a store that was made from a URL")
                .into()),
        }
    }

    /// Makes the next call connect again, unless another one has done so.
    fn disconnect(&self, cell: &Arc<OnceCell<Connection>>) {
        let mut current = lock(&self.0.current);
        if Arc::ptr_eq(&current, cell) {
            *current = Arc::default();
        }
    }

    /// Connects to the cluster again. Meanwhile calls use the old connections: most nodes may be
    /// reachable, and redis-rs often restores the connections to the others.
    fn renew(&self) {
        let mut renewed_at = lock(&self.0.renewed_at);
        if renewed_at.is_some_and(|at| at.elapsed() < RENEWAL_INTERVAL) {
            return;
        }
        *renewed_at = Some(Instant::now());
        let inner = Arc::clone(&self.0);
        tokio::spawn(async move {
            if let Ok(connection) = inner.connect().await {
                inner.install(connection);
            }
        });
    }
}

impl Inner {
    fn install(&self, connection: Connection) {
        *lock(&self.current) = Arc::new(OnceCell::new_with(Some(connection)));
    }

    async fn connect(&self) -> RedisResult<Connection> {
        #[cfg(feature = "redis-tls")]
        if self.tls {
            install_crypto_provider();
        }
        match &self.source {
            Source::Server(client) => {
                let timeouts = timeouts();
                let connecting = client.get_multiplexed_async_connection_with_config(&timeouts);
                connecting.await.map(Connection::Server)
            }
            Source::Cluster(cluster) => {
                cluster.0.get_async_connection().await.map(Connection::Cluster)
            }
            Source::Application => {
                Err((ErrorKind::Client, "the connection of the application is closed").into())
            }
        }
    }
}

impl From<ConnectionManager> for Connector {
    fn from(manager: ConnectionManager) -> Self {
        let database = manager.get_db();
        Self::of_application(Connection::Manager(manager), database)
    }
}

impl From<ClusterConnection> for Connector {
    fn from(connection: ClusterConnection) -> Self {
        Self::of_application(Connection::Cluster(connection), 0)
    }
}

impl Connection {
    async fn send(mut self, command: &Cmd) -> RedisResult<Value> {
        match &mut self {
            Self::Server(connection) => command.query_async(connection).await,
            Self::Manager(connection) => command.query_async(connection).await,
            Self::Cluster(connection) => command.query_async(connection).await,
        }
    }
}

/// Installs a cryptography provider for rustls unless there is one. Without it, rustls panics when
/// other crates enable a second provider.
#[cfg(feature = "redis-tls")]
fn install_crypto_provider() {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    if CryptoProvider::get_default().is_none() {
        // An error means that another thread has just installed one.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

async fn within<T>(until: Instant, call: impl Future<Output = RedisResult<T>>) -> RedisResult<T> {
    match tokio::time::timeout_at(until, call).await {
        Ok(result) => result,
        Err(_) => Err(RedisError::from(io::Error::from(io::ErrorKind::TimedOut))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while the lock is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timeouts() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
}

fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    // Notices a node that vanished. For a single server the response timeout is enough.
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(CALL_TIMEOUT);
    settings
}

/// Whether another connection may succeed where this one failed.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || is_read_only(error)
}

/// Whether the server has become a replica. A new connection may lead to its successor.
fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        // Redis 6 wraps the errors of commands in scripts.
        || error.detail().is_some_and(|detail| detail.contains("READONLY"))
}
