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

/// What must never show.
pub(crate) const PASSWORD: &str = "0pen-sesame";

/// A server for all tests that do it no harm; `None` where PostgreSQL is not installed.
pub(crate) fn shared() -> Option<&'static Server> {
    static SHARED: LazyLock<Option<Server>> = LazyLock::new(Server::start);
    SHARED.as_ref()
}

/// A server in a folder of its own, which listens on a socket there.
pub(crate) struct Server {
    folder: Folder,
    binaries: PathBuf,
    /// The user it runs as where this process' user is root, whom it refuses.
    user: Option<(u32, u32)>,
    /// Ends the server and deletes the folder when this process ends, however it does.
    keeper: Child,
}

impl Server {
    /// `None` where PostgreSQL is not installed; where servers were promised, that is a failure.
    pub(crate) fn start() -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(env::var_os("TOWER_JWT_AUTH_SERVERS").is_none(), "PostgreSQL is not installed");
            // Not by `eprintln!`, which is not shown for tests that pass.
            let _ = writeln!(io::stderr(), "PostgreSQL is not installed: its tests are skipped");
            return None;
        };
        let folder = Folder::new();
        let path = folder.path();
        let user = (fs::metadata(path).unwrap().uid() == 0).then(unprivileged);
        if let Some((uid, gid)) = user {
            chown(path, Some(uid), Some(gid)).unwrap();
        }
        let keeper = Command::new("sh")
            .args(["-c", KEEPER, "keeper"])
            .arg(path)
            .stdin(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { folder, binaries, user, keeper };
        server.initialize();
        server.run();
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

    /// Starts the server, again if need be, and waits until it is ready.
    pub(crate) fn run(&self) {
        let began = Instant::now();
        let mut postgres = self.spawn();
        while !self.status().is_some_and(|status| status.contains("ready")) {
            assert!(began.elapsed() < Duration::from_secs(60), "{}", self.log());
            thread::sleep(Duration::from_millis(10));
            // It does not start before all processes of the one that was killed are gone.
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
        // It stands still first, so that it makes no more of them.
        kill(&["-STOP", &main]);
        let list = Command::new("ps").args(["-e", "-o", "pid=,ppid="]).output().unwrap().stdout;
        let list = String::from_utf8(list).unwrap();
        let children = list.lines().filter_map(|line| {
            let mut ids = line.split_whitespace();
            let id = ids.next()?;
            (ids.next()? == main).then_some(id)
        });
        let arguments: Vec<_> = [signal].into_iter().chain(children).chain([&*main]).collect();
        // Some may have ended by themselves.
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

    /// The URL of its only database, without parameters: some may follow `&`.
    pub(crate) fn url(&self) -> String {
        let folder = self.folder.path().display();
        format!("postgres://postgres:{PASSWORD}@localhost/postgres?host={folder}")
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
        let program = self.binaries.join(program);
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
    on_path
        .into_iter()
        .chain(versions.into_iter().rev())
        .find(|folder| folder.join("initdb").exists() && folder.join("postgres").exists())
}

fn unprivileged() -> (u32, u32) {
    let id = |which, name| {
        let output = Command::new("id").args([which, name]).output().ok()?;
        String::from_utf8(output.stdout).ok()?.trim().parse().ok()
    };
    let ids = |name| Some((id("-u", name)?, id("-g", name)?));
    ids("postgres").or_else(|| ids("nobody")).expect("a user other than root")
}
