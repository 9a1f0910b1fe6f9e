//! The answers of the views that are no [`SimpleJwtError`](crate::simplejwt::SimpleJwtError).

use axum::response::Response;
use http::StatusCode;

use crate::{
    simplejwt::{json_object::JsonObject, respond::json_response},
    user::FieldErrors,
};

/// What is wrong with a request before any token is looked at.
pub(super) struct Problem {
    status: StatusCode,
    body: JsonObject,
}

impl Problem {
    pub(super) fn respond(&self) -> Response {
        members(self.status, &self.body)
    }
}

pub(super) fn detail(status: StatusCode, detail: impl Into<String>) -> Problem {
    let mut body = JsonObject::default();
    body.set("detail", detail.into());
    Problem { status, body }
}

/// What Django would answer otherwise, or not at all, and so with a code.
pub(super) fn own(status: StatusCode, text: &str, code: &str) -> Problem {
    let mut problem = detail(status, text);
    problem.body.set("code", code);
    problem
}

pub(super) fn non_field(message: &str) -> Problem {
    let mut body = JsonObject::default();
    body.set("non_field_errors", vec![message]);
    Problem { status: StatusCode::BAD_REQUEST, body }
}

/// A body whose fields, named in their order, were found wrong.
pub(super) fn invalid_fields(errors: &FieldErrors, names: &[&str]) -> Problem {
    let mut body = JsonObject::default();
    for (name, messages) in names.iter().filter_map(|name| errors.get_key_value(*name)) {
        body.set(name, messages.clone());
    }
    Problem { status: StatusCode::BAD_REQUEST, body }
}

pub(super) fn members(status: StatusCode, members: &JsonObject) -> Response {
    json_response(status, members.to_json().unwrap_or_default())
}
