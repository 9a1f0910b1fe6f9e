//! One route of a document.

use http::{StatusCode, header::CACHE_CONTROL};
use utoipa::openapi::{
    Content, Header, HttpMethod, PathItem, RefOr, Required, Response, Schema, SecurityRequirement,
    path::{OperationBuilder, Parameter},
    request_body::{RequestBody, RequestBodyBuilder},
};

use crate::routes::{RequestErrorKind, RouteError};

use super::errors::{ErrorForm, no_store};

/// A method at a path: what it reads and how it responds.
pub(super) struct Route {
    path: String,
    method: HttpMethod,
    summary: &'static str,
    description: Option<&'static str>,
    parameters: Vec<Parameter>,
    body: Option<RequestBody>,
    responses: Vec<(StatusCode, Response)>,
    errors: Vec<RouteError>,
    /// Whether a `401` may delete cookies.
    deletes_cookies: bool,
    /// The schemes of which a request must satisfy one. Empty if it needs no credentials.
    security: Vec<SecurityRequirement>,
}

impl Route {
    pub(super) fn new(method: HttpMethod, path: impl Into<String>, summary: &'static str) -> Self {
        Self {
            path: path.into(),
            method,
            summary,
            description: None,
            parameters: Vec::new(),
            body: None,
            responses: Vec::new(),
            errors: Vec::new(),
            deletes_cookies: false,
            security: Vec::new(),
        }
    }

    pub(super) fn is_get(&self) -> bool {
        self.method == HttpMethod::Get
    }

    pub(super) const fn description(mut self, description: &'static str) -> Self {
        self.description = Some(description);
        self
    }

    pub(super) fn parameter(mut self, parameter: impl Into<Parameter>) -> Self {
        self.parameters.push(parameter.into());
        self
    }

    /// A JSON body. `invalid` is the response to an empty object, if it has required members.
    pub(super) fn json(
        self,
        schema: impl Into<RefOr<Schema>>,
        invalid: Option<RouteError>,
    ) -> Self {
        self.body("application/json", schema).errors(invalid)
    }

    pub(super) fn form(self, schema: impl Into<RefOr<Schema>>) -> Self {
        self.body("application/x-www-form-urlencoded", schema)
    }

    fn body(mut self, media_type: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        let body = RequestBodyBuilder::new()
            .content(media_type, Content::new(Some(schema)))
            .required(Some(Required::True));
        self.body = Some(body.build());
        self.unread_body().errors([RequestErrorKind::BodyTimeout, RequestErrorKind::BodyTooLarge])
    }

    /// The errors in the headers that describe a body, also of one that the route ignores.
    pub(super) fn unread_body(self) -> Self {
        self.errors([
            RequestErrorKind::InvalidBody,
            RequestErrorKind::UnsupportedMediaType,
            RequestErrorKind::UnsupportedEncoding,
        ])
    }

    /// Responds with `200` and JSON.
    pub(super) fn ok(self, description: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.response(StatusCode::OK, description, Some(("application/json", schema.into())))
    }

    pub(super) fn no_content(self, description: &str) -> Self {
        self.response(StatusCode::NO_CONTENT, description, None)
    }

    pub(super) fn response(
        mut self,
        status: StatusCode,
        description: &str,
        content: Option<(&str, RefOr<Schema>)>,
    ) -> Self {
        let mut response = Response::new(description);
        if let Some((media_type, schema)) = content {
            response.content.insert(media_type.to_owned(), Content::new(Some(schema)).into());
        }
        response.headers.insert(CACHE_CONTROL.to_string(), no_store().into());
        self.responses.push((status, response));
        self
    }

    /// Adds a header to the last response.
    pub(super) fn header(mut self, name: &str, header: Header) -> Self {
        if let Some((_, response)) = self.responses.last_mut() {
            response.headers.insert(name.to_owned(), header.into());
        }
        self
    }

    /// Removes a header from the last response.
    pub(super) fn without_header(mut self, name: &str) -> Self {
        if let Some((_, response)) = self.responses.last_mut() {
            response.headers.remove(name);
        }
        self
    }

    /// Adds reasons to reject requests.
    pub(super) fn errors(
        mut self,
        errors: impl IntoIterator<Item = impl Into<RouteError>>,
    ) -> Self {
        self.errors.extend(errors.into_iter().map(Into::into));
        self
    }

    /// Lets a `401` delete cookies.
    pub(super) const fn deleting_cookies(mut self) -> Self {
        self.deletes_cookies = true;
        self
    }

    pub(super) fn security(
        mut self,
        security: impl IntoIterator<Item = SecurityRequirement>,
    ) -> Self {
        self.security.extend(security);
        self
    }

    /// The path and its description, with errors of this form.
    pub(super) fn into_path_item(self, tag: &str, form: ErrorForm) -> (String, PathItem) {
        let mut operation = OperationBuilder::new()
            .operation_id(Some(operation_id(&self.method, &self.path)))
            .tag(tag)
            .summary(Some(self.summary))
            .description(self.description)
            .request_body(self.body)
            .securities(Some(self.security));
        for parameter in self.parameters {
            operation = operation.parameter(parameter);
        }
        let responses = self.responses.into_iter();
        for (status, response) in responses
            .map(|(status, response)| (status.as_u16().to_string(), response.into()))
            .chain(form.responses(&self.errors, self.deletes_cookies))
        {
            operation = operation.response(status, response);
        }
        (self.path, PathItem::new(self.method, operation))
    }
}

/// The method and the path, so that ids are unique in an application's document.
fn operation_id(method: &HttpMethod, path: &str) -> String {
    let method = match method {
        HttpMethod::Get => "get",
        HttpMethod::Post => "post",
        HttpMethod::Patch => "patch",
        HttpMethod::Delete => "delete",
        _ => "other",
    };
    let words = path.split(|c: char| !c.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.fold(method.to_owned(), |id, word| format!("{id}_{word}"))
}
