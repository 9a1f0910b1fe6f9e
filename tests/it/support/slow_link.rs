//! A long way to a server, on which round trips are counted.

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

/// How long an answer is on its way.
pub(crate) const DELAY: Duration = Duration::from_millis(60);

/// Listens on a port and forwards to the server's socket. Gives the port, and how many answers have
/// come back.
pub(crate) async fn listen(socket: PathBuf) -> (u16, Arc<AtomicUsize>) {
    let answers = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&answers);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = listener.accept().await {
            let server = UnixStream::connect(&socket).await.unwrap();
            let (from_client, to_client) = client.into_split();
            let (from_server, to_server) = server.into_split();
            tokio::spawn(there(from_client, to_server));
            tokio::spawn(back(from_server, to_client, Arc::clone(&count)));
        }
    });
    (port, answers)
}

async fn there(mut from: tcp::OwnedReadHalf, mut to: unix::OwnedWriteHalf) -> io::Result<()> {
    tokio::io::copy(&mut from, &mut to).await?;
    to.shutdown().await
}

async fn back(
    mut from: unix::OwnedReadHalf,
    mut to: tcp::OwnedWriteHalf,
    answers: Arc<AtomicUsize>,
) -> io::Result<()> {
    let mut bytes = vec![0; 65536];
    loop {
        let len = from.read(&mut bytes).await?;
        if len == 0 {
            return to.shutdown().await;
        }
        tokio::time::sleep(DELAY).await;
        answers.fetch_add(1, Ordering::SeqCst);
        to.write_all(&bytes[..len]).await?;
    }
}
