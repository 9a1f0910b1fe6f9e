//! The WebSocket, without a browser.

use std::{
    io::{Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::support::server::Server;

use super::{
    client::{Client, SAME_ORIGIN, obtain_tokens},
    databases, start,
};

/// The response to a handshake, and the connection.
struct Handshake {
    head: String,
    stream: TcpStream,
}

impl Handshake {
    fn send(server: &Server, headers: &str) -> Self {
        let mut stream = server.connect();
        let request = format!(
            "GET /ws HTTP/1.1\r\nhost: test\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
             {headers}\r\n"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let (mut head, mut byte) = (Vec::new(), [0]);
        while !head.ends_with(b"\r\n\r\n") {
            stream.read_exact(&mut byte).unwrap();
            head.extend(byte);
        }
        Self { head: String::from_utf8(head).unwrap().to_ascii_lowercase(), stream }
    }

    fn status(&self) -> &str {
        &self.head[9..12]
    }

    /// The opcode and payload of the next short frame.
    fn frame(&mut self) -> (u8, Vec<u8>) {
        let mut head = [0; 2];
        self.stream.read_exact(&mut head).unwrap();
        let mut payload = vec![0; head[1].into()];
        self.stream.read_exact(&mut payload).unwrap();
        (head[0] & 0x0f, payload)
    }

    fn greeting(&mut self) -> Value {
        assert_eq!(self.status(), "101", "{}", self.head);
        let (opcode, payload) = self.frame();
        assert_eq!(opcode, 1);
        serde_json::from_slice(&payload).unwrap()
    }

    /// Asserts that the server closes the socket within two seconds, because the session has ended.
    fn assert_closes(mut self) {
        let began = Instant::now();
        let (opcode, payload) = self.frame();
        assert_eq!((opcode, &payload[..2]), (8, &4401_u16.to_be_bytes()[..]));
        assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());
        self.stream.read_to_end(&mut Vec::new()).unwrap();
    }
}

#[test]
fn opens_with_a_cookie_and_closes_at_every_copy() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let mut client = Client::logged_in(&servers[0]);
        let headers = format!("{}{SAME_ORIGIN}", client.cookie_header());
        let mut sockets: Vec<_> =
            servers.iter().map(|server| Handshake::send(server, &headers)).collect();
        for socket in &mut sockets {
            let user = &socket.greeting()["user"];
            assert!(user["id"].is_string() && user["username"] == "ada", "{user}");
        }
        assert_eq!(client.delete("/api/session/").status, 204);
        for socket in sockets {
            socket.assert_closes();
        }
        assert_eq!(Handshake::send(&servers[1], &headers).status(), "401");
    }
}

#[test]
fn opens_with_a_token_among_the_protocols() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[]);
    Client::new(&server).sign_up("ada");
    let (access, refresh) = obtain_tokens(&server, "ada");
    for protocols in [format!("bearer, {access}"), format!("bearer,{access}, chat")] {
        // No cookie, so any page may use its own token.
        let headers =
            format!("sec-fetch-site: cross-site\r\nsec-websocket-protocol: {protocols}\r\n");
        let mut socket = Handshake::send(&server, &headers);
        assert!(socket.head.contains("sec-websocket-protocol: bearer\r\n"), "{}", socket.head);
        assert!(!socket.head.contains(&access.to_ascii_lowercase()));
        assert_eq!(socket.greeting()["user"]["username"], "ada");
    }
    for protocols in [format!("bearer, {refresh}"), "bearer, x".to_owned(), "bearer".to_owned()] {
        let headers = format!("sec-websocket-protocol: {protocols}\r\n");
        let status = Handshake::send(&server, &headers).status().to_owned();
        assert!(["400", "401"].contains(&&*status), "{status} {protocols}");
    }
    assert!(!server.into_output().contains(&access), "the token is in the log");
}

#[test]
fn stays_open_after_the_access_token_has_expired() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[("ACCESS_LIFETIME", "2")]);
    let mut client = Client::logged_in(&server);
    let headers = format!("{}{SAME_ORIGIN}", client.cookie_header());
    let mut socket = Handshake::send(&server, &headers);
    socket.greeting();
    // Nothing arrives while the token expires and the session is checked again.
    socket.stream.set_read_timeout(Some(Duration::from_millis(3500))).unwrap();
    assert!(socket.stream.read(&mut [0]).is_err(), "the socket was closed");
    assert_eq!(client.delete("/api/session/").status, 204);
    socket.stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let (opcode, _) = socket.frame();
    assert_eq!(opcode, 8);
}

#[test]
fn rejects_other_origins_and_plain_requests() {
    let database = databases().next().unwrap();
    let server = start(&database.url, &[("PUBLIC_URL", "https://app.example")]);
    let mut client = Client::logged_in(&server);
    let cookies = client.cookie_header();
    for (headers, status) in [
        ("sec-fetch-site: same-origin\r\n", "101"),
        ("origin: https://app.example\r\n", "101"),
        ("sec-fetch-site: same-site\r\n", "403"),
        ("sec-fetch-site: cross-site\r\n", "403"),
        ("origin: https://evil.example\r\n", "403"),
        ("", "403"),
    ] {
        let socket = Handshake::send(&server, &format!("{cookies}{headers}"));
        assert_eq!(socket.status(), status, "{headers}");
    }
    assert_eq!(Handshake::send(&server, SAME_ORIGIN).status(), "401");
    let reply = client.get("/ws");
    assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (400, &json!("websocket_required")));
}
