//! axum-login with tower-sessions, as a program of its own: its stores need another version of SQLite
//! than this crate.

use std::{error::Error, path::Path, process::Command};

use crate::{
    folder::Folder,
    ours::CountedRedis,
    process::Process,
    redis::RedisServer,
    subject::{Credential, Store, Subject},
};

const PROGRAM: &str = "../benches/sessions/axum-login/target/release/axum-login-bench";

pub(crate) fn subjects(redis: &RedisServer) -> Result<Vec<Subject>, Box<dyn Error>> {
    let folder = Folder::new();
    let sqlite = format!("sqlite:{}", folder.path().join("sessions.db").display());
    Ok(vec![
        subject("axum-login, Redis", &redis.url(), Box::new(CountedRedis::new(redis)))?,
        subject("axum-login, SQLite", &sqlite, Box::new(CountedByServer { _folder: folder }))?,
    ])
}

fn subject(
    name: &'static str,
    store_url: &str,
    store: Box<dyn Store>,
) -> Result<Subject, Box<dyn Error>> {
    let start = || {
        let mut command = Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join(PROGRAM));
        command.env("STORE_URL", store_url);
        Process::start(command, false)
    };
    Ok(Subject {
        name,
        processes: [start()?, start()?],
        login_path: "/login",
        logout: "POST /logout",
        credential: Credential::Cookies,
        store,
        sees_logouts: true,
    })
}

/// SQLite is part of the server, which counts the calls.
struct CountedByServer {
    /// Kept until the server has ended.
    _folder: Folder,
}

impl Store for CountedByServer {
    fn process_id(&self) -> Option<u32> {
        None
    }

    fn calls(&self, server: &Process) -> Result<u64, Box<dyn Error>> {
        Ok(server.send("GET /calls", "", "")?.body.trim().parse()?)
    }
}
