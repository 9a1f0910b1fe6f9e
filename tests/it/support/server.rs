//! An example as a process, reached over a socket.

use std::{
    env,
    ffi::OsStr,
    io::{BufRead, BufReader, Read, Write},
    mem,
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, ExitStatus, Stdio},
    sync::{
        Arc, Mutex,
        mpsc::{self, Sender},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};

use super::reply::Reply;

/// How long a busy machine may take for any step.
const TIMEOUT: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    child: Child,
    address: String,
    output: Output,
}

/// What a process prints. It arrives over pipes, so a line may come after the response to the
/// request that caused it.
#[derive(Default)]
struct Output {
    printed: Arc<Mutex<String>>,
    readers: Vec<JoinHandle<()>>,
}

impl Server {
    /// Starts the example `name` and waits until it listens.
    pub(crate) fn start<V: AsRef<OsStr>>(name: &str, variables: &[(&str, V)]) -> Self {
        let (lines, listening) = mpsc::channel();
        let (child, output) = spawn(name, variables, lines);
        let mut server = Self { child, address: String::new(), output };
        let address = loop {
            let line = listening.recv_timeout(TIMEOUT).expect("it starts");
            if let Some(address) = line.strip_prefix("listening on http://") {
                break address.trim_end().to_owned();
            }
        };
        server.address = address;
        server
    }

