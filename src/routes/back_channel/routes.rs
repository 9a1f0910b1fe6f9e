use std::{fmt, sync::Arc};

use axum::Router;

use super::{
    super::{
        endpoint::{endpoint, no_other_method},
        oauth_error,
    },
    handler::{LogoutState, log_out},
};

/// The route to which an identity provider reports logouts ([OpenID Connect Back-Channel Logout 1.0]).
///
/// | request | form | response |
/// |---|---|---|
/// | `POST /backchannel-logout` | `logout_token` | `200` once the session has ended |
///
/// 1. A user logs out somewhere else. The provider sends a logout token to this route, whose URL is
///    registered with it.
/// 2. The route verifies the token with the profile
///    [`LogoutToken`](crate::token::TokenProfile::LogoutToken): the signature, `iss`, `aud`, `iat`,
///    `events`, and that there is no `nonce`.
/// 3. It writes the end of the session, or of all sessions of the user, to the store. Then it
///    consumes the `jti`: each logout token works once.
/// 4. A layer with a [revocation check](crate::JwtAuthLayer::with_revocation_check) on the same store
///    rejects the tokens of that session from then on, on all machines that share the store.
///
/// ```
/// use axum::{Router, routing::get};
/// use tower_jwt_auth::{
///     Claims, JwtAuthLayer, MemoryStore, Verifier, routes::BackChannelLogoutRoutes,
///     token::TokenProfile,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let keys = tower_jwt_auth::SigningKey::generate(tower_jwt_auth::Algorithm::ES256)?.verifying_key();
/// let access: Verifier = Verifier::builder(keys.clone())
///     .issuer("https://login.example")
///     .audience("https://api.example")
///     .profile(TokenProfile::Rfc9068)
///     .build()?;
/// let logout = Verifier::builder(keys)
///     .issuer("https://login.example")
///     .audience("my-client")
///     .profile(TokenProfile::LogoutToken)
///     .build()?;
///
/// let store = MemoryStore::new();
/// let app: Router = Router::new()
///     .route("/me", get(|claims: Claims| async move { claims.user_id().to_string() }))
///     .route_layer(JwtAuthLayer::new(access).with_revocation_check(store.clone()))
///     .merge(BackChannelLogoutRoutes::builder(logout, store).build()?.into_router());
///
/// # use axum::{body::Body, http::Request};
/// # use tower::ServiceExt;
/// let forged = Request::post("/backchannel-logout")
///     .header("content-type", "application/x-www-form-urlencoded")
///     .body(Body::from("logout_token=forged"))?;
/// assert_eq!(app.oneshot(forged).await?.status(), 400);
/// # Ok(())
/// # }
/// ```
///
/// # What ends
///
/// | the logout token has | what is rejected from then on |
/// |---|---|
/// | `sid`, with or without `sub` | tokens of that issuer with this `sid` |
/// | `sub` only | tokens of that `sub` of the issuer whose `iat` is not after that of the logout token |
///
/// Both apply under all [names of the issuer](crate::token::VerifierBuilder::issuers). `sub` is
/// compared with the `sub` of tokens and with their user id, which may be
/// [another claim](crate::token::ClaimNames::with_user_id).
///
/// Both `iat` are times of the provider's clock, so a difference to the clock of this machine does not
/// matter, and a logout that arrives late does not affect the next login. The clocks of several
/// machines of a provider should agree to the second.
///
/// <div class="warning">
///
/// A token without `iat` counts as older than every logout. After a logout with `sub` only, a user
/// whose tokens have no `iat` is rejected, also after the next login, until the logout is forgotten.
/// Require `iat` if the provider sends such logouts:
/// [`require_claim("iat")`](crate::token::VerifierBuilder::require_claim), and `require_member("iat")`
/// where tokens are introspected.
///
/// </div>
///
/// Tokens without `sid` are not affected by the logout of a session. Sessions of an
/// [`Issuer`](crate::Issuer) in this application are not affected either: end them yourself if your
/// users log in through the provider. The end of a session is remembered
/// [for one day](super::BackChannelLogoutRoutesBuilder::remember_for). A token that is valid for longer
/// is accepted again after that, so limit the
/// [lifetime](crate::token::VerifierBuilder::longest_lifetime) of accepted tokens to the same time.
///
/// # Responses
///
/// A logout token that breaks a rule of the
/// [profile](crate::token::TokenProfile::LogoutToken), or that was used before, is rejected with
/// `400` and `{"error": "invalid_request", "error_description": "…"}`. While the store or the keys are
/// unavailable, the response is `503`, and the provider may send the same token again. Request bodies
/// are `application/x-www-form-urlencoded`, not compressed, at most 16 KiB. All responses have
/// `Cache-Control: no-store`.
///
/// [OpenID Connect Back-Channel Logout 1.0]: https://openid.net/specs/openid-connect-backchannel-1_0.html
#[derive(Clone)]
#[must_use]
pub struct BackChannelLogoutRoutes {
    pub(super) state: Arc<LogoutState>,
    pub(super) path: String,
}

impl BackChannelLogoutRoutes {
    /// Converts the routes into a router for any state.
    pub fn into_router<S: Clone + Send + Sync + 'static>(self) -> Router<S> {
        let rejection = oauth_error::rejection();
        let methods = no_other_method(&rejection).post(endpoint(&self.state, &rejection, log_out));
        Router::new().route(&self.path, methods)
    }
}

impl fmt::Debug for BackChannelLogoutRoutes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BackChannelLogoutRoutes").field("path", &self.path).finish_non_exhaustive()
    }
}
