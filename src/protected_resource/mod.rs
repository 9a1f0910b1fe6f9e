//! Protected resource metadata ([RFC 9728]): what a service says about itself, so that clients find
//! the server that issues its tokens.
//!
//! 1. A client calls the service without a token. The challenge of the `401` names the metadata:
//!    `Bearer realm="api", resource_metadata="https://…"`.
//! 2. The client reads the metadata. It names the authorization servers, the scopes and the keys.
//! 3. The client gets a token there, for the identifier of the resource ([RFC 8707]), and repeats the
//!    request.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::{
//!     Claims, JwtAuthLayer, Verifier, VerifyingKey, protected_resource::ProtectedResource,
//!     token::TokenProfile,
//! };
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let pem = "-----BEGIN PUBLIC KEY-----\n\
//! #     MCowBQYDK2VwAyEA11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=\n-----END PUBLIC KEY-----";
//! # let key = VerifyingKey::from_pem(tower_jwt_auth::Algorithm::EdDSA, pem)?;
//! let resource = ProtectedResource::builder("https://api.example/notes")
//!     .authorization_server("https://login.example")
//!     .scopes_supported(["read", "write"])
//!     .build()?;
//! let verifier: Verifier = Verifier::builder(key)
//!     .issuer("https://login.example")
//!     .audience(resource.identifier())
//!     .profile(TokenProfile::Rfc9068)
//!     .build()?;
//! let auth = JwtAuthLayer::new(verifier).with_protected_resource(&resource)?;
//!
//! let app: Router = Router::new()
//!     .route("/notes", get(|claims: Claims| async move { claims.user_id().to_string() }))
//!     .route_layer(auth)
//!     .merge(resource.into_router());
//!
//! # use axum::{body::{Body, to_bytes}, http::Request};
//! # use tower::ServiceExt;
//! let rejected = app.clone().oneshot(Request::get("/notes").body(Body::empty())?).await?;
//! let metadata = "https://api.example/.well-known/oauth-protected-resource/notes";
//! assert_eq!(
//!     rejected.headers()["www-authenticate"],
//!     format!("Bearer realm=\"api\", resource_metadata=\"{metadata}\""),
//! );
//! # let path = "/.well-known/oauth-protected-resource/notes";
//! # let document = app.oneshot(Request::get(path).body(Body::empty())?).await?;
//! # let document = to_bytes(document.into_body(), 4096).await?;
//! # let document: serde_json::Value = serde_json::from_slice(&document)?;
//! # assert_eq!(document["resource"], "https://api.example/notes");
//! # assert_eq!(document["authorization_servers"], serde_json::json!(["https://login.example"]));
//! # Ok(())
//! # }
//! ```
//!
//! An application can have several resources. Give each a layer and a document of its own, and an
//! identifier with a path of its own.
//!
//! # MCP servers
//!
//! Servers of the Model Context Protocol must publish this metadata. Their clients know nothing but the
//! URL of the server, and do the rest by themselves:
//!
//! - The identifier is the URL of the server, for example `https://api.example/mcp`. Clients reject
//!   another, unless it is a prefix of that URL.
//! - List in [`scopes_supported`](ProtectedResourceBuilder::scopes_supported) only what every client
//!   needs, or nothing: clients ask for all of it at once.
//! - A tool with another scope must be rejected with `403`, before the protocol sees the call. An error
//!   of the tool itself is a `200`, from which clients do not learn that they need another token.
//! - Tools get the claims from the extensions of the HTTP request. They must not pass the token on.
//!
//! `examples/mcp` is such a server, with the crate `rmcp`.
//!
//! # What is not supported
//!
//! Signed metadata ([RFC 9728 section 2.2]), identifiers with a query, and identifiers whose path has
//! other characters than letters, digits and `/-._~`.
//!
//! [RFC 8707]: https://www.rfc-editor.org/rfc/rfc8707
//! [RFC 9728]: https://www.rfc-editor.org/rfc/rfc9728
//! [RFC 9728 section 2.2]: https://www.rfc-editor.org/rfc/rfc9728#section-2.2

mod builder;
mod identifier;
mod resource;

pub use builder::ProtectedResourceBuilder;
pub use resource::ProtectedResource;
