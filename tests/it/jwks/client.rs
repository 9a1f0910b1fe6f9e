//! The limits on time, size and encoding also apply to a custom client.

use std::{error::Error, time::Duration};

use http::{Request, Response, StatusCode, header::CONTENT_ENCODING};
use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_jwt_auth::{
    http_client::HttpClient,
    jwks::{FetchErrorKind, RemoteKeys},
};

use crate::support::foreign::ForeignKey;

const ISSUER: &str = "https://login.example";
const KEYS: &str = "https://login.example/keys?of=all";

type SendResult = Result<Response<String>, Box<dyn Error + Send + Sync>>;

/// Responds after a delay.
struct Client<F>(Duration, F);

impl<F: Fn(&Request<Vec<u8>>) -> SendResult + Send + Sync + 'static> HttpClient for Client<F> {
    type Body = String;

    async fn send(&self, request: Request<Vec<u8>>) -> SendResult {
        sleep(self.0).await;
        (self.1)(&request)
    }
}

fn keys(respond: impl Fn(&Request<Vec<u8>>) -> SendResult + Send + Sync + 'static) -> RemoteKeys {
    RemoteKeys::from_url(KEYS).client(Client(Duration::ZERO, respond)).build().unwrap()
}

fn set() -> Response<String> {
    Response::new(json!({ "keys": [ForeignKey::generate("one").jwk()] }).to_string())
}

/// Keys found by discovery, from a server that takes `each` for every document.
fn slow(each: Duration) -> RemoteKeys {
    let client = Client(each, |request: &Request<Vec<u8>>| {
        Ok(match request.uri().path() {
            "/keys" => set(),
            _ => Response::new(json!({ "issuer": ISSUER, "jwks_uri": KEYS }).to_string()),
        })
    });
    RemoteKeys::from_issuer(ISSUER).client(client).build().unwrap()
}

#[tokio::test(start_paused = true)]
async fn one_deadline_covers_all_documents() {
    let start = Instant::now();
    assert!(slow(Duration::from_secs(2)).refresh().await.is_ok());
    let in_time = start.elapsed();
    assert!((4..5).contains(&in_time.as_secs()), "{in_time:?}");
    let start = Instant::now();
    let error = slow(Duration::from_secs(3)).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Timeout);
    let late = start.elapsed();
    assert!((5..6).contains(&late.as_secs()), "{late:?}");
}

#[tokio::test]
async fn its_responses_are_limited() {
    let rejected = async |respond: fn() -> SendResult| {
        let error = keys(move |_| respond()).refresh().await.unwrap_err();
        (error.kind(), error.source().map(ToString::to_string))
    };
    let limit = 256 * 1024;
    let padded = |len: usize| {
        let pad = move |set: String| format!("{}{set}", " ".repeat(len - set.len()));
        keys(move |_| Ok(set().map(pad)))
    };
    assert!(padded(limit).refresh().await.is_ok());
    let error = padded(limit + 1).refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::TooLarge);
    let encoded = || {
        let mut response = set();
        response.headers_mut().insert(CONTENT_ENCODING, "gzip".parse()?);
        Ok(response)
    };
    assert_eq!(rejected(encoded).await, (FetchErrorKind::Encoded, None));
    let redirect = || {
        let response = Response::builder().status(StatusCode::FOUND).header("location", KEYS);
        Ok(response.body(String::new())?)
    };
    assert_eq!(rejected(redirect).await, (FetchErrorKind::Status(StatusCode::FOUND), None));
    let broken = || Err("no route".into());
    assert_eq!(rejected(broken).await, (FetchErrorKind::Connection, Some("no route".to_owned())));
}

#[tokio::test]
async fn it_receives_the_configured_url_and_three_headers() {
    let keys = keys(|request| {
        assert_eq!((request.method(), request.uri()), (&http::Method::GET, &KEYS.parse()?));
        let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "accept-encoding", "user-agent"]);
        assert_eq!(request.headers()["accept-encoding"], "identity");
        Ok(set())
    });
    keys.refresh().await.unwrap();
}
