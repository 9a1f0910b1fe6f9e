//! The endpoints that accept tokens.

use serde_json::json;

use super::pair::{Pair, Request, post};

pub(super) const PROTECTED: [&str; 2] = ["/api/hello/", "/api/stateless/"];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Endpoint {
    Hello,
    Stateless,
    Refresh,
    Verify,
    Blacklist,
    RefreshSliding,
}

impl Endpoint {
    pub(super) const ALL: [Self; 6] = [
        Self::Hello,
        Self::Stateless,
        Self::Refresh,
        Self::Verify,
        Self::Blacklist,
        Self::RefreshSliding,
    ];

    /// A token type that it accepts.
    pub(super) fn token_type(self, pair: &Pair) -> &'static str {
        match self {
            Self::Hello | Self::Stateless => {
                let classes = pair.configuration.list("AUTH_TOKEN_CLASSES", "AccessToken");
                match classes[0].rsplit('.').next() {
                    Some("SlidingToken") => "sliding",
                    Some("RefreshToken") => "refresh",
                    _ => "access",
                }
            }
            Self::Refresh | Self::Blacklist => "refresh",
            Self::Verify => "access",
            Self::RefreshSliding => "sliding",
        }
    }

    pub(super) fn request(self, pair: &Pair, token: &str) -> Request {
        match self {
            Self::Hello => pair.with_token("/api/hello/", token),
            Self::Stateless => pair.with_token("/api/stateless/", token),
            Self::Refresh => post("/api/token/refresh/", &json!({"refresh": token})),
            Self::Verify => post("/api/token/verify/", &json!({"token": token})),
            Self::Blacklist => post("/api/token/blacklist/", &json!({"refresh": token})),
            Self::RefreshSliding => post("/api/token/sliding/refresh/", &json!({"token": token})),
        }
    }
}
