//! A Django project: its files, settings and server.

use std::{
    env, fs,
    io::{BufRead, BufReader, Write},
    net::TcpStream,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{LazyLock, mpsc},
    thread,
    time::Duration,
};

use serde_json::{Value, json};

use crate::support::{folder::Folder, reply::Reply, server::send_on};

/// The deadline on a busy machine.
const DEADLINE: Duration = Duration::from_secs(120);
/// The `SECRET_KEY` of both sides.
pub(crate) const SECRET_KEY: &str = "django-insecure: sixty bytes that every reader of this knows";
/// Few enough that a login is cheap.
pub(crate) const FEW_ITERATIONS: u32 = 1000;

/// The files with their names.
macro_rules! files {
    ($($name:literal)*) => {
        [$(($name, include_str!(concat!("project/", $name)))),*]
    };
}

const FILES: [(&str, &str); 6] =
    files!["gunicorn.conf.py" "hashers.py" "seed.py" "settings.py" "urls.py" "wsgi.py"];

/// The settings of a project.
#[derive(Clone)]
pub(crate) struct Settings {
    pub(crate) simple_jwt: Value,
    pub(crate) blacklist_app: bool,
    /// The value of Django's `DATABASES["default"]`.
    pub(crate) database: Value,
    pub(crate) password_iterations: u32,
    /// `TIME_ZONE`, if `USE_TZ` is off.
    pub(crate) local_zone: Option<&'static str>,
}

/// The Python with Django. `None` if it is not set up.
pub(crate) fn python() -> Option<PathBuf> {
    let python = env::var_os("TOWER_JWT_AUTH_PYTHON").map(PathBuf::from);
    if python.is_none() {
        eprintln!("skipped: TOWER_JWT_AUTH_PYTHON is not set (tests/run sets it)");
    }
    python
}

/// The folder with the files.
fn folder() -> &'static Path {
    static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
        let folder = Folder::of_the_process();
        for (name, text) in FILES {
            fs::write(folder.path().join(name), text).unwrap();
        }
        folder
    });
    FOLDER.path()
}

impl Settings {
    fn command(&self) -> Command {
        let mut command = Command::new(python().expect("checked before"));
        command
            .current_dir(folder())
            .env("SECRET_KEY", SECRET_KEY)
            .env("SIMPLE_JWT", self.simple_jwt.to_string())
            .env("TOKEN_BLACKLIST_APP", if self.blacklist_app { "1" } else { "0" })
            .env("DATABASES", json!({ "default": self.database }).to_string())
            .env("PASSWORD_ITERATIONS", self.password_iterations.to_string())
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .envs(self.local_zone.map(|zone| ("TIME_ZONE", zone)));
        command
    }

    /// Creates the tables of an empty database, and these users.
    pub(crate) fn seed(&self, users: &Value) {
        let output = self.command().arg("seed.py").arg(users.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

/// A project served by gunicorn.
pub(crate) struct Django {
    child: Child,
    address: String,
}

impl Django {
    /// One process with eight threads.
    pub(crate) fn start(settings: &Settings) -> Self {
        Self::start_with(settings, 1, 8)
    }

    pub(crate) fn start_with(settings: &Settings, workers: usize, threads: usize) -> Self {
        let mut command = settings.command();
        command.args(["-m", "gunicorn", "wsgi"]);
        command.arg(format!("--workers={workers}")).arg(format!("--threads={threads}"));
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        let (listening, address) = mpsc::channel();
        thread::spawn(move || {
            for line in stderr.lines().map_while(Result::ok) {
                if let Some((_, rest)) = line.split_once("Listening at: http://") {
                    let _ = listening.send(rest.split(' ').next().unwrap_or_default().to_owned());
                } else if !line.contains("[INFO]") {
                    // Shown if the test fails.
                    let _ = writeln!(std::io::stderr(), "{line}");
                }
            }
        });
        let address = address.recv_timeout(DEADLINE).expect("gunicorn starts");
        Self { child, address }
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    /// Sends a request on a new connection.
    pub(crate) fn send(&self, line: &str, headers: &str, body: &[u8]) -> Reply {
        send_on(self.connect(), line, headers, body).expect("a response")
    }

    /// Runs an action in Django, such as a password change.
    pub(crate) fn administer(&self, action: &str, arguments: &Value) -> Value {
        let body = json!({"action": action, "arguments": arguments}).to_string();
        let reply =
            self.send("POST /admin/", "content-type: application/json\r\n", body.as_bytes());
        assert_eq!(reply.status, 200, "{reply:?}");
        if reply.body.is_empty() { Value::Null } else { reply.json() }
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        // It exits at the end of its input.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
