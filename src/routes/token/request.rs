//! The fields of a request to the token routes.

use axum::{extract::Request, response::Response};
use serde_json::{Map, Value};

use crate::user::Fields;

use super::{
    super::{
        body::{BodyError, BodyLimits},
        json_object::{JsonObjectError, parse_object},
    },
    response::{invalid_body, invalid_fields, timed_out, too_large, unsupported_media_type},
    settings::TokenSettings,
};

/// Reads the fields of the body, or returns the response that rejects it.
pub(super) async fn fields<C, R>(
    request: Request,
    settings: &TokenSettings<C, R>,
) -> Result<Fields, Response> {
    let members = members(request, &settings.body_limits).await?;
    Ok(Fields::new(members).with_renamed(&settings.renamed))
}

/// Reads the token in the field `name` of the body.
pub(super) async fn token<C, R>(
    request: Request,
    settings: &TokenSettings<C, R>,
    name: &str,
) -> Result<String, Response> {
    let mut fields = fields(request, settings).await?;
    let token = fields.required_string(name);
    token.ok_or_else(|| invalid_fields(fields.errors()))
}

async fn members(request: Request, limits: &BodyLimits) -> Result<Map<String, Value>, Response> {
    let body = limits.read_as("application/json", request).await.map_err(|error| match error {
        BodyError::MediaType => unsupported_media_type(),
        BodyError::TooLarge => too_large(),
        BodyError::Timeout => timed_out(),
        BodyError::Connection => invalid_body("The request body could not be read."),
    })?;
    parse_object(&body).map_err(|error| {
        invalid_body(match error {
            JsonObjectError::Syntax => "The request body is not valid JSON.",
            JsonObjectError::NotAnObject => {
                "The request body must be a JSON object without duplicate members."
            }
            JsonObjectError::ReservedName => "The request body has a reserved member name.",
        })
    })
}
