//! A gRPC service behind the same layer: tokens in the metadata, refusals as gRPC statuses.
//!
//! The service is the standard health service, whose `Check` takes any good token and whose `Watch`
//! the scope `health:watch`.
//!
//! ```sh
//! export JWT_SECRET=$(openssl rand -hex 32)
//! PORT=3001 cargo run --example quickstart &
//! cargo run --example grpc
//! ```
//!
//! Then, in another shell:
//!
//! ```sh
//! ACCESS=$(curl -s localhost:3001/api/token/ -H 'content-type: application/json' \
//!   -d '{"username":"demo","password":"demo-password"}' | sed 's/.*"access":"\([^"]*\)".*/\1/')
//! CALL="--http2-prior-knowledge -H content-type:application/grpc -H te:trailers"
//! HEALTH=http://127.0.0.1:3000/grpc.health.v1.Health
//!
//! printf '\0\0\0\0\0' > /tmp/empty # a message without fields
//! curl -i $CALL $HEALTH/Check --data-binary @/tmp/empty
//! curl -i $CALL $HEALTH/Check --data-binary @/tmp/empty -H "authorization: Bearer $ACCESS" -o -
//! curl -i $CALL $HEALTH/Watch --data-binary @/tmp/empty -H "authorization: Bearer $ACCESS"
//! ```
//!
//! | variable | default | meaning |
//! |---|---|---|
//! | `HOST`, `PORT` | 127.0.0.1, 3000 | where it listens |
//! | `JWT_SECRET` | | at least 32 bytes, those of who issues the tokens |

mod support;

use std::{env, error::Error, process::ExitCode};

use futures::stream::{self, BoxStream, StreamExt};
use serde::Deserialize;
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
        permitted.map_err(|error| Status::permission_denied(error.detail()))?;
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

fn main() -> ExitCode {
    support::run(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let secret = env::var_os("JWT_SECRET").ok_or("JWT_SECRET is not set")?;
    let key = VerifyingKey::from_secret(Algorithm::HS256, secret.as_encoded_bytes())
        .map_err(|error| format!("JWT_SECRET: {error}"))?;
    let verifier = Verifier::builder(key).claims::<Profile>().build()?;
    let auth = JwtAuthLayer::new(verifier).with_rejection(GrpcRejection);

    let services = Routes::new(HealthServer::new(Service));
    support::serve(services.into_axum_router().layer(auth)).await
}
