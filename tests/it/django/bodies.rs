//! Bodies, content types and methods at the token views.

use serde_json::{Value, json};

use super::pair::{Pair, Request, post, post_bytes};

/// Each view with its fields.
pub(super) const VIEWS: [(&str, &[&str]); 6] = [
    ("/api/token/", &["username", "password"]),
    ("/api/token/refresh/", &["refresh"]),
    ("/api/token/verify/", &["token"]),
    ("/api/token/blacklist/", &["refresh"]),
    ("/api/token/sliding/", &["username", "password"]),
    ("/api/token/sliding/refresh/", &["token"]),
];

const DUPLICATES: &str = "duplicate members or fields in a token, header or body";
const WORDING: &str = "the `detail` of malformed JSON is `JSON parse error` with line and column";

pub(super) fn compare(pair: &Pair) {
    fields(pair);
    whole_bodies(pair);
    content_types(pair);
    forms(pair);
    methods(pair);
}

fn fields(pair: &Pair) {
    for (path, names) in VIEWS {
        for name in names {
            let others: Vec<_> = names.iter().filter(|other| *other != name).collect();
            let with = |value: Option<Value>| {
                let mut body = json!({"unknown": 1});
                for other in &others {
                    body[**other] = "alice".into();
                }
                if let Some(value) = value {
                    body[*name] = value;
                }
                body
            };
            pair.compare(format!("{path} without {name}"), |_| post(path, &with(None)));
            for value in [
                json!(""),
                json!(" \t\n\u{a0} "),
                json!(null),
                json!(true),
                json!(false),
                json!(0),
                json!(-12),
                json!(1.5),
                json!(1e300),
                json!([]),
                json!(["x"]),
                json!({}),
                json!({"x": 1}),
                json!("nul \u{0} inside"),
                json!("☃"),
            ] {
                let body = with(Some(value));
                pair.compare(format!("{path} {body}"), |_| post(path, &body));
            }
        }
        pair.compare(format!("{path} {{}}"), |_| post(path, &json!({})));
    }
}

fn whole_bodies(pair: &Pair) {
    let json = |path: &str, body: &[u8]| {
        let is_malformed = !body.is_empty() && serde_json::from_slice::<Value>(body).is_err();
        pair.case(format!("{path} {:?}", String::from_utf8_lossy(body)))
            .differs_if(is_malformed, WORDING, 400, "JSON parse error - line ")
            .send(|_| post_bytes(path, "application/json", body));
    };
    for (path, _) in VIEWS {
        for body in ["", "[]", "null", "\"text\"", "12", "{", "{\"refresh\" 1}"] {
            json(path, body.as_bytes());
        }
    }
    for body in [
        " ",
        "\n",
        "[1]",
        "[{}]",
        "{}x",
        "{} {}",
        "true",
        "false",
        "1.5",
        "-",
        "-1",
        "01",
        "1e",
        "1.",
        "tru",
        "nul",
        "\"",
        "\"\\",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\u12g4\"",
        "\"a\nb\"",
        "\"\u{7}\"",
        "{\"",
        "{\"token",
        "{\"token\"",
        "{\"token\":",
        "{\"token\":}",
        "{\"token\":\"x\"",
        "{\"token\":\"x\",",
        "{\"token\":\"x\",}",
        "{\"token\":\"x\" \"a\":1}",
        "{,}",
        "{1:2}",
        "{'token':'x'}",
        "{token:1}",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,]",
        "[1 2]",
        "]",
        "}",
        "{]",
        "[}",
        "\u{feff}{}",
        "{}\u{0}",
        "{\n  \"token\": \"x\",\n  \"other\": oops\n}",
        "// none\n{}",
        "{\"token\":\"x\"}\n\n",
        "☃",
        "{\"☃\":☃}",
        "NaN",
        "Infinity",
        "{\"token\":NaN}",
        "{\"token\":-Infinity}",
        "{\"other\":[{\"deep\":[1,2,{}]}]}",
        "{\"token\":123456789012345678901234567890}",
        "{\"token\":1.0}",
        "{\"token\":-0}",
        "{\"token\":1E5}",
        "{\"token\":0.1e-7}",
        "{\"token\":\"\\ud83d\\ude00\"}",
    ] {
        json("/api/token/verify/", body.as_bytes());
    }
    for body in
        [&b"\xff"[..], b"{\"token\":\"\xc3\"}", b"{\"token\":\"\xe2\x98\"}", b"{\"\xf0\x9f\x98"]
    {
        json("/api/token/verify/", body);
    }
    const CUT_OFF: &str = "a JSON body that ends within a character";
    pair.case("a body that ends within a character")
        .differs(CUT_OFF, 400, "JSON parse error - line ")
        .send(|_| post_bytes("/api/token/verify/", "application/json", b"{}\xe2\x98"));
    const NO_VALUE: &str = "JSON with a number beyond a double, or half a surrogate pair";
    for body in [r#"{"token":1e400}"#, r#"{"token":"\ud800"}"#, r#""\ud800""#] {
        pair.case(body)
            .differs(NO_VALUE, 400, "JSON parse error")
            .send(|_| post_bytes("/api/token/verify/", "application/json", body));
    }
    const RESERVED: &str = "a member name that begins with `$serde_json::private::`";
    pair.case("a reserved member").differs(RESERVED, 400, "Reserved member").send(|_| {
        let body = r#"{"token":"x","$serde_json::private::RawValue":"1"}"#;
        post_bytes("/api/token/verify/", "application/json", body)
    });
    const CHUNKED: &str = "bodies with `Transfer-Encoding: chunked` are read";
    pair.case("a chunked body").differs(CHUNKED, 401, "Token is invalid").send(|_| {
        let mut request = post_bytes("/api/token/verify/", "application/json", "");
        request.headers += "transfer-encoding: chunked\r\n";
        request.body = b"d\r\n{\"token\":\"x\"}\r\n0\r\n\r\n".into();
        request
    });
    pair.case("a duplicate member").differs(DUPLICATES, 400, "").send(|_| {
        post_bytes("/api/token/verify/", "application/json", r#"{"token":"a","token":"b"}"#)
    });
    pair.case("a duplicate member of an inner object").differs(DUPLICATES, 400, "").send(|_| {
        let body = r#"{"token":"x","other":[{"a":1,"a":2}]}"#;
        post_bytes("/api/token/verify/", "application/json", body)
    });
    let nested = format!("{}1{}", "[".repeat(5000), "]".repeat(5000));
    pair.case("deep nesting")
        .differs("a deeply nested body", 400, "")
        .send(|_| post_bytes("/api/token/verify/", "application/json", nested.clone()));
    let large = json!({"token": "x".repeat(20_000)});
    pair.case("a large body")
        .differs("bodies above 16 KiB", 413, "too large")
        .send(|_| post("/api/token/verify/", &large));
}

