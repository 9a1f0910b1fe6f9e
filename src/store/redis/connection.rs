//! The way to Redis: connected when first needed, and anew after it broke.

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

// Each is shorter than the deadline that callers set by default, so that it is known why there was
// no answer.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(1);
const RESPONSE_TIMEOUT: Duration = Duration::from_millis(1500);
const CALL_TIMEOUT: Duration = Duration::from_millis(1900);
/// How often the connections to a cluster are replaced at most.
const RENEWAL_INTERVAL: Duration = Duration::from_secs(1);

/// Sends commands over one connection, which all callers share.
///
/// This is not redis-rs' `ConnectionManager`, which answers the first call after an outage with
/// the error of its last try to connect, and stays with a server that has become a replica or that
/// no longer answers.
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
    /// The client, and how one of the nodes is reached.
    Cluster(Box<(ClusterClient, ConnectionInfo)>),
    /// The connection was given, and mends itself.
    Given,
}

#[derive(Clone)]
enum Connection {
    Server(MultiplexedConnection),
    Manager(ConnectionManager),
    Cluster(ClusterConnection),
}

impl Connector {
    pub(super) fn to_server(url: &str) -> RedisResult<Self> {
        Client::open(Self::node(url)?).map(Self::by)
    }

    /// How a server is reached.
    pub(super) fn node(url: &str) -> RedisResult<ConnectionInfo> {
        Ok(url.into_connection_info()?.set_tcp_settings(tcp_settings()))
    }

    pub(super) fn by(client: Client) -> Self {
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
            // In milliseconds; the default is to wait for more than a second before a second try.
            .min_retry_wait(10)
            .max_retry_wait(200)
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

    fn given(connection: Connection, database: i64) -> Self {
        let connector = Self::new(Source::Given, database, &[]);
        connector.0.install(connection);
        connector
    }

    /// Sends a command that does no harm when it arrives twice.
    pub(super) async fn send(&self, command: &Cmd) -> RedisResult<Value> {
        let until = Instant::now() + CALL_TIMEOUT;
        let cell = self.cell();
        // A server that is connected has its own, shorter timeout; two timers cost more than one.
        let has_timeout = cell.initialized() && matches!(self.0.source, Source::Server(_));
        let first = self.attempt(cell, command);
        let result = if has_timeout { first.await } else { in_time(until, first).await };
        match result {
            // The connection had broken since it was last used, or leads to a replica.
            Err(error) if error.is_connection_dropped() || is_read_only(&error) => {
                in_time(until, self.attempt(self.cell(), command)).await
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
                Source::Given => {}
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

    /// What is published in some channels from when this has returned, over a connection of its
    /// own to the server or to a node of the cluster, until that breaks.
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
        in_time(Instant::now() + CALL_TIMEOUT, subscription).await
    }

    /// A connection to one node of the cluster.
    pub(super) async fn connect_to(&self, node: &Master) -> RedisResult<MultiplexedConnection> {
        let client = self.client(Some(node))?;
        client.get_multiplexed_async_connection_with_config(&timeouts()).await
    }

    fn client(&self, node: Option<&Master>) -> RedisResult<Client> {
        #[cfg(feature = "redis-tls")]
        if self.0.tls {
            choose_cryptography();
        }
        match (&self.0.source, node) {
            (Source::Server(client), None) => Ok(Client::clone(client)),
            (Source::Cluster(cluster), Some(node)) => Client::open(node.by(&cluster.1)),
            _ => Err((ErrorKind::Client, "only what has a URL can be subscribed to").into()),
        }
    }

    /// Makes the next call connect anew, unless another one has seen to that.
    fn disconnect(&self, cell: &Arc<OnceCell<Connection>>) {
        let mut current = lock(&self.0.current);
        if Arc::ptr_eq(&current, cell) {
            *current = Arc::default();
        }
    }

    /// Connects to the cluster anew, while calls go on over the connections there are: most nodes
    /// may be well, and redis-rs mends the connections to the others, though not always.
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
            choose_cryptography();
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
            Source::Given => Err((ErrorKind::Client, "the connection is gone").into()),
        }
    }
}

impl From<ConnectionManager> for Connector {
    fn from(manager: ConnectionManager) -> Self {
        let database = manager.get_db();
        Self::given(Connection::Manager(manager), database)
    }
}

impl From<ClusterConnection> for Connector {
    fn from(connection: ClusterConnection) -> Self {
        Self::given(Connection::Cluster(connection), 0)
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

/// Says what rustls shall compute with, if nobody has. It chooses by itself where it has one choice
/// only, and panics where other crates have turned on another one.
#[cfg(feature = "redis-tls")]
fn choose_cryptography() {
    use rustls::crypto::{CryptoProvider, aws_lc_rs};

    if CryptoProvider::get_default().is_none() {
        // An error says that another thread was faster, which is as good.
        let _ = aws_lc_rs::default_provider().install_default();
    }
}

async fn in_time<T>(
    until: Instant,
    answer: impl Future<Output = RedisResult<T>>,
) -> RedisResult<T> {
    match tokio::time::timeout_at(until, answer).await {
        Ok(result) => result,
        Err(_) => Err(RedisError::from(io::Error::from(io::ErrorKind::TimedOut))),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    // Nothing panics while it is held.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn timeouts() -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(CONNECT_TIMEOUT))
        .set_response_timeout(Some(RESPONSE_TIMEOUT))
}

fn tcp_settings() -> TcpSettings {
    let settings = TcpSettings::default().set_nodelay(true);
    // A node that vanished without a word; of a single server the response timeout tells as much.
    #[cfg(target_os = "linux")]
    let settings = settings.set_user_timeout(CALL_TIMEOUT);
    settings
}

/// Whether the connection is of no use any more, for all that is known.
fn is_broken(error: &RedisError) -> bool {
    error.is_io_error() || error.is_unrecoverable_error() || is_read_only(error)
}

/// Whether the server has become a replica. A new connection may find the one that took its place.
fn is_read_only(error: &RedisError) -> bool {
    error.kind() == ErrorKind::Server(ServerErrorKind::ReadOnly)
        // Redis 6 wraps the errors of commands in scripts.
        || error.detail().is_some_and(|detail| detail.contains("READONLY"))
}
