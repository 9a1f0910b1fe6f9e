//! Reading the body of a request as Django REST framework's parsers do.

use axum::{
    body::{Body, Bytes},
    extract::{FromRequest, Multipart, Request},
};
use http::{HeaderMap, StatusCode, header::CONTENT_TYPE};
use serde_json::{Map, Value};

use crate::routes::{BodyError, BodyLimits, JsonObjectError, parse_object};

use super::response::{Problem, detail, detail_with_code, non_field};

/// The members of a body, or what is wrong with it.
pub(super) async fn read(
    request: Request,
    limits: BodyLimits,
) -> Result<Map<String, Value>, Problem> {
    let (parts, body) = request.into_parts();
    let body = limits.read(body).await.map_err(|error| match error {
        BodyError::TooLarge => detail_with_code(
            StatusCode::PAYLOAD_TOO_LARGE,
            "The request body is too large.",
            "body_too_large",
        ),
        BodyError::Timeout => detail_with_code(
            StatusCode::REQUEST_TIMEOUT,
            "The request body was not received in time.",
            "body_timeout",
        ),
        BodyError::Connection => {
            detail(StatusCode::BAD_REQUEST, "The request body could not be read.")
        }
    })?;
    if body.is_empty() {
        return Ok(Map::new());
    }
    let content_type = content_type(&parts.headers);
    let essence = content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    match &*essence {
        // A wildcard selects the first parser.
        "application/json" | "application/*" | "*/json" | "*/*" => json(&body),
        "application/x-www-form-urlencoded" | "*/x-www-form-urlencoded" => form(&body),
        "multipart/form-data" => multipart(Request::from_parts(parts, Body::from(body))).await,
        _ => Err(detail(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            format!("Unsupported media type \"{content_type}\" in request."),
        )),
    }
}

/// WSGI passes header values as Latin-1.
fn content_type(headers: &HeaderMap) -> String {
    let value = headers.get(CONTENT_TYPE);
    value
        .map(|value| value.as_bytes().iter().copied().map(char::from).collect())
        .unwrap_or_default()
}

fn json(body: &[u8]) -> Result<Map<String, Value>, Problem> {
    match parse_object(body) {
        Ok(members) => return Ok(members),
        Err(JsonObjectError::ReservedName) => return Err(parse_error("JSON", "Reserved member")),
        Err(JsonObjectError::Syntax | JsonObjectError::NotAnObject) => {}
    }
    Err(match serde_json::from_slice(body) {
        Ok(Value::Null) => non_field("No data provided"),
        Ok(Value::Object(_)) => parse_error("JSON", "Repeated member"),
        Ok(other) => {
            let found = python_type(&other);
            non_field(&format!("Invalid data. Expected a dictionary, but got {found}."))
        }
        Err(error) => {
            parse_error("JSON", &format!("line {} column {}", error.line(), error.column()))
        }
    })
}

/// The Python type of a JSON value.
fn python_type(value: &Value) -> &'static str {
    match value {
        Value::Null => "NoneType",
        Value::Bool(_) => "bool",
        Value::Number(number) if number.is_f64() => "float",
        Value::Number(_) => "int",
        Value::String(_) => "str",
        Value::Array(_) => "list",
        Value::Object(_) => "dict",
    }
}

fn form(body: &Bytes) -> Result<Map<String, Value>, Problem> {
    let mut members = Map::new();
    for (name, value) in form_urlencoded::parse(body) {
        insert(&mut members, "Form", name.into(), value.into_owned().into())?;
    }
    Ok(members)
}

async fn multipart(request: Request) -> Result<Map<String, Value>, Problem> {
    let malformed = |_| parse_error("Multipart form", "Malformed multipart");
    let no_boundary = |_| parse_error("Multipart form", "Invalid boundary in multipart: None");
    let mut parts = Multipart::from_request(request, &()).await.map_err(no_boundary)?;
    let mut members = Map::new();
    while let Some(part) = parts.next_field().await.map_err(malformed)? {
        let Some(name) = part.name().map(str::to_owned) else { continue };
        let is_file = part.file_name().is_some_and(|name| !name.is_empty());
        let bytes = part.bytes().await.map_err(malformed)?;
        let value = if is_file {
            // Not a string, and so an error if the view reads this field.
            Value::Object(Map::new())
        } else {
            String::from_utf8_lossy(&bytes).into()
        };
        insert(&mut members, "Multipart form", name, value)?;
    }
    Ok(members)
}

/// Rejects a repeated field: of two passwords, only one would be checked.
fn insert(
    members: &mut Map<String, Value>,
    format: &str,
    name: String,
    value: Value,
) -> Result<(), Problem> {
    match members.insert(name, value) {
        None => Ok(()),
        Some(_) => Err(parse_error(format, "Repeated field")),
    }
}

fn parse_error(format: &str, message: &str) -> Problem {
    detail(StatusCode::BAD_REQUEST, format!("{format} parse error - {message}"))
}
