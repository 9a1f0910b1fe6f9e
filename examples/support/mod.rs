//! What the examples share: settings from the environment, and serving until told to stop.

use std::{
    env::{self, VarError},
    error::Error,
    io, iter,
    process::ExitCode,
    time::Duration,
};

use axum::Router;
use tokio::{
    net::TcpListener,
    runtime::Runtime,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};

/// Runs `server` to its end and tells what went wrong; the status to end with.
pub(crate) fn run(server: impl Future<Output = Result<(), Box<dyn Error>>>) -> ExitCode {
    let result = Runtime::new().map_err(Into::into).and_then(|runtime| {
        let result = runtime.block_on(server);
        // Calls that block, such as those of a resolver that does not answer, are not waited for.
        runtime.shutdown_background();
        result
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{}: {}", env!("CARGO_CRATE_NAME"), with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// What `error` says, and what it says of its causes.
pub(crate) fn with_causes(error: &(dyn Error + 'static)) -> String {
    let causes = iter::successors(Some(error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// The environment variable `name`, or `default` where it is not set.
pub(crate) fn setting(name: &str, default: &str) -> Result<String, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(default.to_owned()),
        value => value.map_err(|_| format!("{name} is not text")),
    }
}

/// Whether the environment variable `name` is 1 and not 0, its default.
#[allow(dead_code, reason = "not every example has switches")]
pub(crate) fn switch(name: &str) -> Result<bool, String> {
    match &*setting(name, "0")? {
        "0" => Ok(false),
        "1" => Ok(true),
        other => Err(format!("{name} {other:?} is neither 0 nor 1")),
    }
}

/// Serves `app` on `HOST` and `PORT` until SIGINT or SIGTERM, then gives open requests three
/// seconds.
pub(crate) async fn serve(app: Router) -> Result<(), Box<dyn Error>> {
    let host = setting("HOST", "127.0.0.1")?;
    let port = setting("PORT", "3000")?;
    let port: u16 = port.parse().map_err(|_| format!("PORT {port:?} is not a port number"))?;

    let stop = stop_signal()?;
    let listener = TcpListener::bind((&*host, port))
        .await
        .map_err(|error| format!("cannot listen on {host}:{port}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);

    let (stopping, stopped) = oneshot::channel();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async {
        stop.await;
        stopping.send(()).ok();
    });
    // Connections that are idle or do not finish their requests would keep it open for ever.
    let deadline = async {
        stopped.await.ok();
        sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = deadline => Ok(()),
    }
}

/// Waits for SIGINT or SIGTERM, which count from now on.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}
