//! Claims without a token, for the unit tests of applications.

use std::time::Duration;

use crate::clock::Clock;

use super::{claims::Claims, registered::Registered, token_type::TokenType, user_id::UserId};

const LIFETIME: Duration = Duration::from_secs(300);

impl<C> Claims<C> {
    /// Creates the claims of an access token that was never signed, for unit tests of handlers and
    /// middleware.
    ///
    /// They have the given user id, and expire in 5 minutes. All other registered claims are absent:
    /// for scopes, a session or an issuer, use
    /// [`TestToken::into_claims`](crate::testing::TestToken::into_claims).
    ///
    /// ```
    /// use tower_jwt_auth::Claims;
    ///
    /// struct Profile { username: &'static str }
    ///
    /// async fn greet(claims: Claims<Profile>) -> String {
    ///     format!("Hello, {}", claims.username)
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let greeting = greet(Claims::for_test(42, Profile { username: "ada" })).await;
    /// assert_eq!(greeting, "Hello, ada");
    /// # }
    /// ```
    pub fn for_test(user_id: impl Into<UserId>, custom: C) -> Self {
        let now = Clock::system().now();
        let registered = Registered {
            user_id: user_id.into(),
            token_type: Some(TokenType::Access),
            issued_at: Some(now),
            expires_at: now.saturating_add(LIFETIME),
            has_expiry: true,
            ..Registered::empty()
        };
        Self::new("{}".to_owned(), registered, None, custom)
    }
}