fn content_types(pair: &Pair) {
    let body = br#"{"token":"x"}"#;
    for content_type in [
        "text/plain",
        "application/xml",
        "application/json; charset=utf-8",
        "APPLICATION/JSON",
        "application/json;",
        "application/vnd.api+json",
        "application/ld+json",
        "json",
        "application",
        "*/*",
        "application/*",
        "image/png; a=b",
        "text/html, application/json",
        " application/json",
        "application/json ; x=y",
        "application/octet-stream",
        "*/json",
        "*/x-www-form-urlencoded",
        "*/x-www-form-urlencoded; charset=utf-8",
        "json/*",
        "text/é",
    ] {
        pair.compare(format!("content type {content_type:?}"), |_| {
            post_bytes("/api/token/verify/", content_type, body)
        });
        pair.compare(format!("content type {content_type:?} without a body"), |_| {
            post_bytes("/api/token/verify/", content_type, "")
        });
    }
    const UTF_8: &str = "bodies are UTF-8 whatever `charset` names";
    pair.case("Latin-1").differs(UTF_8, 400, "JSON parse error - line ").send(|_| {
        let content_type = "application/json; charset=latin-1";
        post_bytes("/api/token/verify/", content_type, b"{\"token\":\"\xe9\"}")
    });
    const SLASH: &str = "views respond with and without a trailing slash";
    for (path, names) in &VIEWS[1..] {
        let request = |_| post(path.trim_end_matches('/'), &json!({names[0]: ""}));
        pair.case(format!("{path}, no slash"))
            .differs(SLASH, 400, "may not be blank")
            .send(request);
    }
    for (path, _) in VIEWS {
        let request = |headers: &str, body: &[u8]| Request {
            line: format!("POST {path}"),
            headers: headers.to_owned(),
            body: body.into(),
        };
        pair.compare(format!("{path} without a content type"), |_| request("", body));
        pair.compare(format!("{path} without anything"), |_| request("", b""));
        pair.compare(format!("{path} as plain text"), |_| {
            request("content-type: text/plain\r\n", body)
        });
    }
    for accept in ["application/json", "*/*", "application/*; q=0.5"] {
        pair.compare(format!("accept {accept}"), |_| {
            let mut request = post("/api/token/verify/", &json!({"token": "x"}));
            request.headers += &format!("accept: {accept}\r\n");
            request
        });
    }
    let html = |_| {
        let mut request = post("/api/token/verify/", &json!({"token": "x"}));
        request.headers += "accept: text/html\r\n";
        request
    };
    let deviation = "responses are JSON whatever `Accept` requests: no browsable API, no `406`";
    pair.case("accept text/html").differs(deviation, 401, "Token is invalid").send(html);
}

