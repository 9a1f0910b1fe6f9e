//! [OpenAPI] documents of the routes, with [`utoipa`].
//!
//! Each kind of routes has a method `openapi` that describes its operations: bodies, headers, every
//! status, and each error with an example. The paths, the names of fields, the cookies and the parts
//! that are turned on are those of the routes. A method `into_openapi_router` returns the routes
//! together with this document, for applications that use [`utoipa_axum`].
//!
//! ```
//! use axum::{Json, Router, routing::get};
//! use tower_jwt_auth::{Claims, Issuer, MemoryStore, SigningKey, TokenRoutes, openapi};
//! use utoipa::{Modify, OpenApi};
//! use utoipa_axum::{router::OpenApiRouter, routes};
//! # use tower_jwt_auth::password::{MemoryUsers, PasswordHasher};
//!
//! #[derive(OpenApi)]
//! #[openapi(info(title = "Notes", version = "1.0.0"))]
//! struct Api;
//!
//! /// The id of the user.
//! #[utoipa::path(get, path = "/api/me", responses((status = 200, body = String)))]
//! async fn me(claims: Claims) -> String {
//!     claims.user_id().to_string()
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret = [7, 9].repeat(16);
//! # let users = MemoryUsers::new(PasswordHasher::new());
//! let issuer = Issuer::builder(SigningKey::hs256(secret)?)
//!     .rotate_refresh_tokens(true)
//!     .store(MemoryStore::new())
//!     .build()?;
//! let tokens = TokenRoutes::builder(issuer.clone(), users).at("/api/token").build()?;
//!
//! // The routes of the application, behind the layer.
//! let auth = issuer.layer();
//! let mut protected = OpenApiRouter::new().routes(routes!(me)).route_layer(auth.clone());
//! auth.modify(protected.get_openapi_mut());
//!
//! let (app, document) = OpenApiRouter::with_openapi(Api::openapi())
//!     .merge(protected)
//!     .merge(tokens.into_openapi_router())
//!     .split_for_parts();
//! let app: Router = app.route("/api/openapi.json", get(async || Json(document)));
//! #
//! # use axum::{body::{Body, to_bytes}, http::Request};
//! # use tower::ServiceExt;
//! # let request = Request::get("/api/openapi.json").body(Body::empty())?;
//! # let body = to_bytes(app.oneshot(request).await?.into_body(), 1 << 20).await?;
//! # let document: serde_json::Value = serde_json::from_slice(&body)?;
//! # assert_eq!(document["info"]["title"], "Notes");
//! # let me = &document["paths"]["/api/me"]["get"];
//! # assert_eq!(me["security"][0]["bearer"], serde_json::json!([]));
//! # assert!(me["responses"]["401"].is_object());
//! # assert!(document["paths"]["/api/token/refresh"]["post"].is_object());
//! # Ok(())
//! # }
//! ```
//!
//! Without [`utoipa_axum`], merge the documents with [`utoipa::openapi::OpenApi::merge_from`].
//!
//! # What the documents contain
//!
//! - **Paths.** Each route is described once, at its configured path, although most are also served
//!   with or without a trailing slash. If a router is nested, nest the document as well.
//!   [`OpenApiRouter`](utoipa_axum::router::OpenApiRouter) does both.
//! - **Errors.** A schema `AuthError` has `detail` and `code`. Each response lists the codes that it
//!   may have, with an example of each.
//! - **Schemas.** `AuthSession` is a session, `SessionUser` the user of
//!   [`SessionRoutes`](crate::routes::SessionRoutes), and `Account` that of the account routes. When
//!   documents are merged, the first schema of a name remains. So you can define `SessionUser` and
//!   `Account` in your own document, to describe what your `describe_user` returns; and no other schema
//!   of yours must have one of these names.
//! - **Your own rejections.** The documents describe the default bodies. If the routes have a
//!   [`rejection`](crate::routes::TokenRoutesBuilder::rejection) of their own, the statuses and headers
//!   are described, but no bodies: add them to the merged document. If it changes a status, change
//!   that in the document as well.
//! - **Security schemes.** `bearer` is the `Authorization` header, `cookie` the access cookie with its
//!   configured name, `refresh_cookie` the refresh cookie. The names are the same in all documents. An
//!   application whose routes have different [cookies](crate::transport::SessionCookies) needs a
//!   document for each.
//! - **The login.** Its fields are those that the [`Credentials`](crate::user::Credentials) report as
//!   missing in an empty body. Optional fields are not known.
//! - **Other errors.** A `405` for other methods is not described, nor is the `500` of a
//!   [misconfigured](crate::AuthErrorKind::Misconfigured) application.
//!
//! # Your own routes
//!
//! [`JwtAuthLayer`](crate::JwtAuthLayer) implements [`utoipa::Modify`]. It adds to each operation of a
//! document that the layer protects it: the security schemes of its sources, and the responses to
//! rejected requests. With [DPoP](crate::possession), a request needs both `dpop`, the header
//! `Authorization`, and `dpop_proof`, the header `DPoP`.
//!
//! # A page that tries the API
//!
//! The Authorize button of [Swagger UI] can log in with a name and a password, by the password grant of
//! OAuth 2.0. [`TokenRoutesBuilder::password_grant_path`] adds a route for it, and the document has the
//! security scheme `oauth2`. [`accept_password_grant`] lets all operations with `bearer` use it.
//!
//! <div class="warning">
//!
//! OAuth 2.1 has no password grant. Turn it on for development pages only.
//!
//! </div>
//!
//! The example `webapp` has such a page.
//!
//! [OpenAPI]: https://spec.openapis.org/oas/v3.1.0
//! [Swagger UI]: https://swagger.io/tools/swagger-ui/
//! [`TokenRoutesBuilder::password_grant_path`]: crate::routes::TokenRoutesBuilder::password_grant_path

#[cfg(feature = "accounts")]
mod account_routes;
mod back_channel_routes;
mod document;
mod dpop;
mod errors;
mod layer;
mod login;
mod oauth2;
mod oauth_routes;
mod route;
mod router;
mod schema;
mod security;
mod session_list;
#[cfg(feature = "cookie")]
mod session_routes;
mod token_routes;
mod well_known_routes;

pub use oauth2::accept_password_grant;
