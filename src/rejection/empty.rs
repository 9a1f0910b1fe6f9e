use http::Response;

use crate::error::AuthError;

use super::Rejection;

/// Responds with an empty body. The body type must implement `Default`.
#[derive(Clone, Copy, Debug, Default)]
pub struct EmptyRejection;

#[diagnostic::do_not_recommend]
impl<B: Default> Rejection<B> for EmptyRejection {
    fn reject(&self, error: &AuthError) -> Response<B> {
        let mut response = Response::new(B::default());
        *response.status_mut() = error.kind().status();
        response
    }
}
