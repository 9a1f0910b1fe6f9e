//! The inner service is called only after it was polled ready, and cloned only if necessary.

use std::{future::poll_fn, mem::size_of, sync::Arc, time::Duration};

use futures::FutureExt;
use http::{Request, Response};
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
};
use tower_jwt_auth::{AuthError, AuthErrorKind, JwtAuthLayer, MemoryStore, middleware::JwtAuth};

use crate::support::{
    app::{Calls, InnerService, NotReady, bearer, layer, request, valid_token},
    slow_store::{SlowStore, Verdict},
};

fn kind<B>(response: &Response<B>) -> Option<AuthErrorKind> {
    response.extensions().get().map(AuthError::kind)
}

/// Polls `service` ready, then calls it.
async fn call<S>(service: &mut S, request: Request<String>) -> Result<S::Response, S::Error>
where
    S: Service<Request<String>>,
{
    poll_fn(|cx| service.poll_ready(cx)).await?;
    service.call(request).await
}

/// How often the inner service is cloned in three calls.
async fn clones_in_three_calls(
    layer: JwtAuthLayer,
    request: impl Fn() -> Request<String>,
) -> usize {
    let calls: Arc<Calls> = Arc::default();
    let mut service = layer.layer(InnerService::new(&calls));
    for _ in 0..3 {
        call(&mut service, request()).await.unwrap();
    }
    calls.clones()
}

#[tokio::test]
async fn clones_the_inner_service_only_for_a_lookup() {
    let valid = || bearer(&valid_token());
    let slow = || layer().with_revocation_check(SlowStore::released(Verdict::NotRevoked));
    assert_eq!(clones_in_three_calls(layer(), valid).await, 0);
    assert_eq!(clones_in_three_calls(layer(), request).await, 0);
    let memory = layer().with_revocation_check(MemoryStore::new());
    assert_eq!(clones_in_three_calls(memory, valid).await, 0);
    assert_eq!(clones_in_three_calls(slow(), valid).await, 3);
    assert_eq!(clones_in_three_calls(slow(), request).await, 0);
}

#[tokio::test]
async fn a_call_without_poll_ready_fails() {
    let calls: Arc<Calls> = Arc::default();
    let mut service = layer().layer(InnerService::new(&calls));
    assert!(matches!(service.call(bearer(&valid_token())).await, Err(NotReady)));
    assert!(calls.users().is_empty());
}

#[tokio::test]
async fn is_not_ready_before_the_inner_service_is() {
    let calls: Arc<Calls> = Arc::default();
    let limited = ConcurrencyLimitLayer::new(0).layer(InnerService::new(&calls));
    let mut service = layer().layer(limited);
    let readiness = poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx));
    assert!(readiness.now_or_never().is_none());
}

#[tokio::test]
async fn holds_a_permit_while_the_store_is_called() {
    let ready = |service: &JwtAuth<_>| {
        let mut service: JwtAuth<_> = service.clone();
        poll_fn(move |cx| Service::<Request<String>>::poll_ready(&mut service, cx))
            .now_or_never()
            .is_some()
    };
    for verdict in [Verdict::NotRevoked, Verdict::Revoked, Verdict::Fails("down")] {
        let (calls, store): (Arc<Calls>, _) = (Arc::default(), SlowStore::new(verdict));
        let limited = ConcurrencyLimitLayer::new(1).layer(InnerService::new(&calls));
        let mut service = layer().with_revocation_check(store.clone()).layer(limited);

        // Cancelled while the store is called.
        poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx)).await.unwrap();
        let mut response = service.call(bearer(&valid_token())).boxed();
        assert!(futures::poll!(&mut response).is_pending());
        assert!(!ready(&service));
        drop(response);
        assert!(ready(&service));

        // Completed.
        poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx)).await.unwrap();
        let mut response = service.call(bearer(&valid_token())).boxed();
        assert!(futures::poll!(&mut response).is_pending());
        assert!(!ready(&service) && calls.users().is_empty());
        store.release();
        response.await.unwrap();
        assert!(ready(&service));
        assert_eq!(
            (store.asked(), calls.users().len()),
            (2, usize::from(verdict.is_not_revoked()))
        );
    }
}

#[tokio::test]
async fn composes_with_other_middleware() {
    for store in [None, Some(SlowStore::released(Verdict::NotRevoked))] {
        let auth = match store {
            Some(store) => layer().with_revocation_check(store),
            None => layer(),
        };
        let calls: Arc<Calls> = Arc::default();
        let service = ServiceBuilder::new()
            .layer(BufferLayer::new(4))
            .concurrency_limit(2)
            .layer(auth)
            .layer(BufferLayer::new(4))
            .concurrency_limit(1)
            .map_err(|NotReady| "called before it was ready")
            .service(InnerService::new(&calls));
        let requests = (0..20).map(|turn| {
            let request = if turn % 2 == 0 { bearer(&valid_token()) } else { request() };
            service.clone().oneshot(request)
        });
        let responses = futures::future::try_join_all(requests);
        // With a lost permit they would wait for ever.
        let responses = tokio::time::timeout(Duration::from_secs(20), responses).await.unwrap();
        let rejected = responses.unwrap().iter().filter_map(kind).count();
        assert_eq!((rejected, calls.users().len()), (10, 10));
    }
}

#[test]
fn the_future_is_small() {
    let mut service = layer().layer(InnerService::new(&Arc::default()));
    let future = service.call(request());
    let larger = size_of::<Response<String>>()
        .max(size_of::<<InnerService as Service<Request<String>>>::Future>());
    assert!(size_of_val(&future) <= larger + 2 * size_of::<usize>(), "{}", size_of_val(&future));
}
