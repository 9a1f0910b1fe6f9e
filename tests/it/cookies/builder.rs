//! Settings, and the attributes of the cookies.

use tower_jwt_auth::{
    ConfigErrorKind::{self, Conflict, Ineffective, Key, OutOfRange},
    transport::{SameSite, SessionCookies, SessionCookiesBuilder},
};

fn assert_rejected(
    expected: ConfigErrorKind,
    configure: impl Fn(SessionCookiesBuilder) -> SessionCookiesBuilder,
) {
    let builder = configure(SessionCookies::builder());
    let described = format!("{builder:?}");
    let error = builder.build().expect_err(&described);
    assert_eq!(error.kind(), expected, "{described}: {error}");
}

fn assert_accepted(configure: impl Fn(SessionCookiesBuilder) -> SessionCookiesBuilder) {
    configure(SessionCookies::builder()).build().unwrap();
}

#[test]
fn rejects_malformed_settings() {
    for name in ["", " ", "a b", "a=b", "a;b", "a\nb", "\u{e9}", "a\0", "\"a\"", "a,b"] {
        assert_rejected(OutOfRange, |builder| builder.access_name(name));
        assert_rejected(OutOfRange, |builder| builder.refresh_name(name));
    }
    let long = format!("/{}", "a".repeat(1024));
    for path in ["", "a", "a/b", "/a;b", "/a b", "/a\nb", "/\u{e9}", "/a?b", "/a#b", "/a,b", &long]
    {
        assert_rejected(OutOfRange, |builder| builder.path(path));
        assert_rejected(OutOfRange, |builder| builder.refresh_path(path));
    }
    let long = vec!["a"; 128].join(".");
    for domain in [
        "",
        ".",
        ".a.example",
        "a..example",
        "a.example.",
        "a.example:80",
        "*.a.example",
        "\u{e9}.example",
        "a b",
        "a;b",
        "10.0.0.1",
        "[::1]",
        &long,
    ] {
        assert_rejected(OutOfRange, |builder| builder.domain(domain));
    }
    let origins = [
        "",
        "null",
        "*",
        "app.example",
        "https://",
        "https://app.example/",
        "https://app.example/a",
        "https://app.example?a",
        "https://app.example#a",
        "https://user@app.example",
        "https://:443",
        "https://app.example:",
        "https://app.example:0",
        "https://app.example:x",
        "https://app.example:99999",
        "https://app.example:+80",
        "wss://app.example",
        "https://\u{e9}",
        "https://a b",
        "https://*.app.example",
        "HTTPS://app.example",
        "https://[::1",
        " https://app.example",
    ];
    for origin in origins {
        assert_rejected(OutOfRange, |builder| builder.public_origin(origin));
        assert_rejected(OutOfRange, |builder| builder.allow_origin(origin));
    }
}

#[test]
fn rejects_cookies_that_browsers_would_reject() {
    for name in ["__Host-a", "__HOST-a", "__host-a", "__Host-Http-a"] {
        assert_rejected(Conflict, |builder| builder.access_name(name).domain("app.example"));
        assert_rejected(Conflict, |builder| builder.access_name(name).path("/a"));
        assert_rejected(Conflict, |builder| builder.refresh_name(name).domain("app.example"));
        assert_rejected(Conflict, |builder| builder.refresh_name(name).refresh_path("/a"));
        assert_accepted(|builder| builder.access_name(name));
        assert_accepted(|builder| builder.refresh_name(name).refresh_path("/"));
    }
    for name in ["__Host-a", "__Secure-a", "__secure-a", "__Http-a"] {
        assert_rejected(Conflict, |builder| builder.access_name(name).insecure_http(true));
        assert_rejected(Conflict, |builder| builder.refresh_name(name).insecure_http(true));
    }
    for configure in [SessionCookiesBuilder::same_site, SessionCookiesBuilder::refresh_same_site] {
        assert_rejected(Conflict, |builder| configure(builder, SameSite::None).insecure_http(true));
        assert_accepted(|builder| configure(builder, SameSite::None));
    }
    assert_rejected(Conflict, |builder| builder.access_name("a").refresh_name("a"));
    assert_rejected(Conflict, |builder| builder.access_name("__Secure-refresh"));
    let secret = *b"a secret of thirty-two bytes....";
    assert_rejected(Conflict, |builder| builder.access_name("__Host-csrf").double_submit(secret));
    assert_accepted(|builder| builder.access_name("__Host-csrf"));
}

#[test]
fn rejects_contradictory_origins() {
    for origin in ["http://app.example", "http://10.0.0.1:3000"] {
        assert_rejected(Conflict, |builder| builder.public_origin(origin));
        assert_rejected(Conflict, |builder| builder.allow_origin(origin));
        assert_accepted(|builder| builder.public_origin(origin).insecure_http(true));
        assert_accepted(|builder| builder.allow_origin(origin).insecure_http(true));
    }
    for origin in ["http://localhost:3000", "http://127.0.0.1:3000", "http://[::1]"] {
        assert_accepted(|builder| builder.public_origin(origin));
        assert_accepted(|builder| builder.allow_origin(origin));
    }
    assert_rejected(Conflict, |builder| {
        builder.public_origin("https://app.example").insecure_http(true)
    });
    for allowed in ["https://app.example", "https://APP.example:443"] {
        assert_rejected(Ineffective, |builder| {
            builder.public_origin("https://app.example").allow_origin(allowed)
        });
    }
    for domain in ["other.example", "b.app.example", "pp.example"] {
        assert_rejected(Conflict, |builder| {
            builder.public_origin("https://app.example").domain(domain)
        });
    }
    for domain in ["app.example", "example", "APP.example"] {
        assert_accepted(|builder| builder.public_origin("https://app.example").domain(domain));
    }
}

#[test]
fn rejects_weak_secrets() {
    for secret in
        [vec![], b"short".to_vec(), b"a secret of only 31 bytes......".to_vec(), vec![7; 64]]
    {
        assert_rejected(Key, |builder| builder.double_submit(secret.clone()));
    }
}

#[test]
fn debug_does_not_show_the_secret() {
    let builder = SessionCookies::builder().double_submit(*b"correct-horse-battery-staple-...");
    let shown = format!("{builder:?} {:?}", builder.clone().build().unwrap());
    assert!(!shown.contains("horse") && !shown.contains("99, 111"), "{shown}");
}
