//! The keys of all users.

use futures::{Stream, stream};
use redis::{Cmd, RedisResult, Value, aio::MultiplexedConnection};

use super::{super::error::StoreError, connector::Connector, reply::decode};

/// About how many keys Redis examines in one step.
const PAGE: usize = 500;

/// A connection to the server or node whose keys are read.
pub(super) trait Scanner: Clone + Send + Sync {
    fn send(&self, command: Cmd) -> impl Future<Output = RedisResult<Value>> + Send;
}

impl Scanner for Connector {
    async fn send(&self, command: Cmd) -> RedisResult<Value> {
        Connector::send(self, &command).await
    }
}

impl Scanner for MultiplexedConnection {
    async fn send(&self, command: Cmd) -> RedisResult<Value> {
        command.query_async(&mut self.clone()).await
    }
}

/// The hashes of one server or node whose key begins with `prefix`, in pages.
pub(super) fn scan<N: Scanner>(
    node: N,
    prefix: &str,
) -> impl Stream<Item = Result<Vec<String>, StoreError>> + Send + use<N> {
    let pattern = pattern(prefix);
    stream::try_unfold(Some(String::from("0")), move |cursor| {
        let (node, pattern) = (node.clone(), pattern.clone());
        async move {
            let Some(cursor) = cursor else { return Ok(None) };
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(pattern).arg("COUNT").arg(PAGE);
            scan.arg("TYPE").arg("hash");
            let (cursor, keys): (String, Vec<String>) = decode(node.send(scan).await)?;
            Ok(Some((keys, (cursor != "0").then_some(cursor))))
        }
    })
}

/// The pattern of all keys that begin with `prefix`.
fn pattern(prefix: &str) -> String {
    let mut pattern = String::with_capacity(prefix.len() + 8);
    for char in prefix.chars() {
        if matches!(char, '*' | '?' | '[' | ']' | '^' | '\\') {
            pattern.push('\\');
        }
        pattern.push(char);
    }
    pattern + "*"
}
