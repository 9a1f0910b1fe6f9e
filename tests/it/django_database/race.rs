//! Processes that rotate the same token concurrently.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Child, ChildStdout, Command, Stdio},
};

use futures::future::join_all;
use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers};

use crate::support::{postgres::PASSWORD, session::at};

use super::schema::{Fixture, token};

/// The test that the worker processes run.
const WORKER: &str = "django_database::race::one_of_many_processes_wins_in_sqlite";
const URL: &str = "DJANGO_RACE_URL";
const ROUNDS: usize = 25;
const PROCESSES: usize = 4;
/// The number of concurrent calls of each process.
const CALLS: usize = 8;

#[tokio::test]
async fn one_of_many_processes_wins_in_sqlite() {
    if let Ok(url) = env::var(URL) {
        return work(&url).await;
    }
    race(&Fixture::sqlite().await).await;
}

#[tokio::test]
async fn one_of_many_processes_wins_in_postgres() {
    if let Some(fixture) = Fixture::postgres().await {
        race(&fixture).await;
    }
}

/// Rotates the token on each line, and prints the successors that won.
async fn work(url: &str) {
    let store = DjangoStore::new(DjangoUsers::new(DjangoDatabase::connect_lazy(url).unwrap()));
    store.ping().await.unwrap();
    println!("\ndone");
    for line in std::io::stdin().lines() {
        let old = line.unwrap();
        let calls = (0..CALLS).map(|call| {
            let (store, old) = (store.clone(), &old);
            async move {
                let successor = format!("{old} {} {call}", std::process::id());
                let (old, new) = (token(old, "7", 1000), token(&successor, "7", 2000));
                match store.rotate(&old, &new, at(5)).await {
                    Ok(true) => println!("won {successor}"),
                    Ok(false) => {}
                    Err(error) => println!("failed {error:?}"),
                }
            }
        });
        join_all(calls).await;
        println!("done");
    }
}

/// A process that rotates the token on each line, and prints the successors that won.
struct Worker(Child, BufReader<ChildStdout>);

impl Worker {
    fn start(command: &mut Command) -> Self {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self(child, output);
        assert!(worker.won().is_empty());
        worker
    }

    fn rust(url: &str) -> Self {
        let mut command = Command::new(env::current_exe().unwrap());
        command.args(["--exact", WORKER, "--nocapture"]).env(URL, url).stderr(Stdio::null());
        Self::start(&mut command)
    }

    fn rotate(&mut self, jti: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{jti}").unwrap();
    }

    fn won(&mut self) -> Vec<String> {
        let mut won = Vec::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "the process has exited");
            match line.trim_end().split_once(' ') {
                Some(("won", successor)) => won.push(successor.to_owned()),
                Some(("failed", error)) => panic!("{error}"),
                _ if line.trim_end() == "done" => return won,
                _ => {} // output of the test runner
            }
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

/// Django's own code for the same. It has no successor.
const DJANGO: &str = r#"
import json, os, sys
import django
from django.conf import settings

settings.configure(
    SECRET_KEY="not used, but long enough to be accepted",
    INSTALLED_APPS=[
        "django.contrib.contenttypes",
        "django.contrib.auth",
        "rest_framework_simplejwt.token_blacklist",
    ],
    DATABASES={"default": json.loads(os.environ["DJANGO_DATABASE"])},
    USE_TZ=True,
)
django.setup()

from datetime import datetime, timezone
from rest_framework_simplejwt.token_blacklist.models import BlacklistedToken, OutstandingToken

expires_at = datetime.fromtimestamp(1000, tz=timezone.utc)
OutstandingToken.objects.count()
print("done", flush=True)
for line in sys.stdin:
    jti = line.rstrip("\n")
    defaults = {"expires_at": expires_at, "token": "x"}
    outstanding, _ = OutstandingToken.objects.get_or_create(jti=jti, defaults=defaults)
    _, created = BlacklistedToken.objects.get_or_create(token=outstanding)
    if created:
        print("won by Django", flush=True)
    print("done", flush=True)
"#;

/// `None` if Python is not set up.
fn django(fixture: &Fixture) -> Option<Worker> {
    let Some(python) = env::var_os("TOWER_JWT_AUTH_PYTHON") else {
        eprintln!("without Django: TOWER_JWT_AUTH_PYTHON is not set (tests/run sets it)");
        return None;
    };
    let database = match fixture {
        Fixture::Sqlite(_) => serde_json::json!({
            "ENGINE": "django.db.backends.sqlite3",
            "NAME": fixture.file(),
            "OPTIONS": { "timeout": 30 },
        }),
        Fixture::Postgres(server, schema) => serde_json::json!({
            "ENGINE": "django.db.backends.postgresql",
            "NAME": "postgres",
            "USER": "postgres",
            "PASSWORD": PASSWORD,
            "HOST": server.socket().parent().map(Path::to_owned),
            "OPTIONS": { "options": format!("-c search_path={schema}") },
        }),
    };
    let mut command = Command::new(python);
    command.args(["-c", DJANGO]).env("DJANGO_DATABASE", database.to_string());
    Some(Worker::start(&mut command))
}

async fn race(fixture: &Fixture) {
    let mut workers: Vec<_> = (0..PROCESSES).map(|_| Worker::rust(&fixture.url())).collect();
    workers.extend(django(fixture));
    let store = fixture.store();
    for round in 0..ROUNDS {
        let jti = format!("round-{round}");
        // Tokens from before the app are not in the table.
        if round % 2 == 0 {
            store.outstand(&token(&jti, "7", 1000), at(1)).await.unwrap();
        }
        for worker in &mut workers {
            worker.rotate(&jti);
        }
        let won: Vec<_> = workers.iter_mut().flat_map(Worker::won).collect();
        assert_eq!(won.len(), 1, "{won:?}");
        assert!(store.is_blacklisted(&jti).await.unwrap());
        let successors =
            format!("SELECT jti FROM token_blacklist_outstandingtoken WHERE jti LIKE '{jti} %'");
        let successors = fixture.texts(&successors).await;
        let expected: Vec<_> = won.into_iter().filter(|won| won != "by Django").map(Some).collect();
        assert_eq!(successors, expected);
    }
}
