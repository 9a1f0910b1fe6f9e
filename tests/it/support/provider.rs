//! A local key server that can misbehave.

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

/// How the server responds to a request.
#[derive(Clone)]
pub(crate) enum Response {
    /// Status, headers (each with its line end), body.
    Complete(u16, String, Vec<u8>),
    /// A complete response with this media type.
    Typed(&'static str, Vec<u8>),
    /// A body with an entity tag, or `304` if the request names that tag.
    Tagged(&'static str, Vec<u8>),
    /// Accepts the request and never responds.
    Stall,
    /// Valid headers, then one byte of this each second.
    Drip(Vec<u8>),
    /// Valid headers, then this without end.
    Endless(&'static str),
    /// Headers without end.
    EndlessHead,
    /// Closes the connection.
    HangUp,
}

impl Response {
    pub(crate) fn json(body: &Value) -> Self {
        Self::with_headers("", body)
    }

    pub(crate) fn with_headers(headers: &str, body: &Value) -> Self {
        Self::Complete(200, headers.to_owned(), body.to_string().into_bytes())
    }

    pub(crate) fn text(body: impl Into<Vec<u8>>) -> Self {
        Self::Complete(200, String::new(), body.into())
    }

    pub(crate) fn status(status: u16) -> Self {
        Self::Complete(status, String::new(), Vec::new())
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
    responses: Mutex<HashMap<String, Response>>,
    requests: Mutex<Vec<(String, String)>>,
    bodies: Mutex<Vec<String>>,
    /// Whether requests wait before they are served.
    held: Mutex<bool>,
    released: Condvar,
    stopped: AtomicBool,
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
                if served.stopped.load(Ordering::SeqCst) {
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

    /// The URL of the server, which is also its issuer identifier.
    pub(crate) fn issuer(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Serves requests for `path` with `response` from now on.
    pub(crate) fn respond(&self, path: &str, response: Response) {
        self.state.responses.lock().unwrap().insert(path.to_owned(), response);
    }

    /// Publishes these keys.
    pub(crate) fn publish(&self, keys: &[Value]) {
        self.respond(JWKS, Response::json(&json!({ "keys": keys })));
    }

    /// Publishes OpenID metadata that names the URL of the keys.
    pub(crate) fn publish_metadata(&self) {
        let metadata = json!({ "issuer": self.issuer(), "jwks_uri": self.url(JWKS) });
        self.respond(OPENID, Response::json(&metadata));
    }

    /// Makes requests wait until [`release`](Self::release).
    pub(crate) fn hold(&self) {
        *self.state.held.lock().unwrap() = true;
    }

    pub(crate) fn release(&self) {
        *self.state.held.lock().unwrap() = false;
        self.state.released.notify_all();
    }

    /// The number of requests for `path`.
    pub(crate) fn count(&self, path: &str) -> usize {
        self.state
            .requests
            .lock()
            .unwrap()
            .iter()
            .filter(|(requested, _)| requested == path)
            .count()
    }

    /// The paths of all requests, in order.
    pub(crate) fn requested_paths(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().iter().map(|(path, _)| path.clone()).collect()
    }

    /// The bodies of all requests.
    pub(crate) fn request_bodies(&self) -> Vec<String> {
        self.state.bodies.lock().unwrap().clone()
    }

    /// The request lines and headers of all requests.
    pub(crate) fn request_heads(&self) -> Vec<String> {
        self.state.requests.lock().unwrap().iter().map(|(_, head)| head.clone()).collect()
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        self.state.stopped.store(true, Ordering::SeqCst);
        self.release();
        // Wakes the listening thread, which frees the port.
        let _ = TcpStream::connect(self.address);
        let _ = self.listening.take().map(JoinHandle::join);
    }
}

/// Serves one request. A broken connection is ignored, because tests break it on purpose.
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
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
    let mut body = vec![0; length.map_or(0, |length| length.parse().unwrap())];
    if stream.read_exact(&mut body).is_err() {
        return;
    }
    state.bodies.lock().unwrap().push(String::from_utf8(body).unwrap());
    let path = head.split(' ').nth(1).unwrap().to_owned();
    state.requests.lock().unwrap().push((path.clone(), head.clone()));
    let held = state.held.lock().unwrap();
    drop(state.released.wait_while(held, |held| *held).unwrap());
    let response = state.responses.lock().unwrap().get(&path).cloned();
    let _ = write(&mut stream, response.unwrap_or(Response::status(404)), &head, &state.stopped);
}

fn write(
    stream: &mut TcpStream,
    response: Response,
    head: &str,
    stopped: &AtomicBool,
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
    match response {
        Response::Complete(status, headers, body) => {
            stream.write_all(&reply(status, &headers, &body))
        }
        Response::Typed(media_type, body) => {
            let len = body.len();
            let head = format!(
                "HTTP/1.1 200 X\r\ncontent-type: {media_type}\r\nconnection: close\r\n\
                 content-length: {len}\r\n\r\n"
            );
            stream.write_all(&[head.as_bytes(), &body].concat())
        }
        Response::Tagged(tag, body) => {
            let headers = format!("etag: {tag}\r\n");
            if head.contains(&format!("if-none-match: {tag}\r\n")) {
                stream.write_all(format!("HTTP/1.1 304 X\r\n{headers}\r\n").as_bytes())
            } else {
                stream.write_all(&reply(200, &headers, &body))
            }
        }
        Response::Stall => {
            while !stopped.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(100));
            }
            Ok(())
        }
        Response::Drip(body) => {
            stream.write_all(OPEN)?;
            for byte in body {
                stream.write_all(&[byte])?;
                thread::sleep(Duration::from_secs(1));
            }
            Ok(())
        }
        Response::Endless(text) => {
            stream.write_all(OPEN)?;
            while !stopped.load(Ordering::SeqCst) {
                stream.write_all(text.repeat(1000).as_bytes())?;
            }
            Ok(())
        }
        Response::EndlessHead => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n")?;
            while !stopped.load(Ordering::SeqCst) {
                stream.write_all(b"x-more: more\r\n")?;
            }
            Ok(())
        }
        Response::HangUp => Ok(()),
    }
}
