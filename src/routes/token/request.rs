//! The fields of a request to the token routes.

use axum::{body::Bytes, extract::Request, response::Response};

use crate::user::{Credentials, FieldErrors, Fields};

use super::{
    super::{
        body::BodyError,
        json_object::{JsonObjectError, parse_object},
    },
    response::{
        invalid_body, invalid_fields, timed_out, too_large, unsupported_encoding,
        unsupported_media_type,
    },
    settings::TokenSettings,
};

/// Reads the body, or returns the response that rejects it.
pub(super) async fn body<C, R>(
    request: Request,
    settings: &TokenSettings<C, R>,
) -> Result<Bytes, Response> {
    let body = settings.body_limits.read_as("application/json", request).await;
    body.map_err(|error| match error {
        BodyError::MediaType => unsupported_media_type(),
        BodyError::RepeatedMediaType => invalid_body("The request has several media types."),
        BodyError::Encoded => unsupported_encoding(),
        BodyError::TooLarge => too_large(),
        BodyError::Timeout => timed_out(),
        BodyError::Connection => invalid_body("The request body could not be read."),
    })
}

/// Why a body has been rejected.
pub(super) enum InvalidBody {
    /// It is not an object that is accepted.
    Object(&'static str),
    Fields(FieldErrors),
}

impl InvalidBody {
    pub(super) fn response(&self) -> Response {
        match self {
            Self::Object(detail) => invalid_body(detail),
            Self::Fields(errors) => invalid_fields(errors),
        }
    }
}

/// The credentials in a body.
pub(super) fn credentials<T: Credentials, C, R>(
    body: &[u8],
    settings: &TokenSettings<C, R>,
) -> Result<T, InvalidBody> {
    let mut fields = fields(body, settings)?;
    match T::from_fields(&mut fields) {
        Some(credentials) if fields.errors().is_empty() => Ok(credentials),
        _ => Err(InvalidBody::Fields(fields.errors().clone())),
    }
}

/// Reads the token in the field `name` of the body.
pub(super) async fn token<C, R>(
    request: Request,
    settings: &TokenSettings<C, R>,
    name: &str,
) -> Result<String, Response> {
    let body = body(request, settings).await?;
    let mut fields = fields(&body, settings).map_err(|invalid| invalid.response())?;
    let token = fields.required_string(name);
    token.ok_or_else(|| invalid_fields(fields.errors()))
}

fn fields<C, R>(body: &[u8], settings: &TokenSettings<C, R>) -> Result<Fields, InvalidBody> {
    let members = parse_object(body).map_err(|error| {
        InvalidBody::Object(match error {
            JsonObjectError::Syntax => "The request body is not valid JSON.",
            JsonObjectError::NotAnObject => {
                "The request body must be a JSON object without duplicate members."
            }
            JsonObjectError::ReservedName => "The request body has a reserved member name.",
        })
    })?;
    Ok(Fields::new(members).with_renamed(&settings.renamed))
}
