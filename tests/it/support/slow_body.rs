//! A body that never ends.

use std::{convert::Infallible, time::Duration};

use axum::body::Body;
use futures::stream;
use tokio::time::sleep;

/// Sends one byte after each `pause`.
pub(crate) fn slow_body(pause: Duration) -> Body {
    let bytes = stream::unfold((), move |()| async move {
        sleep(pause).await;
        Some((Ok::<_, Infallible>(" "), ()))
    });
    Body::from_stream(bytes)
}
