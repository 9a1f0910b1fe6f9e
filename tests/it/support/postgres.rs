//! A private PostgreSQL server.

use std::{
    env, fs,
    io::{self, Write},
    os::unix::fs::{MetadataExt, chown},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::LazyLock,
    thread,
    time::{Duration, Instant},
};

use super::folder::Folder;

/// No output may contain it.
pub(crate) const PASSWORD: &str = "0pen-sesame";

/// A server for all tests that do not harm it; `None` if PostgreSQL is not installed.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: LazyLock<Option<Server>> = LazyLock::new(Server::start);
    SHARED.as_ref()
}

/// A server in a folder of its own, which listens on a socket there.
pub(crate) struct Server {
    folder: Folder,
    binaries: PathBuf,
    /// The user of the server if the user of this process is root, which PostgreSQL rejects.
    user: Option<(u32, u32)>,
    /// Stops the server and deletes the folder when this process ends, however it ends.
    keeper: Child,
}

impl Server {
    /// `None` if PostgreSQL is not installed. If servers are required, this is a failure.
    pub(crate) fn start() -> Option<Self> {
        let server = Self::create()?;
        server.initialize();
        server.run();
        Some(server)
    }

    fn create() -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(env::var_os("TOWER_JWT_AUTH_SERVERS").is_none(), "PostgreSQL is not installed");
            // The output of `eprintln!` is not shown for tests that pass.
            let _ = writeln!(io::stderr(), "PostgreSQL is not installed: its tests are skipped");
            return None;
        };
        let folder = Folder::new();
        let path = folder.path();
        let user = (fs::metadata(path).unwrap().uid() == 0).then(unprivileged);
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(path)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, binaries, user, keeper };
        server.hand_over(server.folder.path());
        Some(server)
    }

    fn initialize(&self) {
        let password = self.folder.path().join("password");
        fs::write(&password, PASSWORD).unwrap();
        let output = self
            .command("initdb")
            .args(["--username=postgres", "--auth=password", "--encoding=UTF8", "--no-sync"])
            .arg("--pwfile")
            .arg(password)
            .arg("--pgdata")
            .arg(self.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }

    /// Starts a server that replicates this one, by streaming.
    pub(crate) fn start_standby(&self) -> Self {
        let standby = Self::create().unwrap();
        let output = standby
            .command("pg_basebackup")
            .env("PGPASSWORD", PASSWORD)
            .args(["--username=postgres", "--write-recovery-conf", "--wal-method=stream"])
            .args(["--checkpoint=fast", "--no-sync"])
            .arg("--host")
            .arg(self.folder.path())
            .arg("--pgdata")
            .arg(standby.data())
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let _ = fs::remove_file(standby.data().join("postmaster.pid"));
        standby.run();
        standby
    }

    /// Starts the server, also again after it was killed, and waits until it is ready.
    pub(crate) fn run(&self) {
        let began = Instant::now();
        let mut postgres = self.spawn();
        let is_ready = |status: String| ["ready", "standby"].iter().any(|it| status.contains(it));
        while !self.status().is_some_and(is_ready) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.log());
            thread::sleep(Duration::from_millis(10));
            // It fails to start while processes of a killed server are left.
            if postgres.try_wait().unwrap().is_some() {
                postgres = self.spawn();
            }
        }
        thread::spawn(move || postgres.wait());
    }

    fn spawn(&self) -> Child {
        let log = fs::File::options().create(true).append(true).open(self.log_path()).unwrap();
        self.command("postgres")
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.folder.path())
            .args(["-c", "listen_addresses=", "-c", "max_connections=300", "-c", "fsync=off"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap()
    }

    /// Sends a signal to all processes of the server.
    pub(crate) fn signal(&self, signal: &str) {
        let main = self.main_process().expect("the server runs");
        // Stopped first, the main process starts no others.
        kill(&["-STOP", &main]);
        let list = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output().unwrap().stdout;
        let list = String::from_utf8(list).unwrap();
        let children = list.lines().filter_map(|line| {
            let mut ids = line.split_whitespace();
            let id = ids.next()?;
            (ids.next()? == main).then_some(id)
        });
        let arguments: Vec<_> = [signal].into_iter().chain(children).chain([&*main]).collect();
        // Some may have ended in the meantime.
        kill(&arguments);
    }

    /// Ends the server as a crash would.
    pub(crate) fn kill(&self) {
        let main = self.main_process().expect("the server runs");
        self.signal("-KILL");
        while kill(&["-0", &main]) {
            thread::sleep(Duration::from_millis(5));
        }
        fs::remove_file(self.data().join("postmaster.pid")).unwrap();
    }

    /// The URL of its database, to which parameters can be appended with `&`.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres:{PASSWORD}@localhost/postgres?host={folder}")
    }

    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.path().join(".s.PGSQL.5432")
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap()
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn status(&self) -> Option<String> {
        fs::read_to_string(self.data().join("postmaster.pid")).ok()
    }

    fn main_process(&self) -> Option<String> {
        self.status()?.lines().next().map(str::to_owned)
    }

    fn command(&self, program: &str) -> Command {
        self.unprivileged_command(&self.binaries.join(program))
    }

    /// Makes a folder and the files in it those of the user of the server.
    pub(crate) fn hand_over(&self, folder: &Path) {
        let Some((uid, gid)) = self.user else { return };
        let files = fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
        for path in files.chain([folder.to_owned()]) {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
    }

    /// A command that does not run as root.
    pub(crate) fn unprivileged_command(&self, program: &Path) -> Command {
        let Some((uid, gid)) = self.user else { return Command::new(program) };
        let mut command = Command::new("setpriv");
        command.args([format!("--reuid={uid}"), format!("--regid={gid}")]);
        command.arg("--clear-groups").arg(program);
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let _ = self.keeper.wait();
    }
}

const KEEPER: &str = r#"
    trap '' INT TERM
    read -r line
    server=$(head -n 1 "$1/data/postmaster.pid")
    kill -QUIT "$server" && kill -CONT "$server"
    for _ in 1 2 3 4 5 6 7 8 9 10; do
        kill -0 "$server" || break
        sleep 0.2
    done
    rm -rf "$1"
"#;

fn kill(arguments: &[&str]) -> bool {
    Command::new("kill").args(arguments).stderr(Stdio::null()).status().unwrap().success()
}

fn binaries() -> Option<PathBuf> {
    let on_path = env::var_os("PATH")?;
    let on_path: Vec<_> = env::split_paths(&on_path).collect();
    // Debian leaves all but the client off the path, in a folder for each version.
    let versions = Path::new("/usr/lib/postgresql").read_dir().into_iter().flatten();
    let mut versions: Vec<_> = versions.flatten().map(|entry| entry.path().join("bin")).collect();
    versions.sort();
    on_path.into_iter().chain(versions.into_iter().rev()).find(|folder| {
        ["initdb", "postgres", "pg_basebackup"].iter().all(|it| folder.join(it).exists())
    })
}

fn unprivileged() -> (u32, u32) {
    let id = |which, name| {
        let output = Command::new("id").args([which, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let ids = |name| Some((id("-u", name)?, id("-g", name)?));
    ids("postgres").or_else(|| ids("nobody")).expect("a user other than root")
}
