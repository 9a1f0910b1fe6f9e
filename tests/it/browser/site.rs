//! A web site in the test process.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

/// A site on a port of its own, until it is dropped.
pub(super) struct Site {
    port: u16,
    runtime: Runtime,
}

impl Site {
    pub(super) fn start(app: Router) -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let listener = runtime.block_on(TcpListener::bind(address)).unwrap();
        let port = listener.local_addr().unwrap().port();
        runtime.spawn(async move { axum::serve(listener, app).await });
        Self { port, runtime }
    }

    pub(super) fn block_on<F: Future>(&self, future: F) -> F::Output {
        self.runtime.block_on(future)
    }

    /// A URL of this site. Other sites with the host `localhost` are same-site.
    pub(super) fn url(&self, path: &str) -> String {
        self.url_at("localhost", path)
    }

    /// A URL of this site at another host name.
    pub(super) fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }
}
