//! Several processes with one database.

use std::{
    env,
    io::{BufRead, BufReader, Write},
    process::{Child, ChildStdout, Command, Stdio},
};

use tokio::task::JoinSet;
use tower_jwt_auth::{
    totp::SqlTotpStore,
    user::{SecondFactor, SqlDatabase},
};

use crate::users::database::{Database, on_both_databases};

use super::{clock, code, enable, open, totp, user};

const WORKER: &str = "totp::processes::worker";
const URL: &str = "TOTP_WORKER_URL";

on_both_databases! {
    one_of_many_logins_in_two_processes_uses_a_code
}

/// The process of a [`Worker`]. Otherwise this does nothing.
#[tokio::test(flavor = "multi_thread")]
async fn worker() {
    let Ok(url) = env::var(URL) else { return };
    let database = SqlDatabase::connect_lazy(&url).unwrap();
    let totp = totp(SqlTotpStore::builder(database).build().unwrap(), &clock());
    assert!(totp.is_enabled(&user()).await.unwrap());
    println!("\nwon 0");
    for line in std::io::stdin().lines() {
        let code = line.unwrap();
        let mut tasks = JoinSet::new();
        for _ in 0..50 {
            let (totp, code) = (totp.clone(), code.clone());
            tasks.spawn(async move { totp.verify(&user(), &code).await.unwrap() });
        }
        let won = tasks.join_all().await.into_iter().filter(|won| *won).count();
        println!("won {won}");
    }
}

/// A process that uses the code in each line 50 times at once, and prints how often it was valid.
struct Worker(Child, BufReader<ChildStdout>);

impl Worker {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .args(["--exact", WORKER, "--nocapture"])
            .env(URL, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let mut worker = Self(child, output);
        assert_eq!(worker.won(), 0);
        worker
    }

    fn send(&mut self, code: &str) {
        writeln!(self.0.stdin.as_mut().unwrap(), "{code}").unwrap();
    }

    fn won(&mut self) -> usize {
        loop {
            let mut line = String::new();
            assert_ne!(self.1.read_line(&mut line).unwrap(), 0, "the process has exited");
            // Other lines are output of the test runner.
            if let Some(won) = line.strip_prefix("won ") {
                return won.trim_end().parse().unwrap();
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

async fn one_of_many_logins_in_two_processes_uses_a_code(database: Database) {
    let clock = clock();
    let (enrolment, recovery) = enable(&totp(open(&database), &clock), &clock).await;
    let url = database.url();
    let mut workers = [Worker::start(&url), Worker::start(&url)];
    let codes = [0, 1].map(|steps| code(enrolment.secret(), &clock, steps));
    for code in codes.iter().map(String::as_str).chain(recovery.iter().take(2)) {
        workers.iter_mut().for_each(|worker| worker.send(code));
        assert_eq!(workers.iter_mut().map(Worker::won).sum::<usize>(), 1, "{code}");
    }
}
