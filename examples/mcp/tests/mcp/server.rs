//! The example as a process.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    process::{Child, Command, ExitStatus, Stdio},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use serde_json::Value;

pub(crate) struct Server {
    child: Child,
    /// What it printed, once it has ended.
    output: Option<JoinHandle<String>>,
    pub(crate) address: String,
    /// Its `RESOURCE`.
    pub(crate) resource: String,
}

/// A response, with its header names in lower case.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

pub(crate) fn command(variables: &[(&str, &str)]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-mcp"));
    command.env_clear().envs(variables.iter().copied());
    command
}

impl Server {
    /// Starts the example, which trusts `issuer`.
    pub(crate) fn start(issuer: &str) -> Self {
        Self::start_as("/mcp", issuer)
    }

    /// Starts the example as the resource with this path.
    pub(crate) fn start_as(path: &str, issuer: &str) -> Self {
        // Its own URL contains the port.
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let resource = format!("http://127.0.0.1:{port}{path}");
        let port = port.to_string();
        let variables = [
            ("PORT", &*port),
            ("RESOURCE", &resource),
            ("ISSUERS", issuer),
            ("ALLOW_HTTP", "1"),
            ("RUST_LOG", "trace"),
        ];
        let mut child = command(&variables).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let address = loop {
            let mut line = String::new();
            assert_ne!(stdout.read_line(&mut line).unwrap(), 0, "it listens");
            if let Some(address) = line.trim_end().strip_prefix("listening on http://") {
                break address.to_owned();
            }
        };
        // A process whose output nobody reads stops at some time.
        let output = thread::spawn(move || {
            let mut output = String::new();
            stdout.read_to_string(&mut output).unwrap();
            output
        });
        Self { child, output: Some(output), address, resource }
    }

    pub(crate) fn connect(&self) -> TcpStream {
        TcpStream::connect(&self.address).unwrap()
    }

    /// Sends a request with these header lines.
    pub(crate) fn send(&self, line: &str, headers: &str, body: &str) -> Reply {
        let host = if headers.contains("host:") { "" } else { "host: localhost\r\n" };
        let len = body.len();
        let head =
            format!("{line} HTTP/1.1\r\n{host}connection: close\r\ncontent-length: {len}\r\n");
        let mut stream = self.connect();
        // The server may respond before it has read everything.
        let _ = stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes());
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        Reply::parse(&String::from_utf8(bytes).unwrap())
    }

    /// Sends a message of the protocol.
    pub(crate) fn post(&self, token: &str, body: &str) -> Reply {
        self.post_with(token, "", body)
    }

    pub(crate) fn post_with(&self, token: &str, headers: &str, body: &str) -> Reply {
        let headers = format!(
            "authorization: Bearer {token}\r\ncontent-type: application/json\r\n\
             accept: application/json, text/event-stream\r\n{headers}"
        );
        self.send("POST /mcp", &headers, body)
    }

    /// Sends a signal, and returns how the process ended and what it printed.
    pub(crate) fn stop(mut self, signal: &str) -> (ExitStatus, String) {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill").args([&format!("-{signal}"), &id]).status().unwrap().success()
        );
        let started = Instant::now();
        let status = loop {
            match self.child.try_wait().unwrap() {
                Some(status) => break status,
                None => thread::sleep(Duration::from_millis(20)),
            }
            assert!(started.elapsed() < Duration::from_secs(5), "it ends within five seconds");
        };
        (status, self.output.take().unwrap().join().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Reply {
    fn parse(text: &str) -> Self {
        let (head, body) = text.split_once("\r\n\r\n").expect("a response");
        let mut lines = head.lines();
        let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
        let headers = lines.filter_map(|line| line.split_once(": "));
        let headers = headers.map(|(name, value)| (name.to_lowercase(), value.to_owned()));
        Self { status, headers: headers.collect(), body: body.to_owned() }
    }

    pub(crate) fn header(&self, name: &str) -> Vec<&str> {
        let found = self.headers.iter().filter(|(other, _)| other == name);
        found.map(|(_, value)| &**value).collect()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|_| panic!("{self:?}"))
    }

    /// The text that a tool returned.
    pub(crate) fn text(&self) -> String {
        let text = &self.json()["result"]["content"][0]["text"];
        text.as_str().unwrap_or_else(|| panic!("{self:?}")).to_owned()
    }

    /// Asserts the form of a rejection.
    pub(crate) fn assert_rejected(&self, status: u16, code: &str) {
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("content-type"), ["application/json"]);
        assert_eq!(self.json()["code"], code);
        assert!(self.json()["detail"].is_string());
    }
}
