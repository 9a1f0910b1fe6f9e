//! A private PgBouncer in front of a PostgreSQL server.

use std::{
    env, fs,
    io::{self, Write},
    path::{Path, PathBuf},
    process::{Child, Stdio},
    thread,
    time::{Duration, Instant},
};

use super::{
    folder::Folder,
    postgres::{PASSWORD, Server},
};

/// How many connections to the server its clients share in transaction mode.
pub(crate) const SERVER_CONNECTIONS: usize = 4;

/// A pooler that listens on a socket in a folder of its own.
pub(crate) struct PgBouncer {
    folder: Folder,
    process: Child,
}

impl PgBouncer {
    /// `None` if PgBouncer is not installed. If servers are required, this is a failure.
    pub(crate) fn start(server: &Server, mode: &str, settings: &str) -> Option<Self> {
        let Some(program) = program() else {
            assert!(env::var_os("TOWER_JWT_AUTH_SERVERS").is_none(), "PgBouncer is not installed");
            // The output of `eprintln!` is not shown for tests that pass.
            let _ = writeln!(io::stderr(), "PgBouncer is not installed: its tests are skipped");
            return None;
        };
        let folder = Folder::new();
        let path = folder.path().display();
        // In session mode, each client has a connection of its own.
        let server_connections = if mode == "session" { 50 } else { SERVER_CONNECTIONS };
        let config = format!(
            "[databases]\n\
            postgres = host={} user=postgres password={PASSWORD}\n\
            [pgbouncer]\n\
            unix_socket_dir = {path}\n\
            listen_port = 6432\n\
            auth_type = any\n\
            logfile = {path}/log\n\
            max_client_conn = 500\n\
            default_pool_size = {server_connections}\n\
            pool_mode = {mode}\n\
            {settings}\n",
            server.folder().display(),
        );
        let file = folder.path().join("pgbouncer.ini");
        fs::write(&file, config).unwrap();
        server.hand_over(folder.path());
        // Its keeper stops it and deletes the folder when this process ends, however it ends.
        let process = server
            .unprivileged_command(Path::new("sh"))
            .args(["-c", KEEPER])
            .arg(program)
            .arg(file)
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let pooler = Self { folder, process };
        let began = Instant::now();
        while !pooler.folder.path().join(".s.PGSQL.6432").exists() {
            assert!(began.elapsed() < Duration::from_secs(20), "{}", pooler.log());
            thread::sleep(Duration::from_millis(10));
        }
        Some(pooler)
    }

    /// The URL of its database, to which parameters can be appended with `&`.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres@localhost/postgres?host={folder}&port=6432")
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }
}

impl Drop for PgBouncer {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}

const KEEPER: &str = r#"
    trap '' INT TERM
    "$0" -q "$1" &
    read -r line
    kill -KILL $!
    wait
    rm -rf "$2"
"#;

fn program() -> Option<PathBuf> {
    let folders = env::split_paths(&env::var_os("PATH")?).collect::<Vec<_>>();
    // Where Debian installs it, which is on the path of root only.
    let folders = folders.into_iter().chain(["/usr/sbin".into()]);
    folders.map(|folder| folder.join("pgbouncer")).find(|program| program.exists())
}
