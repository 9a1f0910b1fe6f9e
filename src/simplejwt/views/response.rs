//! The responses of the views, except for a [`SimpleJwtError`](crate::simplejwt::SimpleJwtError).

use axum::response::Response;
use http::StatusCode;

use crate::{
    simplejwt::{json_object::JsonObject, respond::json_response},
    user::FieldErrors,
};

/// What is wrong with a request, before any token is checked.
pub(super) struct Problem {
    status: StatusCode,
    body: JsonObject,
}

impl Problem {
    pub(super) fn respond(&self) -> Response {
        object(self.status, &self.body)
    }
}

pub(super) fn detail(status: StatusCode, detail: impl Into<String>) -> Problem {
    let mut body = JsonObject::default();
    body.set("detail", detail.into());
    Problem { status, body }
}

/// A response that Django does not have.
pub(super) fn detail_with_code(status: StatusCode, text: &str, code: &str) -> Problem {
    let mut problem = detail(status, text);
    problem.body.set("code", code);
    problem
}

pub(super) fn non_field(message: &str) -> Problem {
    let mut body = JsonObject::default();
    body.set("non_field_errors", vec![message]);
    Problem { status: StatusCode::BAD_REQUEST, body }
}

/// The errors of the fields `names`, in this order.
pub(super) fn invalid_fields(errors: &FieldErrors, names: &[&str]) -> Problem {
    let mut body = JsonObject::default();
    for (name, messages) in names.iter().filter_map(|name| errors.get_key_value(*name)) {
        body.set(name, messages.clone());
    }
    Problem { status: StatusCode::BAD_REQUEST, body }
}

pub(super) fn object(status: StatusCode, object: &JsonObject) -> Response {
    json_response(status, object.to_json().unwrap_or_default())
}
