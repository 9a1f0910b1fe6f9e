//! Layers inside each other: the innermost decides who the user is.

use axum::{
    Router,
    body::Body,
    middleware::{Next, from_fn},
    response::Response,
    routing::get,
};
use http::{Extensions, HeaderName, Request, header::AUTHORIZATION};
use serde::de::DeserializeOwned;
use tower_jwt_auth::{
    AuthError, Claims, JwtAuthLayer, MemoryStore, RegisteredClaims, middleware::InvalidToken,
    token::NoClaims, transport::TokenSource,
};

use crate::support::{
    app::{Profile, layer_of, token},
    reply::send,
    slow_store::{SlowStore, Verdict},
};

const OUTER: HeaderName = HeaderName::from_static("x-outer-token");

/// How a layer decides about the request.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Mode {
    Required,
    Optional,
    /// Passes the request on without claims, because it carries no token for this layer.
    Absent,
    /// Passes the request on without claims, because the token for this layer is invalid.
    Ignored,
}

impl Mode {
    const ALL: [Self; 4] = [Self::Required, Self::Optional, Self::Absent, Self::Ignored];

    fn is_anonymous(self) -> bool {
        matches!(self, Self::Absent | Self::Ignored)
    }

    fn apply<C>(self, layer: JwtAuthLayer<C>) -> JwtAuthLayer<C> {
        match self {
            Self::Required => layer,
            Self::Optional | Self::Absent => layer.with_optional(InvalidToken::Reject),
            Self::Ignored => layer.with_optional(InvalidToken::Ignore),
        }
    }

    /// The token for this layer.
    fn token(self, user_id: &str) -> Option<String> {
        let user_id = format!("\"{user_id}\"");
        match self {
            Self::Required | Self::Optional => {
                Some(token(&[("user_id", &user_id), ("username", r#""ada""#)]))
            }
            Self::Absent => None,
            Self::Ignored => Some("invalid".to_owned()),
        }
    }
}

fn user<C: ?Sized>(claims: &Claims<C>) -> String {
    claims.user_id().to_string()
}

/// Who a reader has found.
fn found<C: ?Sized>(result: &Result<Option<Claims<C>>, AuthError>) -> String {
    match result {
        Ok(Some(claims)) => user(claims),
        Ok(None) => "nobody".to_owned(),
        Err(error) => format!("{:?}", error.kind()),
    }
}

/// Who the readers of `Claims<O>`, `Claims<I>` and `RegisteredClaims` find.
async fn readers<O: Send + Sync + 'static, I: Send + Sync + 'static>(
    outer: Result<Option<Claims<O>>, AuthError>,
    required: Result<Claims<O>, AuthError>,
    inner: Result<Option<Claims<I>>, AuthError>,
    registered: Result<Option<RegisteredClaims>, AuthError>,
    extensions: Extensions,
) -> String {
    let is_found = matches!(outer, Ok(Some(_)));
    assert_eq!(required.is_ok(), is_found);
    assert_eq!(extensions.get::<Claims<O>>().is_some(), is_found);
    format!("{} {} {}", found(&outer), found(&inner), found(&registered))
}

/// The token of the outer layer is in a header of its own, that of the inner one in `Authorization`.
fn request(outer: Option<String>, inner: Option<String>) -> Request<Body> {
    let mut request = Request::get("/");
    if let Some(outer) = outer {
        request = request.header(OUTER, outer);
    }
    if let Some(inner) = inner {
        request = request.header(AUTHORIZATION, format!("Bearer {inner}"));
    }
    request.body(Body::empty()).unwrap()
}

fn outer_source<C>(layer: JwtAuthLayer<C>) -> JwtAuthLayer<C> {
    layer.with_source(TokenSource::header(OUTER))
}

async fn check_combinations<O, I>(are_of_one_type: bool)
where
    O: DeserializeOwned + Send + Sync + 'static,
    I: DeserializeOwned + Send + Sync + 'static,
{
    for outer in Mode::ALL {
        for inner in Mode::ALL {
            let layers = [
                layer_of::<I>(),
                layer_of::<I>().with_revocation_check(MemoryStore::new()),
                layer_of::<I>().with_revocation_check(SlowStore::released(Verdict::NotRevoked)),
            ];
            for layer in layers {
                let app = Router::new()
                    .route("/", get(readers::<O, I>))
                    .layer(inner.apply(layer))
                    .layer(outer.apply(outer_source(layer_of::<O>())));
                let reply = send(&app, request(outer.token("7"), inner.token("42"))).await;
                let user = if inner.is_anonymous() { "nobody" } else { "42" };
                let outer_user = if are_of_one_type { user } else { "Misconfigured" };
                let expected = format!("{outer_user} {user} {user}");
                assert_eq!(reply.body, expected, "{outer:?} {inner:?}");
            }
        }
    }
}

#[tokio::test]
async fn the_claims_of_an_outer_layer_are_removed() {
    check_combinations::<NoClaims, Profile>(false).await;
    check_combinations::<Profile, NoClaims>(false).await;
    check_combinations::<Profile, Profile>(true).await;
}

#[tokio::test]
async fn the_innermost_of_three_layers_decides() {
    for (innermost, expected) in [
        (Mode::Required, "8 Misconfigured 8"),
        (Mode::Optional, "8 Misconfigured 8"),
        (Mode::Absent, "nobody Misconfigured nobody"),
    ] {
        let at_header = layer_of::<Profile>()
            .with_source(TokenSource::header(HeaderName::from_static("x-access")));
        let app = Router::new()
            .route("/", get(readers::<Profile, NoClaims>))
            .layer(innermost.apply(at_header))
            .layer(layer_of::<NoClaims>())
            .layer(outer_source(layer_of::<Profile>()));
        let mut request = request(Mode::Required.token("7"), Mode::Required.token("42"));
        if let Some(token) = innermost.token("8") {
            request.headers_mut().insert("x-access", token.parse().unwrap());
        }
        assert_eq!(send(&app, request).await.body, expected, "{innermost:?}");
    }
}

#[tokio::test]
async fn middleware_between_two_layers_sees_the_outer_claims() {
    async fn add_user(claims: Claims, request: axum::extract::Request, next: Next) -> Response {
        let mut response = next.run(request).await;
        response.headers_mut().insert("x-user", user(&claims).parse().unwrap());
        response
    }
    let app = Router::new()
        .route("/", get(readers::<NoClaims, Profile>))
        .layer(layer_of::<Profile>())
        .layer(from_fn(add_user))
        .layer(outer_source(layer_of::<NoClaims>()));
    let request = request(Mode::Required.token("7"), Mode::Required.token("42"));
    let reply = send(&app, request).await;
    assert_eq!(reply.header("x-user"), ["7"]);
    assert_eq!(reply.body, "Misconfigured 42 42");
}
