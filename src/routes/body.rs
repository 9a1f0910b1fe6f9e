//! Reading a request's body.

use std::fmt;

use axum::{
    body::{Body, Bytes, HttpBody},
    extract::Request,
    response::Response,
};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::reply;

/// Why there is no body to look at.
pub(crate) enum BodyError {
    MediaType,
    TooLarge,
    Unreadable,
}

/// The members of the request's body, or the answer that tells what is wrong with it.
pub(super) async fn read(request: Request, limit: usize) -> Result<Map<String, Value>, Response> {
    let body = collect(request, "application/json", limit).await.map_err(|error| match error {
        BodyError::MediaType => reply::unsupported_media_type(),
        BodyError::TooLarge => reply::too_large(),
        BodyError::Unreadable => reply::invalid_body("The request body could not be read."),
    })?;
    match serde_json::from_slice(&body) {
        Ok(DistinctObject(members)) => Ok(members),
        Err(error) if error.is_data() => {
            Err(reply::invalid_body("The request body must be a JSON object without repetitions."))
        }
        Err(_) => Err(reply::invalid_body("The request body is not valid JSON.")),
    }
}

/// The whole body, which must be of this type and may have `limit` bytes.
pub(super) async fn collect(
    request: Request,
    media_type: &str,
    limit: usize,
) -> Result<Bytes, BodyError> {
    if !is_of_type(request.headers(), media_type) {
        return Err(BodyError::MediaType);
    }
    read_whole(request.into_body(), limit).await
}

/// The whole body, which may have `limit` bytes; one that says to have more is not waited for.
pub(crate) async fn read_whole(body: Body, limit: usize) -> Result<Bytes, BodyError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(BodyError::TooLarge);
    }
    let body = Limited::new(body, limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() { BodyError::TooLarge } else { BodyError::Unreadable }
    })?;
    Ok(body.to_bytes())
}

fn is_of_type(headers: &HeaderMap, media_type: &str) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case(media_type))
}

/// A JSON object in which no member stands twice: of two passwords, which was checked?
pub(crate) struct DistinctObject(pub(crate) Map<String, Value>);

impl<'de> Deserialize<'de> for DistinctObject {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = DistinctObject;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Map::new();
                while let Some((name, value)) = map.next_entry::<String, Value>()? {
                    if members.insert(name, value).is_some() {
                        return Err(A::Error::custom("repeated member"));
                    }
                }
                Ok(DistinctObject(members))
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}
