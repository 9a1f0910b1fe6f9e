//! The database server behind the copies.

use std::{error::Error, process::Command, thread, time::Duration};

use super::{postgres, redis::RedisServer};

pub(super) enum Database {
    Postgres(postgres::Server),
    Redis(RedisServer),
}

impl Database {
    pub(super) fn start(is_redis: bool) -> Result<Self, Box<dyn Error>> {
        if is_redis {
            // It writes each command to its log before it responds.
            return Ok(Self::Redis(RedisServer::start(&[])));
        }
        let server = postgres::Server::start().ok_or("PostgreSQL is not installed")?;
        Ok(Self::Postgres(server))
    }

    pub(super) fn url(&self) -> String {
        match self {
            Self::Postgres(server) => server.url(),
            Self::Redis(server) => server.url(),
        }
    }

    /// Kills the server, and starts it again after `pause`.
    pub(super) fn crash(&mut self, pause: Duration) {
        match self {
            Self::Postgres(server) => {
                server.kill();
                thread::sleep(pause);
                server.run();
            }
            Self::Redis(server) => {
                server.kill();
                thread::sleep(pause);
                server.restart();
            }
        }
    }

    /// Suspends the server for `pause`, with its connections open.
    pub(super) fn suspend(&self, pause: Duration) {
        let signal = |postgres, redis| match self {
            Self::Postgres(server) => server.signal(postgres),
            Self::Redis(server) => server.signal(redis),
        };
        signal("-STOP", "STOP");
        thread::sleep(pause);
        signal("-CONT", "CONT");
    }

    /// Closes all connections of clients.
    pub(super) fn cut_connections(&self) -> Result<(), Box<dyn Error>> {
        let mut command = match self {
            Self::Postgres(server) => {
                let mut command = Command::new("psql");
                command.arg(server.url()).args(["--quiet", "--output=/dev/null", "--command"]).arg(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                     WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()",
                );
                command
            }
            Self::Redis(server) => {
                let mut command = Command::new("redis-cli");
                command.args(["-p", &server.port().to_string()]);
                command.args(["client", "kill", "type", "normal", "skipme", "yes"]);
                command
            }
        };
        let output = command.output()?;
        if !output.status.success() {
            return Err(String::from_utf8_lossy(&output.stderr).into());
        }
        Ok(())
    }
}
