//! Serves the application until a signal ends it.

use std::{error::Error, time::Duration};

use axum::Router;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

use crate::settings::setting;

/// Serves `app` on `HOST` and `PORT` until SIGINT or SIGTERM. Requests in flight then have three
/// seconds to finish.
pub(crate) async fn serve(app: Router) -> Result<(), Box<dyn Error>> {
    let host = setting("HOST")?.unwrap_or_else(|| "127.0.0.1".to_owned());
    let port = setting("PORT")?.unwrap_or_else(|| "3000".to_owned());
    let port: u16 = port.parse().map_err(|_| format!("PORT {port:?} is not a port number"))?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let listener = TcpListener::bind((&*host, port)).await;
    let listener = listener.map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);

    let (stop, stopped) = oneshot::channel();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send(()).ok();
    });
    // Without this deadline, an idle connection or an open event stream would keep the process alive.
    let deadline = async {
        stopped.await.ok();
        sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = deadline => Ok(()),
    }
}
