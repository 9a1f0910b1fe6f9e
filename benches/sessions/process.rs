//! The process of a server.

use std::{
    env,
    error::Error,
    fs,
    io::{BufRead, BufReader, Write},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use crate::{reply::Reply, server::send_on};

/// Ticks of the clock in `/proc` in a second.
const TICKS: u64 = 100;

pub(crate) struct Process {
    child: Child,
    address: String,
}

impl Process {
    /// Starts a process, and waits for a line on stdout or stderr that contains `http://ADDRESS`.
    pub(crate) fn start(
        mut command: Command,
        prints_to_stderr: bool,
    ) -> Result<Self, Box<dyn Error>> {
        command.stdin(Stdio::null());
        let piped = Stdio::piped();
        if prints_to_stderr {
            command.stdout(Stdio::null()).stderr(piped);
        } else {
            command.stdout(piped);
        }
        let program = command.get_program().to_owned();
        let mut child =
            command.spawn().map_err(|error| format!("{}: {error}", program.display()))?;
        let output: Box<dyn BufRead + Send> = match child.stderr.take() {
            Some(stderr) => Box::new(BufReader::new(stderr)),
            None => Box::new(BufReader::new(child.stdout.take().ok_or("no output")?)),
        };
        let mut lines = output.lines();
        let address = loop {
            let line = lines.next().ok_or("the server has ended")??;
            if let Some((_, rest)) = line.split_once("http://") {
                break rest.split([' ', '/']).next().unwrap_or_default().to_owned();
            }
        };
        thread::spawn(move || {
            for line in lines.map_while(Result::ok).filter(|line| !line.contains("[INFO]")) {
                let _ = writeln!(std::io::stderr(), "{line}");
            }
        });
        Ok(Self { child, address })
    }

    /// This program again, with a variable.
    pub(crate) fn start_this(variables: &[(&str, &str)]) -> Result<Self, Box<dyn Error>> {
        let mut command = Command::new(env::current_exe()?);
        command.envs(variables.iter().copied());
        Self::start(command, false)
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    pub(crate) fn send(
        &self,
        line: &str,
        headers: &str,
        body: &str,
    ) -> Result<Reply, Box<dyn Error>> {
        let stream = std::net::TcpStream::connect(&self.address)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(send_on(stream, line, headers, body.as_bytes()).ok_or("no response")?)
    }

    /// The CPU time of the process and of its children.
    pub(crate) fn cpu_time(&self) -> Result<Duration, Box<dyn Error>> {
        cpu_time(self.child.id())
    }
}

/// The CPU time of a process and of its children.
pub(crate) fn cpu_time(id: u32) -> Result<Duration, Box<dyn Error>> {
    let mut ticks = 0;
    for entry in fs::read_dir("/proc")? {
        let Ok(stat) = fs::read_to_string(entry?.path().join("stat")) else { continue };
        // The name of the program may contain blanks.
        let Some((head, tail)) = stat.rsplit_once(") ") else { continue };
        let fields: Vec<&str> = tail.split(' ').collect();
        let is_of = |field: &str| field.parse() == Ok(id);
        if is_of(head.split(' ').next().unwrap_or_default()) || is_of(fields[1]) {
            ticks += fields[11].parse::<u64>()? + fields[12].parse::<u64>()?;
        }
    }
    Ok(Duration::from_millis(ticks * 1000 / TICKS))
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
