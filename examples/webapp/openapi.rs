//! `GET /api/openapi.json`, and a page that tries the API.

use axum::{
    Router,
    http::{HeaderValue, header::CONTENT_SECURITY_POLICY},
    middleware::map_response,
    response::Response,
};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer, middleware::CrossSiteLayer, openapi::accept_password_grant, transport::SessionCookies,
};
use utoipa::{
    Modify,
    openapi::{Info, OpenApi, Paths},
};
use utoipa_swagger_ui::SwaggerUi;

use crate::users::Profile;

/// The policy for the page. Swagger UI has inline styles, and images in `data:` URLs.
const PAGE_POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; \
     connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
);

/// The document of the application, with `routes` of the crate.
pub(crate) fn document(
    issuer: &Issuer<Profile>,
    cookies: &SessionCookies,
    routes: impl IntoIterator<Item = OpenApi>,
) -> serde_json::Result<OpenApi> {
    let mut own = OpenApi::new(Info::new("webapp", "1.0.0"), paths()?);
    issuer.layer().with_cookies(cookies).modify(&mut own);
    let mut document = routes.into_iter().fold(own, OpenApi::merge_from);
    CrossSiteLayer::new(cookies).modify(&mut document);
    accept_password_grant(&mut document);
    Ok(document)
}

/// The document, and the page at `/docs`.
pub(crate) fn routes(document: OpenApi) -> Router {
    let page = SwaggerUi::new("/docs").url("/api/openapi.json", document);
    Router::from(page).layer(map_response(async |mut response: Response| {
        response.headers_mut().insert(CONTENT_SECURITY_POLICY, PAGE_POLICY);
        response
    }))
}

/// The routes of [`api`](crate::api). Those without `security` are behind the layer.
fn paths() -> serde_json::Result<Paths> {
    let note = json!({
        "type": "object",
        "required": ["text", "created_at"],
        "properties": {
            "text": { "type": "string" },
            "created_at": { "type": "string", "format": "date-time" },
        },
    });
    let notes = json!({ "type": "array", "items": note });
    let text = json!({
        "type": "object",
        "required": ["text"],
        "properties": { "text": { "type": "string", "minLength": 1, "maxLength": 1000 } },
    });
    let password = json!({
        "type": "object",
        "properties": {
            "password": { "type": "string", "format": "password" },
            "username": { "type": "string" },
            "email": { "type": "string" },
        },
    });
    let problems = json!({
        "type": "object",
        "required": ["problems"],
        "properties": { "problems": { "type": "array", "items": { "type": "string" } } },
    });
    let security = json!({
        "type": "object",
        "required": ["email_verified", "second_factor"],
        "properties": {
            "email_verified": { "type": "boolean" },
            "second_factor": { "type": "boolean" },
        },
    });
    let ticket = json!({
        "name": "ticket", "in": "query", "required": true, "schema": { "type": "string" },
        "description": "From `POST /api/ticket`, for the path `/api/export`.",
    });
    let health = json!({
        "tags": ["health"],
        "summary": "Check that the database responds",
        "security": [],
        "responses": {
            "200": { "description": "It does.", "content": { "text/plain; charset=utf-8": {} } },
            "503": error("It does not."),
        },
    });
    serde_json::from_value(json!({
        "/api/notes": {
            "get": {
                "tags": ["notes"],
                "summary": "List the notes of the user",
                "responses": { "200": success("The newest note first.", &notes) },
            },
            "post": {
                "tags": ["notes"],
                "summary": "Add a note",
                "requestBody": body(&text),
                "responses": with_body_errors(json!({ "201": success("The note.", &note) })),
            },
        },
        "/api/export": {
            "get": {
                "tags": ["notes"],
                "summary": "Download the notes with a ticket",
                "parameters": [ticket],
                "security": [],
                "responses": {
                    "200": success("The newest note first.", &notes),
                    "400": error("The ticket is missing."),
                    "401": error("The ticket is invalid or was used before."),
                    "503": error("The database does not respond."),
                },
            },
        },
        "/api/password-rules": {
            "post": {
                "tags": ["account"],
                "summary": "Check a new password",
                "security": [],
                "requestBody": body(&password),
                "responses": with_body_errors(json!({
                    "200": success("What is wrong with the password.", &problems),
                    "503": error("The server is busy."),
                })),
            },
        },
        "/api/security": {
            "get": {
                "tags": ["account"],
                "summary": "Show what is beside the profile",
                "responses": {
                    "200": success("The state of the account.", &security),
                    "503": error("The database does not respond."),
                },
            },
        },
        "/ws": {
            "get": {
                "tags": ["notes"],
                "summary": "Open a WebSocket that closes when the session ends",
                "description": "Other origins send the protocols `bearer` and an access token.",
                "responses": {
                    "101": { "description": "A message with the user follows." },
                    "400": error("The request opens no WebSocket, or has invalid credentials."),
                    "426": error("The connection cannot be upgraded."),
                },
            },
        },
        "/health": { "get": health },
    }))
}

fn body(schema: &Value) -> Value {
    json!({ "required": true, "content": { "application/json": { "schema": schema } } })
}

fn success(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

/// A response with the schema that the routes of the crate have.
fn error(description: &str) -> Value {
    success(description, &json!({ "$ref": "#/components/schemas/AuthError" }))
}

/// Adds the errors of a route with a body.
fn with_body_errors(mut responses: Value) -> Value {
    responses["400"] = error("The request is invalid.");
    responses["413"] = error("The request body is too large.");
    responses["415"] = error("The request body is not JSON.");
    responses
}
