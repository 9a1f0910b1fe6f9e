//! The endpoints that accept tokens.

use serde_json::json;

use crate::support::login::payload;

use super::pair::{Deviation, Pair, Request, post};

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

    /// The deviation if `token` is blacklisted and SimpleJWT accepts it here.
    pub(super) fn accepts_blacklisted(self, pair: &Pair, token: &str) -> Option<Deviation> {
        const AT_VERIFY: &str = "a blacklisted token at verify without `BLACKLIST_AFTER_ROTATION`";
        const UNTYPED: &str = "a blacklisted token at a route that accepts `UntypedToken`, or \
            without `TOKEN_TYPE_CLAIM`";
        let configuration = &pair.configuration;
        let id = payload(token)[configuration.claim("JTI_CLAIM", "jti")?].clone();
        if !pair.rows().blacklisted.iter().any(|row| id == *row.jti) {
            return None;
        }
        let classes = configuration.list("AUTH_TOKEN_CLASSES", "AccessToken");
        let is_untyped = configuration.claim("TOKEN_TYPE_CLAIM", "token_type").is_none()
            || classes.iter().any(|class| class.ends_with("UntypedToken"));
        let deviation = |name, status| Deviation { name, status, text: "Token is blacklisted" };
        match self {
            Self::Verify if !configuration.is_on("BLACKLIST_AFTER_ROTATION") => {
                Some(deviation(AT_VERIFY, 400))
            }
            Self::Hello | Self::Stateless if is_untyped => Some(deviation(UNTYPED, 401)),
            _ => None,
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
