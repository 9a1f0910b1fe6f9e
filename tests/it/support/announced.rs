//! A body that says to be too long, and must not be asked for.

use std::{
    convert::Infallible,
    pin::Pin,
    task::{Context, Poll},
};

use axum::body::Bytes;
use hyper::body::{Body, Frame, SizeHint};

/// A byte more than token routes read.
pub(crate) struct Announced;

impl Body for Announced {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        panic!("it was asked for")
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(16 * 1024 + 1)
    }
}
