//! Header fields that carry tokens, above all `Authorization`. `TOKEN` stands for a valid token.

#![no_main]

use std::sync::LazyLock;

use axum::{Router, body::Body, routing::get};
use fuzz::{clock, fields, key, send, valid_token};
use http::{HeaderName, HeaderValue, Request, header::AUTHORIZATION};
use libfuzzer_sys::fuzz_target;
use tower_jwt_auth::{
    Claims, JwtAuthLayer, Verifier, middleware::InvalidToken, transport::TokenSource,
};

struct Apps {
    bearer: Router,
    /// With all sources that are not cookies.
    all: Router,
    optional: Router,
}

static APPS: LazyLock<Apps> = LazyLock::new(|| {
    let verifier: Verifier = Verifier::builder(key()).clock(clock()).build().unwrap();
    let layer = JwtAuthLayer::new(verifier);
    let app = |layer: JwtAuthLayer| {
        let handler = get(|claims: Option<Claims>| async move {
            claims.map(|claims| claims.user_id().to_string()).unwrap_or_default()
        });
        Router::new().route("/", handler).layer(layer)
    };
    let all = layer
        .clone()
        .with_source(TokenSource::authorization(["Bearer", "JWT"]).unwrap())
        .with_additional_source(TokenSource::header(HeaderName::from_static("x-token")))
        .with_additional_source(TokenSource::websocket_protocol("token").unwrap())
        .with_additional_source(TokenSource::insecure_query("token").unwrap());
    Apps {
        bearer: app(layer.clone()),
        all: app(all),
        optional: app(layer.with_optional(InvalidToken::Ignore)),
    }
});

/// Whether the lines are one line with the scheme `Bearer`, spaces and a valid token.
fn is_bearer(lines: &[&HeaderValue]) -> bool {
    let [line] = lines else { return false };
    let line = line.as_bytes().trim_ascii();
    let Some((scheme, rest)) = line.split_at_checked("Bearer".len()) else { return false };
    let spaces = rest.iter().take_while(|byte| **byte == b' ').count();
    scheme.eq_ignore_ascii_case(b"Bearer")
        && spaces > 0
        && rest[spaces..] == *valid_token().as_bytes()
}

fuzz_target!(|lines: &[u8]| {
    let Some(fields) = fields(lines) else { return };
    let request = |path: &str| {
        let mut request = Request::get(path).body(Body::empty()).unwrap();
        for (name, value) in &fields {
            request.headers_mut().append(name, value.clone());
        }
        request
    };
    let lines = fields.iter().filter(|(name, _)| name == AUTHORIZATION);
    let lines: Vec<_> = lines.map(|(_, value)| value).collect();
    let expected = is_bearer(&lines);

    let Apps { bearer, all, optional } = &*APPS;
    let (status, body) = send(bearer, request("/"));
    assert_eq!(status == 200, expected, "{status}");
    assert!([200, 400, 401].contains(&status.as_u16()));
    assert!(body == b"42" || status != 200);

    let (status, body) = send(optional, request("/"));
    assert!([200, 400].contains(&status.as_u16()), "{status}");
    assert_eq!(body == b"42", expected);

    for path in ["/", "/?token=x", &format!("/?token={}", valid_token())] {
        let (status, body) = send(all, request(path));
        assert!([200, 400, 401].contains(&status.as_u16()), "{status}");
        assert!(body == b"42" || body.is_empty() || status != 200);
    }
});
