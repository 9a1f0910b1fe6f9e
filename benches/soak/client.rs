//! A small HTTP client with one connection to each copy.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::Duration,
};

use serde_json::Value;

use super::copy::Copies;

/// Longer than any response of a copy takes.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A complete response.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) body: Value,
}

pub(super) struct Client<'a> {
    copies: &'a Copies,
    connections: [Option<BufReader<TcpStream>>; 2],
}

impl<'a> Client<'a> {
    pub(super) const fn new(copies: &'a Copies) -> Self {
        Self { copies, connections: [None, None] }
    }

    /// Sends a request to the copy with the number `copy`. An error means that it may or may not have
    /// been processed.
    pub(super) fn send(
        &mut self,
        copy: usize,
        line: &str,
        access: Option<&str>,
        body: Option<&Value>,
    ) -> io::Result<Reply> {
        let mut connection = match self.connections[copy].take() {
            Some(connection) => connection,
            None => {
                let stream = self.copies.all()[copy].connect()?;
                stream.set_read_timeout(Some(TIMEOUT))?;
                stream.set_write_timeout(Some(TIMEOUT))?;
                stream.set_nodelay(true)?;
                BufReader::new(stream)
            }
        };
        let access = access.map(|token| format!("authorization: Bearer {token}\r\n"));
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = format!(
            "{line} HTTP/1.1\r\nhost: soak\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n{}\r\n{body}",
            body.len(),
            access.unwrap_or_default(),
        );
        connection.get_mut().write_all(request.as_bytes())?;
        let reply = read(&mut connection)?;
        self.connections[copy] = Some(connection);
        Ok(reply)
    }
}

fn read(connection: &mut BufReader<TcpStream>) -> io::Result<Reply> {
    let status = line(connection)?;
    let status = status.split(' ').nth(1).and_then(|status| status.parse().ok());
    let mut len = 0;
    loop {
        let header = line(connection)?.to_ascii_lowercase();
        if header.is_empty() {
            break;
        }
        if let Some(value) = header.strip_prefix("content-length:") {
            len = value.trim().parse().map_err(io::Error::other)?;
        }
    }
    let mut body = vec![0; len];
    connection.read_exact(&mut body)?;
    let status = status.ok_or_else(|| io::Error::other("no status"))?;
    Ok(Reply { status, body: serde_json::from_slice(&body).unwrap_or_default() })
}

fn line(connection: &mut BufReader<TcpStream>) -> io::Result<String> {
    let mut line = String::new();
    if connection.read_line(&mut line)? == 0 {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    Ok(line.trim_end().to_owned())
}
