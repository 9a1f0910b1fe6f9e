//! A key server on this machine, as hostile as told.

use std::{
    collections::HashMap,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::{
        Arc, Condvar, Mutex,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::Duration,
};

use serde_json::{Value, json};

pub(crate) const JWKS: &str = "/jwks";
pub(crate) const OPENID: &str = "/.well-known/openid-configuration";
pub(crate) const OAUTH: &str = "/.well-known/oauth-authorization-server";

/// What a request is answered with.
#[derive(Clone)]
pub(crate) enum Answer {
    /// Status, headers (each with its line end), body.
    Reply(u16, String, Vec<u8>),
    /// The same, but `304` for who knows the entity tag.
    Tagged(&'static str, Vec<u8>),
    /// Nothing, ever.
    Stall,
    /// A good head and then a byte of this each second.
    Drip(Vec<u8>),
    /// A good head and then this again and again.
    Endless(&'static str),
    /// Headers again and again.
    EndlessHead,
    /// The connection is closed.
    HangUp,
}

impl Answer {
    pub(crate) fn json(body: &Value) -> Self {
        Self::with_headers("", body)
    }

    pub(crate) fn with_headers(headers: &str, body: &Value) -> Self {
        Self::Reply(200, headers.to_owned(), body.to_string().into_bytes())
    }

    pub(crate) fn text(body: impl Into<Vec<u8>>) -> Self {
        Self::Reply(200, String::new(), body.into())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Reply(status, String::new(), Vec::new())
    }
}

/// Serves until it is dropped.
pub(crate) struct Provider {
    address: SocketAddr,
    state: Arc<State>,
    listening: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct State {
    answers: Mutex<HashMap<String, Answer>>,
    requests: Mutex<Vec<(String, String)>>,
    /// Whether requests wait before they are answered.
    held: Mutex<bool>,
    released: Condvar,
    over: AtomicBool,
}

impl Provider {
    pub(crate) fn start() -> Self {
        Self::start_on(0)
    }

    /// Starts on a port of this machine.
    pub(crate) fn start_on(port: u16) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let address = listener.local_addr().unwrap();
        let state: Arc<State> = Arc::default();
        let served = Arc::clone(&state);
        let listening = thread::spawn(move || {
            for stream in listener.incoming() {
                if served.over.load(Ordering::SeqCst) {
                    break;
                }
                let state = Arc::clone(&served);
                thread::spawn(move || serve(stream.unwrap(), &state));
            }
        });
        Self { address, state, listening: Some(listening) }
    }

    pub(crate) fn port(&self) -> u16 {
        self.address.port()
    }

    /// Its URL, which is its name as an issuer, too.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Answers requests for `path` like this from now on.
    pub(crate) fn answer(&self, path: &str, answer: Answer) {
        self.state.answers.lock().unwrap().insert(path.to_owned(), answer);
    }

    /// Publishes these keys.
    pub(crate) fn publish(&self, keys: &[Value]) {
        self.answer(JWKS, Answer::json(&json!({ "keys": keys })));
    }

    /// Tells where the keys are, as OpenID providers do.
    pub(crate) fn describe(&self) {
        let metadata = json!({ "issuer": self.issuer(), "jwks_uri": self.url(JWKS) });
        self.answer(OPENID, Answer::json(&metadata));
    }

    /// Lets requests wait until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        *self.state.held.lock().unwrap() = true;
    }

    pub(crate) fn release(&self) {
        *self.state.held.lock().unwrap() = false;
        self.state.released.notify_all();
    }

    /// How often `path` was asked for.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.state.requests.lock().unwrap().iter().filter(|(asked, _)| asked == path).count()
    }

    /// The paths that were asked for, in order.
    pub(crate) fn paths(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// The heads of all requests.
    pub(crate) fn heads(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().iter().map(|(_, head)| head.clone()).collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the thread that listens, which frees the port.
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// Answers one request; broken connections are the business of the other side.
fn serve(mut stream: TcpStream, state: &State) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            _ => return,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let path = head.split(' ').nth(1).unwrap().to_owned();
    state.requests.lock().unwrap().push((path.clone(), head.clone()));
    let held = state.held.lock().unwrap();
    drop(state.released.wait_while(held, |held| *held).unwrap());
    let answer = state.answers.lock().unwrap().get(&path).cloned();
    let _ = write(&mut stream, answer.unwrap_or(Answer::status(404)), &head, &state.over);
}

fn write(
    stream: &mut TcpStream,
    answer: Answer,
    head: &str,
    over: &AtomicBool,
) -> std::io::Result<()> {
    let reply = |status: u16, headers: &str, body: &[u8]| {
        let len = body.len();
        let head = format!(
            "HTTP/1.1 {status} X\r\ncontent-type: application/json\r\nconnection: close\r\n\
             content-length: {len}\r\n{headers}\r\n"
        );
        [head.as_bytes(), body].concat()
    };
    const OPEN: &[u8] = b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n";
    match answer {
        Answer::Reply(status, headers, body) => stream.write_all(&reply(status, &headers, &body)),
        Answer::Tagged(tag, body) => {
            let headers = format!("etag: {tag}\r\n");
            if head.contains(&format!("if-none-match: {tag}\r\n")) {
                stream.write_all(format!("HTTP/1.1 304 X\r\n{headers}\r\n").as_bytes())
            } else {
                stream.write_all(&reply(200, &headers, &body))
            }
        }
        Answer::Stall => {
            while !over.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
        Answer::Drip(body) => {
            stream.write_all(OPEN)?;
            for byte in body {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
        Answer::Endless(text) => {
            stream.write_all(OPEN)?;
            while !over.load(Ordering::SeqCst) {
                stream.write_all(text.repeat(1000).as_bytes())?;
            }
            Ok(())
        }
        Answer::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            while !over.load(Ordering::SeqCst) {
                stream.write_all(b"x-more: more\r\n")?;
            }
            Ok(())
        }
        Answer::HangUp => Ok(()),
    }
}
