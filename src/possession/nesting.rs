use std::{error::Error, fmt};

use axum::extract::NestedPath;
use http::Request;

use crate::error::{AuthError, AuthErrorKind};

/// The paths of the routers of axum in which a route is nested. They have removed the beginning of
/// the path.
pub(super) struct Nesting(NestedPath);

impl Nesting {
    pub(super) fn of<B>(request: &Request<B>) -> Option<Self> {
        request.extensions().get().cloned().map(Self)
    }

    /// The path as the client has sent it, and whether it may have had a slash at its end. `rest` is
    /// what the routers have left of it.
    pub(super) fn path(&self, rest: &str) -> Result<(String, bool), AuthError> {
        let start = self.0.as_str().trim_end_matches('/');
        if start.contains('{') {
            return Err(AuthError::with_source(AuthErrorKind::Misconfigured, NestedBelowCapture));
        }
        // Of `/start` and `/start/`, `/` remains.
        Ok(match rest {
            "/" => (start.to_owned(), true),
            _ => (format!("{start}{rest}"), false),
        })
    }
}

/// The value of a capture is not known.
#[derive(Debug)]
struct NestedBelowCapture;

impl fmt::Display for NestedBelowCapture {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a layer with DPoP is inside a router that is nested at a path with captures: put it \
             around the outer router",
        )
    }
}

impl Error for NestedBelowCapture {}