fn forms(pair: &Pair) {
    const FORM: &str = "application/x-www-form-urlencoded";
    for (path, names) in VIEWS {
        let fields: Vec<_> = names.iter().map(|name| format!("{name}=alice")).collect();
        for body in [fields.join("&"), String::new(), names.join("&"), format!("{}=", names[0])] {
            pair.compare(format!("{path} form {body:?}"), |_| post_bytes(path, FORM, body.clone()));
        }
        pair.compare(format!("{path} multipart"), |_| {
            let fields: Vec<_> = names.iter().map(|name| (*name, "alice")).collect();
            multipart(path, &fields)
        });
        pair.compare(format!("{path} multipart without fields"), |_| multipart(path, &[]));
        pair.compare(format!("{path} multipart, blank"), |_| multipart(path, &[(names[0], " ")]));
    }
    for body in [
        "&&",
        "=",
        "=x",
        "token",
        "token=%",
        "token=%zz",
        "token=a%20b",
        "token=a+b",
        "token=%ff",
        "token=;",
        "a=1;token=2",
        "%74oken=x",
        "token=%E2%98%83",
    ] {
        pair.compare(format!("form {body:?}"), |_| post_bytes("/api/token/verify/", FORM, body));
    }
    pair.compare("JSON sent as a form", |_| {
        post_bytes("/api/token/verify/", FORM, r#"{"token":"x"}"#)
    });
    pair.case("a duplicate field")
        .differs(DUPLICATES, 400, "")
        .send(|_| post_bytes("/api/token/verify/", FORM, "token=a&token=b"));
    const MALFORMED: &str = "a malformed multipart body";
    for (content_type, is_read) in [
        ("multipart/form-data", false),
        ("multipart/form-data; boundary=", true),
        ("multipart/form-data; boundary=other", true),
        ("multipart/mixed; boundary=b", false),
    ] {
        pair.case(format!("multipart as {content_type:?}"))
            .differs_if(is_read, MALFORMED, 400, "Multipart form parse error")
            .send(|_| {
                let body = multipart("/api/token/verify/", &[("token", "x")]).body;
                post_bytes("/api/token/verify/", content_type, body)
            });
    }
    for (body, is_malformed) in [
        ("", false),
        ("x", true),
        ("--b--\r\n", false),
        ("--b\r\n\r\n--b--\r\n", true),
        ("--b\r\nx\r\n--b--", true),
    ] {
        pair.case(format!("multipart {body:?}"))
            .differs_if(is_malformed, MALFORMED, 400, "Multipart form parse error")
            .send(|_| post_bytes("/api/token/verify/", "multipart/form-data; boundary=b", body));
    }
    for (file_name, content) in [("t", "x"), ("", "x"), ("", "")] {
        pair.compare(format!("multipart with a file {file_name:?} {content:?}"), |_| {
            let head = format!("form-data; name=\"token\"; filename=\"{file_name}\"");
            let body = format!("--b\r\ncontent-disposition: {head}\r\n\r\n{content}\r\n--b--\r\n");
            post_bytes("/api/token/verify/", "multipart/form-data; boundary=b", body)
        });
    }
}

pub(super) fn multipart(path: &str, fields: &[(&str, &str)]) -> Request {
    let mut body = String::new();
    for (name, value) in fields {
        body +=
            &format!("--b\r\ncontent-disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n");
    }
    post_bytes(path, "multipart/form-data; boundary=b", format!("{body}--b--\r\n"))
}

fn methods(pair: &Pair) {
    for (path, _) in VIEWS {
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
            pair.compare(format!("{method} {path}"), |_| bare(method, path));
        }
        let options = "`OPTIONS` returns no `description` and no `actions`";
        pair.case(format!("OPTIONS {path}"))
            .differs(options, 200, "")
            .send(|_| bare("OPTIONS", path));
    }
    pair.compare("a wrong method with a wrong content type", |_| {
        let headers = "content-type: text/plain\r\n".to_owned();
        Request { line: "PUT /api/token/".to_owned(), headers, body: b"{".into() }
    });
    for path in ["/api/hello/", "/api/stateless/"] {
        for method in ["HEAD", "POST", "PUT", "DELETE", "OPTIONS"] {
            pair.compare(format!("{method} {path} without a token"), |_| bare(method, path));
        }
    }
}

fn bare(method: &str, path: &str) -> Request {
    Request { line: format!("{method} {path}"), headers: String::new(), body: Vec::new() }
}
