//! Reading forms.

use axum::body::Body;
use http::HeaderMap;

use super::{
    body::{BodyLimits, MediaType},
    request_error::RequestError,
};

/// The parameters of a form, each with a value.
pub(super) struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body with these headers.
    pub(super) async fn read(
        headers: &HeaderMap,
        body: Body,
        limits: &BodyLimits,
    ) -> Result<Self, RequestError> {
        let body = limits.read_as(MediaType::Form, headers, body).await?;
        let parameters: Vec<_> = form_urlencoded::parse(&body).into_owned().collect();
        // RFC 6749 section 3.2: no parameter may be repeated, and one without a value counts as
        // missing.
        let mut names: Vec<_> = parameters.iter().map(|(name, _)| name).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(RequestError::invalid_body("A parameter is repeated."));
        }
        Ok(Self(parameters.into_iter().filter(|(_, value)| !value.is_empty()).collect()))
    }

    /// Removes the parameter `name`.
    pub(super) fn take(&mut self, name: &str) -> Option<String> {
        let index = self.0.iter().position(|(other, _)| other == name)?;
        Some(self.0.swap_remove(index).1)
    }

    /// The parameters that have not been taken.
    pub(super) fn into_parameters(self) -> impl Iterator<Item = (String, String)> {
        self.0.into_iter()
    }
}
