//! The inner service is called only after it was polled ready, and cloned only where it must be.

use std::{future::poll_fn, mem::size_of, sync::Arc, time::Duration};

use futures::FutureExt;
use http::{Request, Response};
use tower::{
    Layer, Service, ServiceBuilder, ServiceExt, buffer::BufferLayer, limit::ConcurrencyLimitLayer,
};
use tower_jwt_auth::{AuthError, AuthErrorKind, JwtAuthLayer, MemoryStore, middleware::JwtAuth};

use crate::support::{
    app::{InnerService, NotReady, Notes, bearer, layer, request, valid_token},
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

/// The service behind `layer`, called three times in a row; how often it was cloned.
async fn clones_in_three_calls(
    layer: JwtAuthLayer,
    request: impl Fn() -> Request<String>,
) -> usize {
    let notes: Arc<Notes> = Arc::default();
    let mut service = layer.layer(InnerService::new(&notes));
    for _ in 0..3 {
        call(&mut service, request()).await.unwrap();
    }
    notes.clones()
}

#[tokio::test]
async fn the_ready_service_is_called_and_cloned_only_for_a_lookup() {
    let good = || bearer(&valid_token());
    let slow = || layer().with_revocation_check(SlowStore::released(Verdict::NotRevoked));
    assert_eq!(clones_in_three_calls(layer(), good).await, 0);
    assert_eq!(clones_in_three_calls(layer(), request).await, 0);
    let memory = layer().with_revocation_check(MemoryStore::new());
    assert_eq!(clones_in_three_calls(memory, good).await, 0);
    assert_eq!(clones_in_three_calls(slow(), good).await, 3);
    assert_eq!(clones_in_three_calls(slow(), request).await, 0);
}

#[tokio::test]
async fn a_call_without_readiness_is_the_callers_fault() {
    let notes: Arc<Notes> = Arc::default();
    let mut service = layer().layer(InnerService::new(&notes));
    assert!(matches!(service.call(bearer(&valid_token())).await, Err(NotReady)));
    assert!(notes.entered().is_empty());
}

#[tokio::test]
async fn an_inner_service_that_is_not_ready_is_waited_for() {
    let notes: Arc<Notes> = Arc::default();
    let limited = ConcurrencyLimitLayer::new(0).layer(InnerService::new(&notes));
    let mut service = layer().layer(limited);
    let readiness = poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx));
    assert!(readiness.now_or_never().is_none());
}

#[tokio::test]
async fn a_permit_is_held_while_the_store_is_asked_and_given_back() {
    let ready = |service: &JwtAuth<_>| {
        let mut service: JwtAuth<_> = service.clone();
        poll_fn(move |cx| Service::<Request<String>>::poll_ready(&mut service, cx))
            .now_or_never()
            .is_some()
    };
    for verdict in [Verdict::NotRevoked, Verdict::Revoked, Verdict::Fails("down")] {
        let (notes, store): (Arc<Notes>, _) = (Arc::default(), SlowStore::new(verdict));
        let limited = ConcurrencyLimitLayer::new(1).layer(InnerService::new(&notes));
        let mut service = layer().with_revocation_check(store.clone()).layer(limited);

        // Cancelled while the store is being asked.
        poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx)).await.unwrap();
        let mut response = service.call(bearer(&valid_token())).boxed();
        assert!(futures::poll!(&mut response).is_pending());
        assert!(!ready(&service));
        drop(response);
        assert!(ready(&service));

        // Answered.
        poll_fn(|cx| Service::<Request<String>>::poll_ready(&mut service, cx)).await.unwrap();
        let mut response = service.call(bearer(&valid_token())).boxed();
        assert!(futures::poll!(&mut response).is_pending());
        assert!(!ready(&service) && notes.entered().is_empty());
        store.release();
        response.await.unwrap();
        assert!(ready(&service));
        assert_eq!(
            (store.asked(), notes.entered().len()),
            (2, usize::from(verdict.is_not_revoked()))
        );
    }
}

#[tokio::test]
async fn it_stands_in_a_stack_of_other_middleware() {
    for store in [None, Some(SlowStore::released(Verdict::NotRevoked))] {
        let auth = match store {
            Some(store) => layer().with_revocation_check(store),
            None => layer(),
        };
        let notes: Arc<Notes> = Arc::default();
        let service = ServiceBuilder::new()
            .layer(BufferLayer::new(4))
            .concurrency_limit(2)
            .layer(auth)
            .layer(BufferLayer::new(4))
            .concurrency_limit(1)
            .map_err(|NotReady| "called before it was ready")
            .service(InnerService::new(&notes));
        let calls = (0..20).map(|turn| {
            let request = if turn % 2 == 0 { bearer(&valid_token()) } else { request() };
            service.clone().oneshot(request)
        });
        let calls = futures::future::try_join_all(calls);
        // A permit that is lost would let them wait for ever.
        let responses = tokio::time::timeout(Duration::from_secs(20), calls).await.unwrap();
        let refused = responses.unwrap().iter().filter_map(kind).count();
        assert_eq!((refused, notes.entered().len()), (10, 10));
    }
}

#[test]
fn the_future_is_hardly_larger_than_what_it_holds() {
    let mut service = layer().layer(InnerService::new(&Arc::default()));
    let future = service.call(request());
    let larger = size_of::<Response<String>>()
        .max(size_of::<<InnerService as Service<Request<String>>>::Future>());
    assert!(size_of_val(&future) <= larger + 2 * size_of::<usize>(), "{}", size_of_val(&future));
}
