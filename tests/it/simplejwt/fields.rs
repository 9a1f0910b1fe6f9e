//! Missing and invalid fields.

use http::StatusCode;
use serde_json::{Value, json};

use super::setup::{PASSWORD, REFRESH, SLIDE, Site, VERIFY, log_in, post};

#[tokio::test]
async fn rejects_invalid_fields() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for (path, name) in [(REFRESH, "refresh"), (VERIFY, "token"), (SLIDE, "token")] {
        for (value, problem) in [
            (json!(""), "This field may not be blank."),
            (json!(" \u{1f}\u{a0}\t"), "This field may not be blank."),
            (json!(null), "This field may not be null."),
            (json!(true), "Not a valid string."),
            (json!(false), "Not a valid string."),
            (json!([]), "Not a valid string."),
            (json!(["a"]), "Not a valid string."),
            (json!({}), "Not a valid string."),
            (json!("a\0"), "Null characters are not allowed."),
        ] {
            let reply = post(&app, path, &json!({ name: value })).await;
            assert_eq!(reply.status, StatusCode::BAD_REQUEST, "{value}: {reply:?}");
            assert_eq!(reply.body, json!({ name: [problem] }).to_string(), "{value}");
        }
        let reply = post(&app, path, &json!({})).await;
        assert_eq!(reply.body, json!({ name: ["This field is required."] }).to_string());
        // Numbers are read as strings, which are not tokens.
        for value in [json!(0), json!(1.5), json!(-1), json!(1e300)] {
            let reply = post(&app, path, &json!({ name: value })).await;
            assert_eq!(reply.status, StatusCode::UNAUTHORIZED);
            assert_eq!(reply.body, r#"{"detail":"Token is invalid","code":"token_not_valid"}"#);
        }
    }
}

#[tokio::test]
async fn reports_all_invalid_fields_in_order() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    for path in ["/api/token/", "/api/token/sliding/"] {
        let reply = post(&app, path, &json!({})).await;
        let required = r#"["This field is required."]"#;
        assert_eq!(reply.body, format!(r#"{{"username":{required},"password":{required}}}"#));
        let reply = post(&app, path, &json!({ "username": "", "password": null })).await;
        let expected = r#"{"username":["This field may not be blank."],"password":["This field may not be null."]}"#;
        assert_eq!(reply.body, expected);
    }
}

#[tokio::test]
async fn trims_strings() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let body = json!({ "username": " ada\u{1c}", "password": format!("\t{PASSWORD} ") });
    assert_eq!(post(&app, "/api/token/", &body).await.status, StatusCode::OK);
    let refresh = log_in(&app).await.json()["refresh"].as_str().unwrap().to_owned();
    let reply = post(&app, REFRESH, &json!({ "refresh": format!(" {refresh}\n") })).await;
    assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
}

#[tokio::test]
async fn rejects_bodies_that_are_not_objects() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let other = |name: &str| format!("Invalid data. Expected a dictionary, but got {name}.");
    for (body, problem) in [
        (json!([1]), other("list")),
        (json!(5), other("int")),
        (json!(1.5), other("float")),
        (json!(true), other("bool")),
        (json!("x"), other("str")),
        (Value::Null, "No data provided".to_owned()),
    ] {
        let reply = post(&app, REFRESH, &body).await;
        assert_eq!(reply.status, StatusCode::BAD_REQUEST);
        assert_eq!(reply.body, json!({ "non_field_errors": [problem] }).to_string());
    }
}
