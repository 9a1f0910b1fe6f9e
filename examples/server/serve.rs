//! Serving until a signal ends the process.

use std::{error::Error, net::SocketAddr, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use crate::settings::setting;

/// Listens on `HOST` and `PORT`.
pub(crate) async fn listen() -> Result<TcpListener, String> {
    let (host, port) = (setting("HOST", "127.0.0.1")?, setting("PORT", "3000")?);
    let port: u16 = port.parse().map_err(|_| format!("PORT {port:?} is not a port number"))?;
    let listener = TcpListener::bind((&*host, port)).await;
    listener.map_err(|error| format!("cannot listen on {host}:{port}: {error}"))
}

/// Serves `app` until SIGINT or SIGTERM. Requests in flight then have three seconds to finish.
pub(crate) async fn serve(listener: TcpListener, app: Router) -> Result<(), Box<dyn Error>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    println!("listening on http://{}", listener.local_addr()?);

    let (stop, stopped) = oneshot::channel();
    // Limits on attempts need the address of the client.
    let app = app.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send(()).ok();
    });
    // Without this deadline, an idle connection would keep the process alive.
    let deadline = async {
        stopped.await.ok();
        sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = deadline => Ok(()),
    }
}
