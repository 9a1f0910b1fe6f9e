//! Against the introspection route of this crate.

use std::{error::Error, time::Duration};

use axum::{
    Router,
    body::Body,
    extract::Request as Incoming,
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use http::{Request, StatusCode, header::AUTHORIZATION};
use serde_json::Value;
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthErrorKind, Claims, Issuer,
    http_client::HttpClient,
    introspection::{ClientAuth, Introspection, IntrospectionErrorKind},
    routes::OAuthRoutes,
};

use super::{cause, outcome};
use crate::support::{
    flaky::StoreFailure,
    login::{Profile, Setup, ada, refresh_of},
};

async fn authenticate_client(request: Incoming, next: Next) -> Response {
    match request.headers().get(AUTHORIZATION) {
        // api:secret
        Some(credentials) if credentials == "Basic YXBpOnNlY3JldA==" => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

/// Sends requests to a router in this process.
struct InProcess(Router);

impl HttpClient for InProcess {
    type Body = Body;

    async fn send(
        &self,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Body>, Box<dyn Error + Send + Sync>> {
        Ok(self.0.clone().oneshot(request.map(Body::from)).await?)
    }
}

fn introspection(setup: &Setup, issuer: &Issuer<Profile>, secret: &str) -> Introspection<Profile> {
    let routes = OAuthRoutes::builder(issuer.clone(), middleware::from_fn(authenticate_client));
    let routes = routes.at("/oauth").claim("sid").build().unwrap().into_router();
    let auth = ClientAuth::basic("api", secret);
    Introspection::builder("https://login.example/oauth/introspect", auth)
        .client(InProcess(routes))
        .issuer("https://login.example")
        .audience("api")
        .claims::<Profile>()
        .clock(&setup.clock)
        .build()
        .unwrap()
}

#[tokio::test]
async fn the_claims_are_those_of_the_token() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://login.example").audience("api").build().unwrap();
    let tokens = issuer.login(&ada().with_scopes(["read"])).await.unwrap();
    let introspection = introspection(&setup, &issuer, "secret");
    let claims: Claims<Profile> = introspection.introspect(tokens.access()).await.unwrap();
    let verified = issuer.verifier().verify(tokens.access()).unwrap();
    assert_eq!(claims.user_id(), verified.user_id());
    assert_eq!(claims.username, verified.username);
    assert_eq!(claims.jti(), verified.jti());
    assert_eq!(claims.session_id(), verified.session_id());
    assert_eq!(claims.expires_at(), verified.expires_at());
    assert!(claims.has_scope("read"));
    let json: Value = serde_json::from_str(claims.json()).unwrap();
    assert_eq!(json["active"], true);
}

#[tokio::test]
async fn other_tokens_are_inactive() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://login.example").audience("api").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let introspection = introspection(&setup, &issuer, "secret");
    for token in [refresh_of(&tokens), "opaque", &tokens.access()[1..]] {
        let introspected = introspection.introspect(token).await;
        assert_eq!(outcome(introspected), Err(AuthErrorKind::Inactive));
    }
}

#[tokio::test]
async fn a_logout_counts_after_a_minute() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://login.example").audience("api").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let introspection = introspection(&setup, &issuer, "secret");
    let accepted = Ok("1".to_owned());
    assert_eq!(outcome(introspection.introspect(tokens.access()).await), accepted);
    issuer.logout(refresh_of(&tokens)).await.unwrap();
    assert_eq!(outcome(introspection.introspect(tokens.access()).await), accepted);
    setup.clock.advance(Duration::from_secs(60));
    let ended = introspection.introspect(tokens.access()).await;
    assert_eq!(outcome(ended), Err(AuthErrorKind::Inactive));
}

#[tokio::test]
async fn wrong_credentials_and_outages_are_503() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://login.example").audience("api").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let wrong = introspection(&setup, &issuer, "another secret");
    let status = IntrospectionErrorKind::Status(StatusCode::UNAUTHORIZED);
    assert_eq!(cause(wrong.introspect(tokens.access()).await), status);
    let introspection = introspection(&setup, &issuer, "secret");
    setup.store.set_failure(StoreFailure::Errors);
    let status = IntrospectionErrorKind::Status(StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(cause(introspection.introspect(tokens.access()).await), status);
    setup.store.set_failure(StoreFailure::None);
    assert_eq!(outcome(introspection.introspect(tokens.access()).await), Ok("1".to_owned()));
}
