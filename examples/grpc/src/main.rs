//! A gRPC service behind the same layer: the token is in the metadata, rejections are gRPC statuses.
//!
//! The service is the standard health service. `Check` accepts any valid token, `Watch` requires the
//! scope `health:watch`.
//!
//! ```sh
//! export JWT_SECRET=$(openssl rand -hex 32)
//! PORT=3001 cargo run --example quickstart &
//! cargo run --manifest-path examples/grpc/Cargo.toml
//! ```
//!
//! In another terminal:
//!
//! ```sh
//! ACCESS=$(curl -s http://127.0.0.1:3001/api/token/ \
//!   --json '{"username":"demo","password":"demo-password"}' \
//!   | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! CALL="--http2-prior-knowledge -H content-type:application/grpc -H te:trailers"
//! HEALTH=http://127.0.0.1:3000/grpc.health.v1.Health
//!
//! printf '\0\0\0\0\0' > /tmp/empty # a message without fields
//! curl -i $CALL $HEALTH/Check --data-binary @/tmp/empty
//! curl -i $CALL $HEALTH/Check --data-binary @/tmp/empty -H "Authorization: Bearer $ACCESS" -o -
//! curl -i $CALL $HEALTH/Watch --data-binary @/tmp/empty -H "Authorization: Bearer $ACCESS"
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `RUST_LOG` | `info` | what to log |
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | the address to listen on |
//! | `JWT_SECRET` | | the issuer's secret, at least 32 bytes |

use std::{env, error::Error, process::ExitCode, time::Duration};

use futures::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::oneshot,
    time::sleep,
};
use tonic::{Request, Response, Status, service::Routes};
use tonic_health::pb::{
    HealthCheckRequest, HealthCheckResponse,
    health_check_response::ServingStatus,
    health_server::{Health, HealthServer},
};
use tower_jwt_auth::{
    Algorithm, Claims, JwtAuthLayer, Verifier, VerifyingKey, rejection::GrpcRejection,
};

#[derive(Deserialize)]
struct Profile {
    username: String,
}

struct Service;

#[tonic::async_trait]
impl Health for Service {
    type WatchStream = BoxStream<'static, Result<HealthCheckResponse, Status>>;

    async fn check(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<HealthCheckResponse>, Status> {
        let claims = claims(&request)?;
        let mut response = Response::new(serving());
        if let Ok(username) = claims.username.parse() {
            response.metadata_mut().insert("greets", username);
        }
        Ok(response)
    }

    async fn watch(
        &self,
        request: Request<HealthCheckRequest>,
    ) -> Result<Response<Self::WatchStream>, Status> {
        let permitted = claims(&request)?.require_scope("health:watch");
        permitted.map_err(|error| Status::permission_denied(error.kind().detail()))?;
        Ok(Response::new(stream::iter([Ok(serving())]).chain(stream::pending()).boxed()))
    }
}

/// The claims that the layer has put into the request's extensions.
fn claims<T>(request: &Request<T>) -> Result<&Claims<Profile>, Status> {
    request.extensions().get().ok_or_else(|| Status::internal("there is no JwtAuthLayer"))
}

fn serving() -> HealthCheckResponse {
    HealthCheckResponse { status: ServingStatus::Serving.into() }
}

#[tokio::main]
async fn main() -> ExitCode {
    tracing_subscriber::fmt::init();
    if let Err(error) = run().await {
        eprintln!("grpc: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::SUCCESS
}

async fn run() -> Result<(), Box<dyn Error>> {
    let secret = env::var_os("JWT_SECRET").ok_or("JWT_SECRET is not set")?;
    let key = VerifyingKey::from_secret(Algorithm::HS256, secret.as_encoded_bytes())
        .map_err(|error| format!("JWT_SECRET: {error}"))?;
    let verifier = Verifier::builder(key).claims::<Profile>().build()?;
    let auth = JwtAuthLayer::new(verifier).with_rejection(GrpcRejection);
    let app = Routes::new(HealthServer::new(Service)).into_axum_router().layer(auth);

    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    let address = format!("{}:{}", setting("HOST", "127.0.0.1"), setting("PORT", "3000"));
    let listener = TcpListener::bind(&address).await;
    let listener = listener.map_err(|error| format!("HOST and PORT, {address}: {error}"))?;
    println!("listening on http://{}", listener.local_addr()?);

    let (stop, stopped) = oneshot::channel();
    let serving = axum::serve(listener, app).with_graceful_shutdown(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        stop.send(()).ok();
    });
    // Without this deadline, a client that watches would keep the process alive.
    let deadline = async {
        stopped.await.ok();
        sleep(Duration::from_secs(3)).await;
    };
    tokio::select! {
        result = serving => Ok(result?),
        () = deadline => Ok(()),
    }
}

fn setting(name: &str, default: &str) -> String {
    env::var_os(name).map_or(default.into(), |value| value.to_string_lossy().into_owned())
}
