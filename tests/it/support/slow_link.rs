//! A slow connection to a server, with a counter of responses.

use std::{
    io,
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, UnixStream, tcp, unix},
};

/// The delay of each response.
pub(crate) const DELAY: Duration = Duration::from_millis(60);

/// Listens on a port of `host` and forwards connections to `socket`. Returns the port and the
/// number of responses so far.
pub(crate) async fn listen(host: &str, socket: PathBuf) -> (u16, Arc<AtomicUsize>) {
    let responses = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&responses);
    let listener = TcpListener::bind((host, 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(forward_requests(from_client, to_server));
            tokio::spawn(forward_responses(from_server, to_client, Arc::clone(&count)));
        }
    });
    (port, responses)
}

async fn forward_requests(
    mut from: tcp::OwnedReadHalf,
    mut to: unix::OwnedWriteHalf,
) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn forward_responses(
    mut from: unix::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    responses: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut bytes = vec![0; 65536];
    loop {
        let len = from.read(&mut bytes).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        tokio::time::sleep(DELAY).await;
        responses.fetch_add(1, Ordering::SeqCst);
        to.write_all(&bytes[..len]).await?;
    }
}
