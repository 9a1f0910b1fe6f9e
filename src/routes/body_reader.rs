//! Reading JSON bodies and their fields.

use axum::{body::Bytes, extract::Request};
use http::HeaderMap;

use crate::user::Fields;

use super::{
    body::{BodyLimits, MediaType},
    json_object::{JsonObjectError, parse_object},
    request_error::RequestError,
};

#[derive(Clone, Default)]
pub(crate) struct BodyReader {
    pub(crate) limits: BodyLimits,
    /// The name used by this crate and the name used by clients, of each renamed field.
    pub(super) renamed: Vec<(&'static str, String)>,
}

impl BodyReader {
    /// The client's name of the field `name`.
    pub(super) fn client_name<'a>(&'a self, name: &'a str) -> &'a str {
        let renamed = self.renamed.iter().find(|(own, _)| *own == name);
        renamed.map_or(name, |(_, client_name)| client_name)
    }

    pub(crate) async fn read(&self, request: Request) -> Result<Bytes, RequestError> {
        Ok(self.read_with_headers(request).await?.0)
    }

    pub(super) async fn read_with_headers(
        &self,
        request: Request,
    ) -> Result<(Bytes, HeaderMap), RequestError> {
        let (parts, body) = request.into_parts();
        let body = self.limits.read_as(MediaType::Json, &parts.headers, body).await?;
        Ok((body, parts.headers))
    }

    pub(crate) fn fields(&self, body: &[u8]) -> Result<Fields, RequestError> {
        let members = parse_object(body).map_err(|error| {
            RequestError::invalid_body(match error {
                JsonObjectError::Syntax => "The request body is not valid JSON.",
                JsonObjectError::NotAnObject => {
                    "The request body must be a JSON object without duplicate members."
                }
                JsonObjectError::ReservedName => "The request body has a reserved member name.",
            })
        })?;
        Ok(Fields::new(members).with_renamed(&self.renamed))
    }

    /// Reads the string in the field `name` of the request's body.
    pub(crate) async fn string(
        &self,
        request: Request,
        name: &str,
    ) -> Result<String, RequestError> {
        let body = self.read(request).await?;
        let mut fields = self.fields(&body)?;
        let value = fields.required_string(name);
        value.ok_or_else(|| RequestError::invalid_fields(fields.errors()))
    }
}
