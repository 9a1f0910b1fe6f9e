//! Faults of JSON, told as Python's `json` tells them: message and place.

use http::StatusCode;
use serde_json::json;

use super::setup::{REFRESH, Site, post_as};

/// Each body with what SimpleJWT under Python 3.11 says of it.
#[tokio::test]
async fn faults_are_told_as_python_does() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for (body, expected) in [
        ("{", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        ("{bad", "Expecting property name enclosed in double quotes: line 1 column 2 (char 1)"),
        (
            r#"{"a":1,}"#,
            "Expecting property name enclosed in double quotes: line 1 column 8 (char 7)",
        ),
        ("[1,]", "Expecting value: line 1 column 4 (char 3)"),
        (r#"{"a" 1}"#, "Expecting ':' delimiter: line 1 column 6 (char 5)"),
        (r#"{"a":1 "b"}"#, "Expecting ',' delimiter: line 1 column 8 (char 7)"),
        (r#"{"a":"b"#, "Unterminated string starting at: line 1 column 6 (char 5)"),
        (r#"{"a":"\"#, "Unterminated string starting at: line 1 column 6 (char 5)"),
        (r#"{"a":"\q"}"#, r"Invalid \escape: line 1 column 7 (char 6)"),
        (r#"{"a":"\u12"}"#, r"Invalid \uXXXX escape: line 1 column 8 (char 7)"),
        (r#"{"a":"\u12zz"}"#, r"Invalid \uXXXX escape: line 1 column 8 (char 7)"),
        (r#"{"a":"\u123"}"#, r"Invalid \uXXXX escape: line 1 column 8 (char 7)"),
        ("{\"a\":\"x\ny\"}", "Invalid control character at: line 1 column 8 (char 7)"),
        (r#"{"a":NaN}"#, "Out of range float values are not JSON compliant: 'NaN'"),
        (r#"{"a":-Infinity}"#, "Out of range float values are not JSON compliant: '-Infinity'"),
        (r#"{"a":01}"#, "Expecting ',' delimiter: line 1 column 7 (char 6)"),
        (r#"{"a":1.}"#, "Expecting ',' delimiter: line 1 column 7 (char 6)"),
        (r#"{"a":1e}"#, "Expecting ',' delimiter: line 1 column 7 (char 6)"),
        (r#"{"a":-}"#, "Expecting value: line 1 column 6 (char 5)"),
        ("{}x", "Extra data: line 1 column 3 (char 2)"),
        ("\n\n  {x", "Expecting property name enclosed in double quotes: line 3 column 4 (char 5)"),
        ("\u{feff}{}", "Unexpected UTF-8 BOM (decode using utf-8-sig): line 1 column 1 (char 0)"),
        ("[", "Expecting value: line 1 column 2 (char 1)"),
        (r#"{"a":"#, "Expecting value: line 1 column 6 (char 5)"),
        (r#"{"a":tru}"#, "Expecting value: line 1 column 6 (char 5)"),
        ("nul", "Expecting value: line 1 column 1 (char 0)"),
        (" ", "Expecting value: line 1 column 2 (char 1)"),
        ("é{", "Expecting value: line 1 column 1 (char 0)"),
        (r#"{"é":x}"#, "Expecting value: line 1 column 6 (char 5)"),
    ] {
        let reply = post_as(&app, REFRESH, "application/json", body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let detail = format!("JSON parse error - {expected}");
        assert_eq!(reply.body, json!({ "detail": detail }).to_string(), "{body}");
    }
}

#[tokio::test]
async fn bytes_that_are_no_text() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for (body, expected) in [
        (&b"\xff{}"[..], "byte 0xff in position 0: invalid start byte"),
        (b"{\"a\":\"\xc3(", "byte 0xc3 in position 6: invalid continuation byte"),
        (b"{\"a\":\"\xe2\x82(\"}", "bytes in position 6-7: invalid continuation byte"),
        (b"{\"a\":\"\xf0(\x8c(\"}", "byte 0xf0 in position 6: invalid continuation byte"),
        (b"{\"a\":\"\xed\xa0\x80\"}", "byte 0xed in position 6: invalid continuation byte"),
        (b"{\"a\":\"\xc0\xaf\"}", "byte 0xc0 in position 6: invalid start byte"),
        (b"{\"a\":\"\xf5\"}", "byte 0xf5 in position 6: invalid start byte"),
    ] {
        let reply = post_as(&app, REFRESH, "application/json", body).await;
        let detail = format!("JSON parse error - 'utf-8' codec can't decode {expected}");
        assert_eq!(reply.body, json!({ "detail": detail }).to_string());
    }
    // What the end of the body cuts off is left out.
    let reply = post_as(&app, REFRESH, "application/json", &b"{}\xe2\x82"[..]).await;
    assert_eq!(reply.body, r#"{"refresh":["This field is required."]}"#);
}

/// Here Python's reader fails, or takes what is dubious.
#[tokio::test]
async fn other_faults_are_told_in_other_words() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let deep = "[".repeat(10_000);
    for (body, expected) in [
        (&*deep, "nested too deeply"),
        (r#"{"refresh":"a","refresh":"b"}"#, "Repeated member"),
        (r#"{"a":{"b":1},"a":2}"#, "Repeated member"),
        (r#"{"refresh":"\ud800"}"#, "Unsupported value"),
        (r#"{"refresh":1e999}"#, "Unsupported value"),
    ] {
        let reply = post_as(&app, REFRESH, "application/json", body.to_owned()).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{body}");
        let detail = format!("JSON parse error - {expected}");
        assert_eq!(reply.body, json!({ "detail": detail }).to_string(), "{body}");
    }
}
