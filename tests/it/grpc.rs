//! The example `grpc`, called by a client of gRPC.

use std::time::Duration;

use tonic::{Code, Request, Status, transport::Channel};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use crate::support::{
    api::{assert_silent_about, now, signed},
    login::SECRET,
    server::{Server, run},
};

async fn connect(server: &Server) -> HealthClient<Channel> {
    let endpoint = Channel::from_shared(format!("http://{}", server.address())).unwrap();
    HealthClient::new(endpoint.connect().await.unwrap())
}

fn request(authorization: &[&str]) -> Request<HealthCheckRequest> {
    let mut request = Request::new(HealthCheckRequest::default());
    for line in authorization {
        request.metadata_mut().append("authorization", line.parse().unwrap());
    }
    request
}

fn start() -> Server {
    Server::start("grpc", &[("PORT", "0"), ("JWT_SECRET", SECRET)])
}

#[tokio::test(flavor = "multi_thread")]
async fn a_good_token_opens_what_its_scopes_allow() {
    let server = start();
    let mut client = connect(&server).await;
    let token = format!("Bearer {}", signed(&[]));
    let reply = client.check(request(&[&token])).await.unwrap();
    assert_eq!(reply.metadata().get("greets").unwrap(), "demo");
    assert_eq!(reply.into_inner().status(), ServingStatus::Serving);
    let status = client.watch(request(&[&token])).await.unwrap_err();
    assert_eq!(outcome(&status), (Code::PermissionDenied, "The token lacks a required scope."));

    let token = format!("Bearer {}", signed(&[("scope", r#""health:watch other""#)]));
    let mut watched = client.watch(request(&[&token])).await.unwrap().into_inner();
    assert_eq!(watched.message().await.unwrap().unwrap().status(), ServingStatus::Serving);
    assert_silent_about(&server, &[&token["Bearer ".len()..]]);
}

fn outcome(status: &Status) -> (Code, &str) {
    (status.code(), status.message())
}

#[tokio::test(flavor = "multi_thread")]
async fn refusals_are_statuses() {
    let server = start();
    let mut client = connect(&server).await;
    let good = format!("Bearer {}", signed(&[]));
    let expired = format!("Bearer {}", signed(&[("exp", &now().to_string())]));
    let refresh = format!("Bearer {}", signed(&[("token_type", r#""refresh""#)]));
    for (lines, expected, challenge) in [
        (
            &[][..],
            (Code::Unauthenticated, "Authentication credentials were not provided."),
            Some("Bearer realm=\"api\""),
        ),
        (
            &["Basic ZGVtbw=="],
            (Code::Unauthenticated, "Authentication credentials were not provided."),
            Some("Bearer realm=\"api\""),
        ),
        (&[&*expired], (Code::Unauthenticated, "The token has expired."), None),
        (&[&*refresh], (Code::Unauthenticated, "The token has the wrong type."), None),
        (&["Bearer x"], (Code::Unauthenticated, "The token is invalid."), None),
        (
            &[&*good, &*good],
            (Code::InvalidArgument, "The authentication credentials are malformed."),
            None,
        ),
    ] {
        let status = client.check(request(lines)).await.unwrap_err();
        assert_eq!(outcome(&status), expected, "{lines:?}");
        let told = status.metadata().get("www-authenticate").unwrap().to_str().unwrap();
        assert!(challenge.is_none_or(|challenge| challenge == told), "{told}");
        assert_eq!(outcome(&client.watch(request(lines)).await.unwrap_err()), expected);
    }
    assert!(client.check(request(&[&good])).await.is_ok(), "the connection goes on");
}

#[test]
fn it_tells_what_is_wrong_with_its_configuration() {
    let variables = [("PORT", "0"), ("JWT_SECRET", "short")];
    let (status, output) = run("grpc", &variables, Duration::from_secs(5));
    assert_eq!(status.code(), Some(1));
    assert!(output.starts_with("grpc: JWT_SECRET: an HMAC secret must have"), "{output}");
}
