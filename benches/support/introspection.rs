//! An authorization server in this process.

use std::error::Error;

use http::{Request, Response, header::CONTENT_TYPE};
use serde_json::json;
use tower_jwt_auth::{
    http_client::HttpClient,
    introspection::{ClientAuth, Introspection},
};

use super::apps::Profile;

pub(crate) const TOKEN: &str = "2YotnFZFEjr1zCsicMWpAA-2YotnFZFEjr1zCsicMWpAA";

/// Describes every token as active.
struct Server;

impl HttpClient for Server {
    type Body = String;

    async fn send(
        &self,
        _: Request<Vec<u8>>,
    ) -> Result<Response<String>, Box<dyn Error + Send + Sync>> {
        let response = json!({
            "active": true, "sub": "42", "jti": "5d2f0a5ce0f94b0d8b3fd4d2ab7cf6b1",
            "exp": 4_000_000_000_u64, "username": "ada", "email": "ada@example.com",
            "is_admin": false,
        });
        let response = Response::builder()
            .header(CONTENT_TYPE, "application/json")
            .body(response.to_string())?;
        Ok(response)
    }
}

/// An introspection that sends one request an hour.
pub(crate) fn introspection() -> Result<Introspection<Profile>, Box<dyn Error>> {
    let auth = ClientAuth::basic("api", "secret");
    let introspection = Introspection::builder("https://login.example/introspect", auth)
        .client(Server)
        .claims()
        .cache_for(std::time::Duration::from_secs(3600))
        .build()?;
    Ok(introspection)
}
