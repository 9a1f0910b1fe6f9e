//! Malformed JSON.

use http::StatusCode;
use serde_json::json;

use super::setup::{REFRESH, Site, post_as};

#[tokio::test]
async fn names_the_place_of_a_syntax_error() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let deep = "[".repeat(10_000);
    for (body, place) in [
        ("{", "line 1 column 1"),
        ("{bad", "line 1 column 2"),
        (r#"{"a":1,}"#, "line 1 column 8"),
        (r#"{"a":"b"#, "line 1 column 7"),
        (r#"{"a":NaN}"#, "line 1 column 6"),
        ("{}x", "line 1 column 3"),
        ("\n\n  {x", "line 3 column 4"),
        ("\u{feff}{}", "line 1 column 1"),
        (" ", "line 1 column 1"),
        (&deep, "line 1 column 128"),
        (r#"{"refresh":"\ud800"}"#, "line 1 column 19"),
        (r#"{"refresh":1e999}"#, "line 1 column 16"),
    ] {
        let reply = post_as(&app, REFRESH, "application/json", body.to_owned()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let detail = format!("JSON parse error - {place}");
        assert_eq!(reply.body, json!({ "detail": detail }).to_string(), "{body}");
    }
}

#[tokio::test]
async fn rejects_bodies_that_are_not_utf_8() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for body in [&b"\xff{}"[..], b"{\"a\":\"\xc3(\"}", b"{\"a\":\"\xed\xa0\x80\"}", b"{}\xe2\x82"] {
        let reply = post_as(&app, REFRESH, "application/json", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body:?}");
        assert!(
            reply.body.starts_with(r#"{"detail":"JSON parse error - line 1 column "#),
            "{reply:?}"
        );
    }
}

/// Two parsers may choose different values.
#[tokio::test]
async fn rejects_duplicate_members() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for body in [r#"{"refresh":"a","refresh":"b"}"#, r#"{"a":{"b":1},"a":2}"#] {
        let reply = post_as(&app, REFRESH, "application/json", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        assert_eq!(reply.body, r#"{"detail":"JSON parse error - Repeated member"}"#, "{body}");
    }
}
