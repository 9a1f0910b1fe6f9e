//! Traits that the public types implement.

use std::{convert::Infallible, fmt::Debug};

use axum::body::Body;
use http::{Request, Response};
use tower::{Layer, Service, service_fn};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, Clock, ConfigError, ConfigErrorKind, Issuer,
    JwtAuthLayer, KeySet, ManualClock, MemoryStore, NumericDate, RegisteredClaims, SigningKey,
    TokenRoutes, Verifier, VerifyingKey,
    guard::{Require, RequireLayer},
    issue::Tokens,
    middleware::{CrossSite, CrossSiteLayer, InvalidToken, JwtAuth},
    password::{MemoryUsers, PasswordError, PasswordHasher},
    rejection::{EmptyRejection, JsonRejection},
    store::{Session, Spent, StoreError},
    token::{ClaimNames, NoClaims, TokenType, UserId},
    transport::{SameSite, SessionCookies, SessionCookiesBuilder, TokenSource},
    user::{BackendError, User},
};

use crate::support::app::{InnerService, layer};

/// Claims that implement no trait.
struct Bare;

fn handle<T: Clone + Debug + Send + Sync + 'static>() {}

fn error<T: std::error::Error + Send + Sync + 'static>() {}

#[test]
fn handles_are_clone_debug_send_and_sync() {
    handle::<JwtAuthLayer>();
    handle::<JwtAuthLayer<Bare, EmptyRejection>>();
    handle::<JwtAuth<fn(), Bare>>();
    handle::<CrossSiteLayer>();
    handle::<CrossSiteLayer<EmptyRejection>>();
    handle::<CrossSite<(), EmptyRejection>>();
    handle::<(SameSite, SessionCookies, SessionCookiesBuilder)>();
    handle::<RequireLayer>();
    handle::<Require<fn(), EmptyRejection>>();
    handle::<Claims<Bare>>();
    handle::<RegisteredClaims>();
    handle::<Verifier<Bare>>();
    handle::<Issuer<Bare, Bare>>();
    handle::<TokenRoutes<Bare, Bare, Bare>>();
    handle::<MemoryUsers<Bare>>();
    handle::<PasswordHasher>();
    handle::<User<NoClaims>>();
    handle::<Tokens>();
    handle::<(Algorithm, KeySet, SigningKey, VerifyingKey)>();
    handle::<(AuthErrorKind, ConfigErrorKind, AuthError, ConfigError)>();
    handle::<(Clock, ManualClock, NumericDate, MemoryStore, Session, Spent)>();
    handle::<(ClaimNames, TokenType, UserId, TokenSource, InvalidToken)>();
    handle::<(JsonRejection, EmptyRejection)>();
    error::<AuthError>();
    error::<ConfigError>();
    error::<StoreError>();
    error::<BackendError>();
    error::<PasswordError>();
}

#[test]
fn futures_are_send_if_the_inner_ones_are() {
    fn sent<T: Send + 'static>(_: &T) {}
    let mut service = layer().layer(service_fn(|_: Request<Body>| async {
        Ok::<_, Infallible>(Response::new(Body::empty()))
    }));
    sent(&service);
    sent(&service.call(Request::new(Body::empty())));
    let mut service = RequireLayer::new(|_: &Claims| true).layer(service);
    sent(&service.call(Request::new(Body::empty())));
    let cookies = SessionCookies::builder().build().unwrap();
    let mut service = CrossSiteLayer::new(&cookies).layer(service);
    sent(&service.call(Request::new(Body::empty())));
}

#[test]
fn accepts_services_that_are_not_send() {
    let local = std::rc::Rc::new(());
    let mut service = layer().layer(service_fn(move |_: Request<String>| {
        let local = std::rc::Rc::clone(&local);
        async move { Ok::<_, Infallible>(Response::new(format!("{local:?}"))) }
    }));
    drop(service.call(Request::new(String::new())));
}

#[test]
fn layers_have_no_bounds_on_the_inner_service() {
    let _: JwtAuth<()> = layer().layer(());
    let _: Require<()> = RequireLayer::scope("read").layer(());
    let cookies = SessionCookies::builder().build().unwrap();
    let _: CrossSite<()> = CrossSiteLayer::new(&cookies).layer(());
    let _: JwtAuth<InnerService> = layer().layer(InnerService::new(&Default::default()));
}