    pub(crate) fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(TIMEOUT)).unwrap();
        stream.set_write_timeout(Some(TIMEOUT)).unwrap();
        stream
    }

    /// Sends `line`, `headers` and `body` on a new connection.
    pub(crate) fn send(&self, line: &str, headers: &str, body: &[u8]) -> Reply {
        send_on(self.connect(), line, headers, body).expect("a response")
    }

    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Sends the signal `name`, such as `TERM`.
    pub(crate) fn signal(&self, name: &str) {
        let kill = format!("kill -{name} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    /// Waits for the process to end. Panics after `limit`.
    pub(crate) fn wait(&mut self, limit: Duration) -> ExitStatus {
        wait(&mut self.child, limit)
    }

    /// Waits until the process has printed a line that `matches`. Returns what it has printed by then.
    pub(crate) fn await_line(&self, matches: impl Fn(&str) -> bool) -> String {
        let deadline = Instant::now() + TIMEOUT;
        loop {
            let printed = self.output.so_far();
            if printed.lines().any(&matches) {
                return printed;
            }
            assert!(Instant::now() < deadline, "no such line: {printed}");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends the process. Returns all that it has printed, to stdout and stderr.
    pub(crate) fn into_output(mut self) -> String {
        if self.child.try_wait().unwrap().is_none() {
            self.signal("TERM");
            self.wait(TIMEOUT);
        }
        mem::take(&mut self.output).into_string()
    }
}

impl Output {
    fn so_far(&self) -> String {
        self.printed.lock().unwrap().clone()
    }

    /// Everything that a process which has ended has printed.
    fn into_string(self) -> String {
        self.readers.into_iter().for_each(|reader| reader.join().unwrap());
        mem::take(&mut self.printed.lock().unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs the example `name` until it ends by itself. Panics after `limit`. Returns what it printed.
pub(crate) fn run(name: &str, variables: &[(&str, &str)], limit: Duration) -> (ExitStatus, String) {
    let (lines, _) = mpsc::channel();
    let (mut child, output) = spawn(name, variables, lines);
    let status = wait(&mut child, limit);
    (status, output.into_string())
}

fn spawn<V: AsRef<OsStr>>(
    name: &str,
    variables: &[(&str, V)],
    lines: Sender<String>,
) -> (Child, Output) {
    let mut command = Command::new(example(name));
    // The variables of the test run must not reach the example.
    command.env_clear();
    let command =
        command.env("RUST_LOG", "trace").envs(variables.iter().map(|(name, value)| (name, value)));
    let command = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let printed = Arc::default();
    let readers = vec![
        read_lines(child.stdout.take().unwrap(), &printed, lines.clone()),
        read_lines(child.stderr.take().unwrap(), &printed, lines),
    ];
    (child, Output { printed, readers })
}

/// The path at which cargo puts the example `name`, next to the directory of this test.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut path = env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    path.set_extension(env::consts::EXE_EXTENSION);
    assert!(path.exists(), "build it first: cargo build --example {name}");
    path
}

fn read_lines(
    stream: impl Read + Send + 'static,
    printed: &Arc<Mutex<String>>,
    lines: Sender<String>,
) -> JoinHandle<()> {
    let printed = Arc::clone(printed);
    thread::spawn(move || {
        for line in BufReader::new(stream).lines().map_while(Result::ok) {
            printed.lock().unwrap().push_str(&format!("{line}\n"));
            let _ = lines.send(line);
        }
    })
}

fn wait(child: &mut Child, limit: Duration) -> ExitStatus {
    let deadline = Instant::now() + limit;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status;
        }
        if Instant::now() > deadline {
            let _ = child.kill();
            let _ = child.wait();
            panic!("still running after {limit:?}");
        }
        thread::sleep(Duration::from_millis(10));
    }
}

/// Sends the last request of a connection. `None` unless a complete response arrives.
pub(crate) fn send_on(
    mut stream: TcpStream,
    line: &str,
    headers: &str,
    body: &[u8],
) -> Option<Reply> {
    let len = match headers.contains("transfer-encoding:") {
        true => String::new(),
        false => format!("content-length: {}\r\n", body.len()),
    };
    let head = format!("{line} HTTP/1.1\r\nhost: test\r\nconnection: close\r\n{len}{headers}\r\n");
    // The server may respond and close before it has read everything.
    let _ = stream.write_all(&[head.as_bytes(), body].concat());
    let bytes = read_to_end(stream);
    let reply = bytes.windows(4).any(|bytes| bytes == b"\r\n\r\n").then(|| parse_bytes(bytes))?;
    let content_length = reply.header("content-length").first().map(|len| len.parse().unwrap());
    let is_complete = |len: usize| reply.body.len() == len || line.starts_with("HEAD ");
    content_length.is_none_or(is_complete).then_some(reply)
}

/// Reads until the other side closes.
pub(crate) fn read_reply(stream: TcpStream) -> Reply {
    parse_bytes(read_to_end(stream))
}

fn read_to_end(mut stream: TcpStream) -> Vec<u8> {
    let mut bytes = Vec::new();
    // A connection reset after the response is fine.
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// Reads one response with a `content-length` and leaves the connection open.
pub(crate) fn read_kept_alive(stream: &mut TcpStream) -> Reply {
    let mut text = Vec::new();
    let mut byte = [0];
    loop {
        stream.read_exact(&mut byte).unwrap();
        text.extend(byte);
        if text.ends_with(b"\r\n\r\n") {
            break;
        }
    }
    let head = parse(str::from_utf8(&text).unwrap());
    let mut body = vec![0; head.header("content-length")[0].parse().unwrap()];
    stream.read_exact(&mut body).unwrap();
    Reply { body: String::from_utf8(body).unwrap(), ..head }
}

fn parse_bytes(bytes: Vec<u8>) -> Reply {
    parse(&String::from_utf8(bytes).unwrap())
}

fn parse(text: &str) -> Reply {
    let (head, body) = text.split_once("\r\n\r\n").expect("a response");
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap();
    let mut headers = HeaderMap::new();
    for line in lines {
        let (name, value) = line.split_once(':').unwrap();
        let name: HeaderName = name.parse().unwrap();
        headers.append(name, HeaderValue::from_str(value.trim()).unwrap());
    }
    Reply {
        status: StatusCode::from_bytes(status.as_bytes()).unwrap(),
        headers,
        body: body.to_owned(),
        error: None,
    }
}
