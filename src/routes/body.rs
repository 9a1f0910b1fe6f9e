//! Reading a request's JSON object.

use std::fmt;

use axum::{extract::Request, response::Response};
use http::{HeaderMap, header::CONTENT_TYPE};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use serde::{
    Deserialize, Deserializer,
    de::{Error, MapAccess, Visitor},
};
use serde_json::{Map, Value};

use super::reply;

/// The members of the request's body, or the answer that tells what is wrong with it.
pub(super) async fn read(request: Request, limit: usize) -> Result<Map<String, Value>, Response> {
    if !is_json(request.headers()) {
        return Err(reply::unsupported_media_type());
    }
    let body = Limited::new(request.into_body(), limit).collect().await.map_err(|error| {
        if error.is::<LengthLimitError>() {
            reply::too_large()
        } else {
            reply::invalid_body("The request body could not be read.")
        }
    })?;
    match serde_json::from_slice(&body.to_bytes()) {
        Ok(DistinctObject(members)) => Ok(members),
        Err(error) if error.is_data() => {
            Err(reply::invalid_body("The request body must be a JSON object without repetitions."))
        }
        Err(_) => Err(reply::invalid_body("The request body is not valid JSON.")),
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

/// A JSON object in which no member stands twice: of two passwords, which was checked?
struct DistinctObject(Map<String, Value>);

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
