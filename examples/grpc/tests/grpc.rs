//! A gRPC client calls the example.

#![allow(clippy::unwrap_used)] // tests fail by panicking

use std::{
    io::{BufRead, BufReader},
    process::{Child, Command, Stdio},
    time::{Duration, SystemTime},
};

use serde::Serialize;
use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};
use tower_jwt_auth::{Issuer, ManualClock, NumericDate, SigningKey, issue::Tokens, user::User};

const SECRET: &str = "0123456789abcdef0123456789abcdef";

/// The example as a process.
struct Server {
    child: Child,
    url: String,
}

impl Server {
    fn start() -> Self {
        let mut child = command(SECRET).stdout(Stdio::piped()).spawn().unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let line = lines.next().unwrap().unwrap();
        Self { child, url: line.strip_prefix("listening on ").unwrap().to_owned() }
    }

    async fn connect(&self) -> HealthClient<Channel> {
        let endpoint = Channel::from_shared(self.url.clone()).unwrap();
        HealthClient::new(endpoint.connect().await.unwrap())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(secret: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_example-grpc"));
    command.env_clear().env("PORT", "0").env("JWT_SECRET", secret);
    command
}

#[derive(Clone, Serialize, serde::Deserialize)]
struct Profile {
    username: String,
}

/// The tokens of a login with `scope` at `time`.
async fn log_in(scope: &str, time: SystemTime) -> Tokens {
    let issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
        .claims::<Profile>()
        .clock(ManualClock::new(NumericDate::from(time)))
        .build()
        .unwrap();
    let user = User::new(1, Profile { username: "demo".to_owned() }).with_scopes([scope]);
    issuer.login(&user).await.unwrap()
}

async fn access(scope: &str) -> String {
    format!("Bearer {}", log_in(scope, SystemTime::now()).await.access())
}

fn request(authorization: &[&str]) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    for line in authorization {
        request.metadata_mut().append("authorization", line.parse().unwrap());
    }
    request
}

fn outcome(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

#[tokio::test(flavor = "multi_thread")]
async fn accepts_valid_tokens_with_the_required_scope() {
    let server = Server::start();
    let mut client = server.connect().await;
    let token = access("other").await;
    let response = client.check(request(&[&token])).await.unwrap();
    assert_eq!(response.metadata().get("greets").unwrap(), "demo");
    assert_eq!(response.into_inner().status(), ServingStatus::Serving);
    let status = client.watch(request(&[&token])).await.unwrap_err();
    assert_eq!(outcome(&status), (Code::PermissionDenied, "The token lacks a required scope."));

    let token = access("health:watch").await;
    let mut stream = client.watch(request(&[&token])).await.unwrap().into_inner();
    assert_eq!(stream.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
}

#[tokio::test(flavor = "multi_thread")]
async fn rejections_are_grpc_statuses() {
    let server = Server::start();
    let mut client = server.connect().await;
    let valid = access("health:watch").await;
    let hour_ago = SystemTime::now() - Duration::from_secs(3600);
    let expired = format!("Bearer {}", log_in("health:watch", hour_ago).await.access());
    let tokens = log_in("health:watch", SystemTime::now()).await;
    let refresh = format!("Bearer {}", tokens.refresh().unwrap());
    let missing = (Code::Unauthenticated, "Authentication credentials were not provided.");
    for (lines, expected, challenge) in [
        (&[][..], missing, Some("Bearer realm=\"api\"")),
        (&["Basic ZGVtbw=="], missing, Some("Bearer realm=\"api\"")),
        (&[&*expired], (Code::Unauthenticated, "The token has expired."), None),
        (&[&*refresh], (Code::Unauthenticated, "The token has the wrong type."), None),
        (&["Bearer x"], (Code::Unauthenticated, "The token is invalid."), None),
        (
            &[&*valid, &*valid],
            (Code::InvalidArgument, "The authentication credentials are malformed."),
            None,
        ),
    ] {
        let status = client.check(request(lines)).await.unwrap_err();
        assert_eq!(outcome(&status), expected, "{lines:?}");
        let received = status.metadata().get("www-authenticate").unwrap().to_str().unwrap();
        assert!(challenge.is_none_or(|challenge| challenge == received), "{received}");
        assert_eq!(outcome(&client.watch(request(lines)).await.unwrap_err()), expected);
    }
    assert!(client.check(request(&[&valid])).await.is_ok(), "the connection is still usable");
}

#[test]
fn configuration_errors_name_the_setting() {
    let output = command("short").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let message = String::from_utf8(output.stderr).unwrap();
    assert!(message.starts_with("grpc: JWT_SECRET: an HMAC secret must"), "{message}");
    assert!(!message.contains("short"), "{message}");
}
