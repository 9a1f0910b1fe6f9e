//! The copies of the example `server`.

use std::{
    env,
    error::Error,
    fs, io,
    net::{SocketAddr, TcpListener, TcpStream},
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::{Mutex, PoisonError},
    thread,
    time::{Duration, Instant},
};

use super::model::{ACCESS_LIFETIME, GRACE};

const PROGRAM: &str = "server";

pub(super) struct Copies([Copy; 2]);

/// A copy of the server, always at the same address.
pub(super) struct Copy {
    address: SocketAddr,
    store_url: String,
    process: Mutex<Child>,
}

impl Copies {
    pub(super) fn start(store_url: &str) -> Result<Self, Box<dyn Error>> {
        let copies = Self([Copy::start(store_url)?, Copy::start(store_url)?]);
        copies.all().iter().for_each(Copy::wait_until_ready);
        Ok(copies)
    }

    pub(super) const fn all(&self) -> &[Copy; 2] {
        &self.0
    }
}

impl Copy {
    fn start(store_url: &str) -> Result<Self, Box<dyn Error>> {
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let process = Mutex::new(spawn(address, store_url)?);
        Ok(Self { address, store_url: store_url.to_owned(), process })
    }

    pub(super) fn connect(&self) -> io::Result<TcpStream> {
        TcpStream::connect_timeout(&self.address, Duration::from_secs(1))
    }

    /// Kills the process, and starts another one after `pause`.
    pub(super) fn crash(&self, pause: Duration) -> io::Result<()> {
        let mut process = self.process.lock().unwrap_or_else(PoisonError::into_inner);
        process.kill()?;
        process.wait()?;
        thread::sleep(pause);
        *process = spawn(self.address, &self.store_url)?;
        drop(process);
        self.wait_until_ready();
        Ok(())
    }

    fn wait_until_ready(&self) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.connect().is_err() {
            assert!(Instant::now() < deadline, "the copy starts");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// The resident memory in kilobytes, and the number of open files.
    pub(super) fn footprint(&self) -> io::Result<(u64, usize)> {
        let id = self.process.lock().unwrap_or_else(PoisonError::into_inner).id();
        let status = fs::read_to_string(format!("/proc/{id}/status"))?;
        let memory = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let memory = memory.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok());
        Ok((memory.unwrap_or_default(), fs::read_dir(format!("/proc/{id}/fd"))?.count()))
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let process = self.process.get_mut().unwrap_or_else(PoisonError::into_inner);
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn spawn(address: SocketAddr, store_url: &str) -> io::Result<Child> {
    Command::new(program()?)
        .env_clear()
        .env("PORT", address.port().to_string())
        .env("JWT_SECRET", "a secret of the soak test, 32 bytes")
        .env("STORE_URL", store_url)
        .env("ACCESS_LIFETIME", ACCESS_LIFETIME.as_secs().to_string())
        .env("REUSE_GRACE", GRACE.as_secs().to_string())
        .env("CHECK_REVOKED", "1")
        .env("PURGE_INTERVAL", "10")
        .env("RUST_LOG", "off")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .spawn()
}

/// The example, next to the folder of this program.
fn program() -> io::Result<PathBuf> {
    let mut path = env::current_exe()?;
    path.pop();
    path.pop();
    path.push("examples");
    path.push(PROGRAM);
    Ok(path)
}
