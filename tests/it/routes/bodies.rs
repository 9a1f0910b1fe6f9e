//! Bodies that are malformed, too large, too slow, or of another type.

use std::{convert::Infallible, time::Duration};

use axum::{Router, body::Body};
use futures::{StreamExt, stream};
use http::{
    HeaderValue, Request,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use serde_json::{Value, json};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    time::{Instant, sleep},
};
use tower_jwt_auth::TokenRoutes;

use crate::support::{
    announced::Announced,
    login::{PASSWORD, Setup},
    reply::{Reply, post},
    slow_body::slow_body,
};

use super::{app, credentials, send};

fn assert_invalid(reply: &Reply, detail: &str) {
    assert_eq!(
        (reply.status.as_u16(), reply.json()),
        (400, json!({"detail": detail, "code": "invalid_body"}))
    );
}

const PATHS: [&str; 4] =
    ["/api/token/", "/api/token/refresh/", "/api/token/verify/", "/api/token/blacklist/"];

#[tokio::test]
async fn a_body_must_be_json() {
    let app = app(&Setup::new());
    let deep = "[".repeat(8000);
    let deep_object = format!(r#"{{"username":{}"#, r#"{"a":"#.repeat(2000));
    for body in [
        "",
        " ",
        "{",
        "{]",
        r#"{"username":"1"} x"#,
        r#"{"username":"1",}"#,
        r#"{'username':'1'}"#,
        r#"{"username":"\ud800"}"#,
        r#"{"username":1e999}"#,
        "\u{feff}{}",
        "username=1&password=analytical+engine",
        &deep,
        &deep_object,
    ] {
        for path in PATHS {
            let reply = send(&app, post(path, body.to_owned())).await;
            assert_invalid(&reply, "The request body is not valid JSON.");
        }
    }
    let not_utf8 = send(&app, post("/api/token/", &b"{\"username\":\"\xff\"}"[..])).await;
    assert_invalid(&not_utf8, "The request body is not valid JSON.");
}

#[tokio::test]
async fn a_body_must_be_an_object_without_duplicate_members() {
    let app = app(&Setup::new());
    for body in [
        "[]",
        r#"[{"username":"1","password":"analytical engine"}]"#,
        r#"["1","analytical engine"]"#,
        "null",
        "1",
        r#""text""#,
        r#"{"username":"1","username":"1","password":"analytical engine"}"#,
        r#"{"username":"1","password":"x","\u0070assword":"analytical engine"}"#,
        r#"{"username":"1","password":"analytical engine","other":1,"other":1}"#,
        r#"{"refresh":"a","refresh":"b","token":"a","\u0074oken":"b"}"#,
        r#"{"username":"1","password":"analytical engine","other":{"a":1,"a":1}}"#,
        r#"{"refresh":"a","token":"a","other":[[{"b":{"a":null,"\u0061":null}}]]}"#,
    ] {
        for path in PATHS {
            let reply = send(&app, post(path, body)).await;
            assert_invalid(
                &reply,
                "The request body must be a JSON object without duplicate members.",
            );
        }
    }
}

/// A login whose body has `len` bytes.
fn padded_login(len: usize) -> String {
    let body = |padding: usize| {
        format!(r#"{{"username":"1","password":"{PASSWORD}","x":"{}"}}"#, " ".repeat(padding))
    };
    body(len - body(0).len())
}

/// `body` in chunks, without an announced length.
fn streamed(body: &str) -> Body {
    let pieces: Vec<_> =
        body.as_bytes().chunks(1000).map(|piece| Ok::<_, Infallible>(piece.to_vec())).collect();
    Body::from_stream(stream::iter(pieces))
}

#[tokio::test]
async fn a_body_may_have_up_to_16_kib() {
    let app = app(&Setup::new());
    let limit = 16 * 1024;
    for (len, status) in [(limit, 200), (limit + 1, 413), (10 * limit, 413)] {
        let body = padded_login(len);
        assert_eq!(body.len(), len);
        let whole = send(&app, post("/api/token/", body.clone())).await;
        let pieces = send(&app, post("/api/token/", streamed(&body))).await;
        let mut announced = post("/api/token/", body.clone());
        announced.headers_mut().insert("content-length", len.into());
        let announced = send(&app, announced).await;
        for reply in [whole, pieces, announced] {
            assert_eq!(reply.status, status, "{len}");
            if status == 413 {
                let expected =
                    json!({"detail": "The request body is too large.", "code": "body_too_large"});
                assert_eq!(reply.json(), expected);
            }
        }
    }
    for path in PATHS {
        assert_eq!(send(&app, post(path, "x".repeat(limit + 1))).await.status, 413, "{path}");
    }
}

#[tokio::test]
async fn the_limit_can_be_set() {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).body_limit(256);
    let app = routes.build().unwrap().into_router();
    assert_eq!(send(&app, post("/", padded_login(256))).await.status, 200);
    assert_eq!(send(&app, post("/", padded_login(257))).await.status, 413);
    assert_eq!(send(&app, post("/", streamed(&padded_login(257)))).await.status, 413);
}

#[tokio::test]
async fn an_endless_body_is_not_read_to_the_end() {
    let app = app(&Setup::new());
    let endless = stream::repeat_with(|| Ok::<_, Infallible>(vec![b'x'; 1000]));
    let reply = send(&app, post("/api/token/", Body::from_stream(endless))).await;
    assert_eq!(reply.status, 413);
}

#[tokio::test]
async fn a_body_with_too_large_an_announced_length_is_not_read() {
    let app = app(&Setup::new());
    for path in PATHS {
        assert_eq!(send(&app, post(path, Body::new(Announced))).await.status, 413, "{path}");
    }
}

fn assert_timeout(reply: &Reply) {
    let expected = json!({
        "detail": "The request body was not received in time.",
        "code": "body_timeout",
    });
    assert_eq!((reply.status.as_u16(), reply.json()), (408, expected));
}

/// The deadline is for the whole body. One byte an hour would hold a connection for years.
#[tokio::test(start_paused = true)]
async fn a_slow_body_is_rejected_at_the_deadline() {
    let setup = Setup::new();
    let routes = || TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/api/token");
    for (timeout, routes) in [
        (Duration::from_secs(10), routes()),
        (Duration::from_millis(2500), routes().body_timeout(Duration::from_millis(2500))),
    ] {
        let app = routes.build().unwrap().into_router();
        for pause in [Duration::from_secs(1), Duration::from_secs(3600)] {
            for path in PATHS {
                let start = Instant::now();
                assert_timeout(&send(&app, post(path, slow_body(pause))).await);
                assert_eq!(start.elapsed(), timeout, "{path}");
            }
        }
    }
    assert!(setup.events.take().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_body_that_is_complete_before_the_deadline_is_accepted() {
    let app = app(&Setup::new());
    let halves = credentials().to_string();
    let (first, second) = halves.split_at(halves.len() / 2);
    let parts = [(0, first.to_owned()), (9, second.to_owned())];
    let body = stream::iter(parts).then(|(pause, part)| async move {
        sleep(Duration::from_secs(pause)).await;
        Ok::<_, Infallible>(part)
    });
    let reply = send(&app, post("/api/token/", Body::from_stream(body))).await;
    assert_eq!(reply.status, 200);
}

/// The rest of the body must not be waited for, either.
#[tokio::test]
async fn the_connection_ends_after_a_slow_body() {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone())
        .body_timeout(Duration::from_millis(100));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app: Router = routes.build().unwrap().into_router();
    let serving = tokio::spawn(async { axum::serve(listener, app).await });
    let mut client = TcpStream::connect(address).await.unwrap();
    let head = "POST /verify HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
                content-length: 100\r\n\r\n{";
    client.write_all(head.as_bytes()).await.unwrap();
    let mut response = String::new();
    let read = client.read_to_string(&mut response);
    tokio::time::timeout(Duration::from_secs(60), read).await.expect("the end").unwrap();
    assert!(response.starts_with("HTTP/1.1 408 "), "{response}");
    serving.abort();
}

/// With the feature `raw_value` of serde_json, which `jwks` and `django` enable, the parser would
/// take such an object for the JSON in its member.
#[tokio::test]
async fn an_object_with_a_reserved_member_never_stands_for_a_string() {
    let app = app(&Setup::new());
    let raw_value = r#"{"$serde_json::private::RawValue":"\"1\""}"#;
    let parsed: Value = serde_json::from_str(raw_value).unwrap();
    assert_eq!(parsed, "1", "the feature is on");
    let escaped = r#"{"\u0024serde_json\u003a:private::R\u0061wValue" : "\"1\""}"#;
    let number = r#"{"$serde_json::private::Number":"1"}"#;
    for value in
        [raw_value, escaped, number, &format!("[{raw_value}]"), &format!(r#"{{"\\":{escaped}}}"#)]
    {
        for body in [
            format!(r#"{{"username":{value},"password":"analytical engine"}}"#),
            format!(r#"{{"refresh":{value},"token":{value}}}"#),
            format!(r#"{{"username":"1","password":"analytical engine","other":{value}}}"#),
        ] {
            for path in PATHS {
                let reply = send(&app, post(path, body.clone())).await;
                assert_invalid(&reply, "The request body has a reserved member name.");
            }
        }
        let reply = send(&app, post("/api/token/", value.to_owned())).await;
        assert_eq!(reply.status, 400);
    }
    // As a value, the text is harmless.
    let password = json!({"username": "1", "password": raw_value, "x": "$serde_json::private::"});
    assert_eq!(send(&app, post("/api/token/", password.to_string())).await.status, 401);
}

#[tokio::test]
async fn rejects_a_body_whose_connection_fails() {
    let app = app(&Setup::new());
    let pieces = [Ok(vec![b'{']), Err(std::io::Error::other("gone"))];
    let reply = send(&app, post("/api/token/", Body::from_stream(stream::iter(pieces)))).await;
    assert_invalid(&reply, "The request body could not be read.");
}

#[tokio::test]
async fn rejects_other_media_types() {
    let app = app(&Setup::new());
    for (content_type, status) in [
        (Some("application/json"), 200),
        (Some("Application/JSON"), 200),
        (Some("application/json; charset=utf-8"), 200),
        (Some("application/json;charset=UTF-8"), 200),
        (Some("application/json ; charset=utf-8"), 200),
        (Some(r#"application/json; Charset="UTF-8""#), 200),
        (Some("application/json; profile=a; charset=utf-8"), 200),
        (Some("application/json; charset=utf-16"), 415),
        (Some("application/json; charset=iso-8859-1"), 415),
        (Some("application/json; charset=utf-8; charset=utf-16"), 415),
        (Some("application/json; charset=utf-16; charset=utf-8"), 415),
        (Some(r#"application/json;CHARSET = "utf-7""#), 415),
        (Some("application/json; charset"), 415),
        (Some("application/json; charset="), 415),
        (None, 415),
        (Some(""), 415),
        (Some("text/plain"), 415),
        (Some("text/plain; application/json"), 415),
        (Some("application/x-www-form-urlencoded"), 415),
        (Some("multipart/form-data; boundary=x"), 415),
        (Some("application/vnd.api+json"), 415),
        (Some("application/jsonp"), 415),
        (Some("json"), 415),
        (Some("text/json"), 415),
    ] {
        for path in PATHS {
            let mut request = Request::post(path);
            if let Some(content_type) = content_type {
                request = request.header(CONTENT_TYPE, content_type);
            }
            let request = request.body(Body::from(credentials().to_string())).unwrap();
            let reply = send(&app, request).await;
            let expected = if status == 200 && path != "/api/token/" { 400 } else { status };
            assert_eq!(reply.status, expected, "{content_type:?} {path}");
            if status == 415 {
                assert_eq!(
                    reply.json(),
                    json!({
                        "detail": "The request body must be application/json, in UTF-8.",
                        "code": "unsupported_media_type",
                    })
                );
            }
        }
    }
    let mut request = post("/api/token/", credentials().to_string());
    let value = HeaderValue::from_bytes(b"application/json\xff").unwrap();
    request.headers_mut().insert(CONTENT_TYPE, value);
    assert_eq!(send(&app, request).await.status, 415);
}

/// A proxy or firewall may have chosen the other one.
#[tokio::test]
async fn rejects_several_media_types() {
    let app = app(&Setup::new());
    for other in ["application/json", "text/plain", "application/json; charset=utf-16", ""] {
        for path in PATHS {
            for is_first in [true, false] {
                let json = "application/json";
                let types = if is_first { [other, json] } else { [json, other] };
                let request = Request::post(path)
                    .header(CONTENT_TYPE, types[0])
                    .header(CONTENT_TYPE, types[1])
                    .body(Body::from(credentials().to_string()));
                let reply = send(&app, request.unwrap()).await;
                assert_invalid(&reply, "The request has several media types.");
            }
        }
    }
}

/// Whatever has inspected the request would have read another body than the routes do.
#[tokio::test]
async fn rejects_content_encodings() {
    let app = app(&Setup::new());
    let encoded = |path: &str, encodings: &[&'static str]| {
        let mut request = post(path, credentials().to_string());
        for encoding in encodings {
            request.headers_mut().append(CONTENT_ENCODING, HeaderValue::from_static(encoding));
        }
        request
    };
    for encodings in [&["gzip"][..], &["br"], &["identity, gzip"], &["identity", "gzip"], &[""]] {
        for path in PATHS {
            let reply = send(&app, encoded(path, encodings)).await;
            let expected = json!({
                "detail": "The request body must not be compressed.",
                "code": "unsupported_media_type",
            });
            assert_eq!((reply.status.as_u16(), reply.json()), (415, expected), "{encodings:?}");
            assert_eq!(reply.header("accept-encoding"), ["identity"]);
        }
    }
    for encodings in [&[][..], &["identity"], &["Identity"]] {
        assert_eq!(send(&app, encoded("/api/token/", encodings)).await.status, 200);
    }
}
