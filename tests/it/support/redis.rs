//! Private Redis servers, each with its own folder and port. They end with the test.

use std::{
    env, fs,
    io::{BufRead, BufReader, ErrorKind, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{
        OnceLock,
        atomic::{AtomicU32, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use tower_jwt_auth::store::RedisStore;

/// Whether `redis-server` is installed. Without it the tests are skipped, unless
/// `TOWER_JWT_AUTH_SERVERS` is set.
pub(crate) fn is_installed() -> bool {
    static INSTALLED: OnceLock<bool> = OnceLock::new();
    *INSTALLED.get_or_init(|| {
        let missing = ["redis-server", "redis-cli"].into_iter().find(|program| {
            let version = Command::new(program).arg("--version").output();
            version.is_err_and(|error| error.kind() == ErrorKind::NotFound)
        });
        if let Some(program) = missing {
            let required = env::var_os("TOWER_JWT_AUTH_SERVERS").is_some();
            assert!(!required, "{program} is not installed");
            eprintln!("skipped: {program} is not installed");
        }
        missing.is_none()
    })
}

/// A server for all tests that do not change its state or settings.
pub(crate) fn shared() -> Option<&'static RedisServer> {
    static SERVER: OnceLock<RedisServer> = OnceLock::new();
    is_installed().then(|| SERVER.get_or_init(|| RedisServer::start(&[])))
}

/// The same for a cluster.
pub(crate) fn shared_cluster() -> Option<&'static RedisCluster> {
    static CLUSTER: OnceLock<RedisCluster> = OnceLock::new();
    is_installed().then(|| CLUSTER.get_or_init(RedisCluster::start))
}

/// A `redis-server`, killed when this is dropped or the test process ends.
pub(crate) struct RedisServer {
    port: u16,
    folder: PathBuf,
    options: Vec<String>,
    /// A shell, and the process id of the server. When a line is written to the shell, or this process
    /// ends, the shell kills the server, and removes the folder unless the line is not empty.
    running: Option<(Child, u32)>,
}

impl RedisServer {
    /// A server that loses nothing in a crash, with additional options.
    pub(crate) fn start(options: &[&str]) -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
            .join(format!("redis-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let options = options.iter().map(|&option| option.to_owned()).collect();
        let mut server = Self { port: free_port(), folder, options, running: None };
        server.restart();
        server
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn process_id(&self) -> u32 {
        self.running.as_ref().expect("the server is running").1
    }

    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}/", self.port)
    }

    /// A new store with its own connections.
    pub(crate) fn store(&self) -> RedisStore {
        RedisStore::connect_lazy(&self.url()).unwrap()
    }

    /// Starts the killed server again, with the data on disk.
    pub(crate) fn restart(&mut self) {
        const SCRIPT: &str = r#"
            redis-server "$@" >/dev/null &
            echo $!
            read keep
            kill -9 $!
            wait $! 2>&-
            [ "$keep" ] || rm -rf "$FOLDER"
        "#;
        assert!(self.running.is_none(), "the server is running");
        let mut shell = Command::new("sh")
            .args(["-c", SCRIPT, "sh", "--bind", "127.0.0.1", "--save", "", "--dir"])
            .arg(&self.folder)
            .args(["--port", &self.port.to_string()])
            .args(["--appendonly", "yes", "--appendfsync", "always"])
            .args(&self.options)
            .env("FOLDER", &self.folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(shell.stdout.take().unwrap()).read_line(&mut line).unwrap();
        self.running = Some((shell, line.trim().parse().unwrap()));
        let started = Instant::now();
        while !self.responds() {
            assert!(started.elapsed() < Duration::from_secs(20), "the server responds");
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Whether it has loaded its data and accepts commands, with a password or without.
    fn responds(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)) else {
            return false;
        };
        stream.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        let mut reply = [0; 5];
        stream.write_all(b"PING\r\n").is_ok()
            && stream.read_exact(&mut reply).is_ok()
            && matches!(&reply, b"+PONG" | b"-NOAU")
    }

    /// Sends a signal. After `STOP`, returns once the server is suspended.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.process_id();
        let status = Command::new("kill").args(["-s", name, &id.to_string()]).status().unwrap();
        assert!(status.success(), "the signal {name} is sent");
        let is_suspended = || {
            let ps = Command::new("ps").args(["-o", "stat=", "-p", &id.to_string()]).output();
            ps.unwrap().stdout.starts_with(b"T")
        };
        while name == "STOP" && !is_suspended() {
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Kills the server, and keeps the data on disk.
    pub(crate) fn kill(&mut self) {
        self.end("keep\n");
    }

    fn end(&mut self, line: &str) {
        let (mut shell, _) = self.running.take().expect("the server is running");
        shell.stdin.take().unwrap().write_all(line.as_bytes()).unwrap();
        shell.wait().unwrap();
    }

    /// Runs a command over a new connection.
    pub(crate) async fn run<T: redis::FromRedisValue>(&self, command: &str) -> T {
        let client = redis::Client::open(self.url()).unwrap();
        let mut connection = client.get_multiplexed_async_connection().await.unwrap();
        let mut words = command.split(' ');
        let mut command = redis::cmd(words.next().unwrap());
        for word in words {
            command.arg(word);
        }
        command.query_async(&mut connection).await.unwrap()
    }
}

impl Drop for RedisServer {
    fn drop(&mut self) {
        if self.running.is_some() {
            self.end("\n");
        } else {
            let _ = fs::remove_dir_all(&self.folder);
        }
    }
}

const CLUSTER_OPTIONS: [&str; 6] = [
    "--cluster-enabled",
    "yes",
    "--cluster-config-file",
    "nodes.conf",
    "--cluster-node-timeout",
    "2000",
];

/// Three masters without replicas.
pub(crate) struct RedisCluster(Vec<RedisServer>);

impl RedisCluster {
    pub(crate) fn start() -> Self {
        let nodes = [(); 3].map(|()| RedisServer::start(&CLUSTER_OPTIONS));
        let created = Command::new("redis-cli")
            .args(["--cluster", "create"])
            .args(nodes.iter().map(|node| format!("127.0.0.1:{}", node.port())))
            .arg("--cluster-yes")
            .output()
            .unwrap();
        assert!(created.status.success(), "{}", String::from_utf8_lossy(&created.stdout));
        let cluster = Self(nodes.into());
        cluster.settle();
        cluster
    }

    pub(crate) fn nodes(&mut self) -> &mut [RedisServer] {
        &mut self.0
    }

    pub(crate) fn urls(&self) -> Vec<String> {
        self.0.iter().map(RedisServer::url).collect()
    }

    pub(crate) fn store(&self) -> RedisStore {
        let urls = self.urls();
        RedisStore::connect_cluster_lazy(urls.iter().map(String::as_str)).unwrap()
    }

    /// Adds a fourth master, and moves some slots of the first one to it.
    pub(crate) fn grow(&mut self) {
        let node = RedisServer::start(&CLUSTER_OPTIONS);
        let first = format!("127.0.0.1:{}", self.0[0].port());
        let cluster = |arguments: &[&str]| {
            let command = Command::new("redis-cli").arg("--cluster").args(arguments).output();
            let output = command.unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        };
        cluster(&["add-node", &format!("127.0.0.1:{}", node.port()), &first]);
        let id = |port: u16| {
            let mut command = Command::new("redis-cli");
            command.args(["-p", &port.to_string(), "CLUSTER", "MYID"]);
            String::from_utf8(command.output().unwrap().stdout).unwrap().trim().to_owned()
        };
        let (from, to) = (id(self.0[0].port()), id(node.port()));
        self.0.push(node);
        // All nodes must know the new one first.
        let knows = |node: &RedisServer| {
            let mut command = Command::new("redis-cli");
            command.args(["-p", &node.port().to_string(), "CLUSTER", "NODES"]);
            String::from_utf8(command.output().unwrap().stdout).unwrap().contains(&to)
        };
        let started = Instant::now();
        while !self.0.iter().all(knows) {
            assert!(started.elapsed() < Duration::from_secs(20), "the nodes know each other");
            thread::sleep(Duration::from_millis(20));
        }
        thread::sleep(Duration::from_secs(1));
        let slots = ["--cluster-slots", "3000", "--cluster-yes"];
        let (from, to) = (["--cluster-from", &*from], ["--cluster-to", &*to]);
        cluster(&[&["reshard", &first][..], &from, &to, &slots].concat());
        self.settle();
    }

    /// Waits until every node reports that the cluster is complete.
    pub(crate) fn settle(&self) {
        let started = Instant::now();
        for node in &self.0 {
            let mut command = Command::new("redis-cli");
            command.args(["-p", &node.port().to_string(), "CLUSTER", "INFO"]);
            let is_complete = |reply: &[u8]| reply.starts_with(b"cluster_state:ok");
            while !is_complete(&command.output().unwrap().stdout) {
                assert!(started.elapsed() < Duration::from_secs(20), "the cluster is complete");
                thread::sleep(Duration::from_millis(20));
            }
        }
    }
}

/// A free port. A cluster node also uses the port 10 000 above it.
pub(crate) fn free_port() -> u16 {
    loop {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        if port < 55_000 {
            return port;
        }
    }
}
