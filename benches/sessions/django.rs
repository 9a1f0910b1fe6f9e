//! Django under gunicorn, with its sessions and with SimpleJWT.

use std::{env, error::Error, path::Path, process::Command, thread, time::Duration};

use crate::{
    postgres,
    process::Process,
    subject::{Credential, LOGIN_BODY, Store, Subject},
};

/// After which PostgreSQL has counted the statements of idle connections.
const STATISTICS_DELAY: Duration = Duration::from_secs(11);

pub(crate) fn subjects(postgres: &postgres::Server) -> Result<Vec<Subject>, Box<dyn Error>> {
    let url = postgres.url();
    let seeded = python(&url)?.args(["app.py", LOGIN_BODY]).status()?;
    if !seeded.success() {
        return Err("Django cannot create its tables".into());
    }
    let kinds = [
        ("Django, sessions", "/login", "POST /logout", Credential::Cookies, true),
        ("Django, SimpleJWT", "/api/token/", "", Credential::Bearer("access"), false),
    ];
    let subject = |(name, login_path, logout, credential, sees_logouts)| {
        Ok(Subject {
            name,
            processes: [start(&url)?, start(&url)?],
            login_path,
            logout,
            credential,
            store: Box::new(CountedPostgres { url: url.clone() }),
            sees_logouts,
        })
    };
    kinds.into_iter().map(subject).collect()
}

/// Two workers of four threads, on persistent connections.
fn start(url: &str) -> Result<Process, Box<dyn Error>> {
    let mut command = python(url)?;
    command.args(["-m", "gunicorn", "app:application", "--workers=2", "--threads=4"]);
    command.args(["--bind=127.0.0.1:0", "--keep-alive=60"]);
    Process::start(command, true)
}

fn python(url: &str) -> Result<Command, Box<dyn Error>> {
    let python = env::var_os("TOWER_JWT_AUTH_PYTHON").ok_or("TOWER_JWT_AUTH_PYTHON is not set")?;
    let mut command = Command::new(python);
    command
        .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../benches/sessions/django"))
        .env("DATABASE_URL", url)
        .env("PYTHONDONTWRITEBYTECODE", "1");
    Ok(command)
}

/// Outside of a transaction, each statement is one.
struct CountedPostgres {
    url: String,
}

impl Store for CountedPostgres {
    fn process_id(&self) -> Option<u32> {
        None
    }

    fn calls(&self, _: &Process) -> Result<u64, Box<dyn Error>> {
        thread::sleep(STATISTICS_DELAY);
        let query = "SELECT xact_commit FROM pg_stat_database WHERE datname = current_database()";
        let mut command = Command::new("psql");
        let output = command.arg(&self.url).args(["-At", "-c", query]).output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}
