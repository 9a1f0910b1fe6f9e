//! Calls whose response is lost are repeated, although they were carried out.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex},
};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream, UnixStream},
};
use tower_jwt_auth::user::{AccountBackend, AccountError, SqlDatabase, SqlUsers};

use crate::support::{
    postgres::{PASSWORD as SERVER_PASSWORD, Server},
    session::new_id,
};

use super::database::{PASSWORD, create, hasher};

/// A connection to a server that loses the response to one request: the next one with this text.
#[derive(Clone, Default)]
pub(crate) struct Link(Arc<Mutex<Option<String>>>);

impl Link {
    /// Loses the response to the next request that contains `text`.
    pub(crate) fn lose(&self, text: &str) {
        *self.0.lock().unwrap() = Some(text.to_owned());
    }

    /// Whether a response was lost.
    pub(crate) fn has_lost(&self) -> bool {
        self.0.lock().unwrap().is_none()
    }

    fn loses(&self, request: &[u8]) -> bool {
        let mut text = self.0.lock().unwrap();
        let is_lost = text.as_ref().is_some_and(|text| {
            request.windows(text.len()).any(|window| window == text.as_bytes())
        });
        if is_lost {
            *text = None;
        }
        is_lost
    }

    /// Returns the port where it listens.
    pub(crate) async fn listen(&self, socket: PathBuf) -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let link = self.clone();
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&socket).await.unwrap();
                let link = link.clone();
                tokio::spawn(async move { link.forward(client, server).await });
            }
        });
        port
    }

    /// Forwards requests, and their responses. The first one that it loses ends the connection.
    async fn forward(&self, mut client: TcpStream, mut server: UnixStream) -> std::io::Result<()> {
        let (mut request, mut response) = (vec![0; 65_536], vec![0; 65_536]);
        loop {
            tokio::select! {
                len = client.read(&mut request) => {
                    let request = &request[..len?];
                    if request.is_empty() {
                        return Ok(());
                    }
                    server.write_all(request).await?;
                    if self.loses(request) {
                        // The server is ready for the next request when it has committed this one.
                        let mut lost = Vec::new();
                        while !lost.ends_with(b"Z\0\0\0\x05I") {
                            let len = server.read(&mut response).await?;
                            lost.extend_from_slice(&response[..len]);
                        }
                        return Ok(());
                    }
                }
                len = server.read(&mut response) => match len? {
                    0 => return Ok(()),
                    len => client.write_all(&response[..len]).await?,
                },
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_call_has_the_same_outcome() {
    let Some(server) = Server::start() else { return };
    let link = Link::default();
    let port = link.listen(server.socket()).await;
    let url = format!("postgres://postgres:{SERVER_PASSWORD}@127.0.0.1:{port}/postgres");
    let database = SqlDatabase::connect_lazy(&format!("{url}?sslmode=disable")).unwrap();
    let users = SqlUsers::builder(database, hasher()).build().unwrap();
    users.migrate().await.unwrap();

    let name = format!("ada-{}", new_id());
    let email = format!("{name}@example.com");
    for (username, email) in [(None, Some("only@example.com")), (Some(&*name), Some(&*email))] {
        link.lose(&format!("'{}'", username.or(email).unwrap()));
        let created = create(&users, username, email).await.unwrap();
        assert!(link.has_lost());
        assert_eq!((created.username(), created.email()), (username, email));
    }
    let ada = users.account_by_username(&name).await.unwrap().unwrap();
    let id = ada.id();

    // The name of another account is still taken.
    link.lose("'only@example.com'");
    let taken = create(&users, "only@example.com", None).await.unwrap_err();
    assert!(matches!(taken, AccountError::Rejected(_)) && link.has_lost());

    let lose = || link.lose(id.as_str());
    lose();
    let renamed = users.set_username(id, "lovelace").await.unwrap().unwrap();
    assert!(renamed.username() == Some("lovelace") && link.has_lost());
    lose();
    let changed = users.set_email(id, "lovelace@example.com", false).await.unwrap().unwrap();
    assert!(changed.email() == Some("lovelace@example.com") && link.has_lost());
    lose();
    let verified = users.mark_verified(id, "lovelace@example.com").await.unwrap().unwrap();
    assert!(verified.is_verified() && link.has_lost());
    lose();
    let changed = users.set_password(&ada, "difference engine", None).await.unwrap().unwrap();
    assert!(changed.generation() != ada.generation() && link.has_lost());
    assert!(users.verify_password(id, PASSWORD).await.unwrap().is_none());
    lose();
    let inactive = users.set_active(id, false).await.unwrap().unwrap();
    assert!(!inactive.is_active() && link.has_lost());
    lose();
    users.delete(id).await.unwrap();
    assert!(link.has_lost());
    assert!(users.account(id).await.unwrap().is_none());
}
