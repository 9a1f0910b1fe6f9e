//! Tickets: single-use tokens for requests that cannot carry a header.

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind, ErrorDetails},
    store::TokenRef,
    token::{Claims, RegisteredClaims, TokenType},
};

use super::{
    issuer::{Inner, Issuer},
    mint::Bound,
    ticket_claims::{TICKET, TicketClaims, TicketToken},
};

/// In bytes. A ticket is part of a URL.
const MAX_PATH_LEN: usize = 1024;

impl<C, R> Issuer<C, R> {
    /// Issues a ticket for a request to `path` that cannot carry a token in a header: a download, an
    /// `EventSource`, a WebSocket. Requires a [store](super::IssuerBuilder::store).
    ///
    /// A ticket is a single-use token of the type `ticket` for the user and the session of `claims`.
    /// It lives for the [ticket lifetime](super::IssuerBuilder::ticket_lifetime), 30 seconds by
    /// default, and dies with the session, or with the token if that has no session. URLs end up in
    /// logs and histories, where a used ticket is worthless.
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     Algorithm, AuthErrorKind, Issuer, MemoryStore, SigningKey, token::NoClaims, user::User,
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
    ///     .store(MemoryStore::new())
    ///     .build()?;
    /// let ada = User::new(42, NoClaims::default());
    /// let tokens = issuer.login(&ada).await?;
    /// let claims = issuer.verifier().verify(tokens.access())?;
    ///
    /// let ticket = issuer.issue_ticket(&claims, "/api/export")?;
    /// let claims = issuer.redeem_ticket(&ticket, "/api/export").await?;
    /// assert_eq!(claims.session_id(), Some(tokens.session_id()));
    ///
    /// let error = issuer.redeem_ticket(&ticket, "/api/export").await.unwrap_err();
    /// assert_eq!(error.kind(), AuthErrorKind::Revoked);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// - [`InvalidRequest`](AuthErrorKind::InvalidRequest) if `path` does not begin with a slash, has
    ///   a query, a space or a character outside ASCII, or is longer than 1024 bytes.
    /// - [`WrongIssuer`](AuthErrorKind::WrongIssuer) for claims of another issuer, whose sessions the
    ///   store knows under another name.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    pub fn issue_ticket<T: ?Sized>(
        &self,
        claims: &Claims<T>,
        path: &str,
    ) -> Result<String, AuthError> {
        let Inner { minter, clock, ticket_lifetime, .. } = &*self.0;
        if claims.issuer() != self.store()?.issuer() {
            return Err(AuthErrorKind::WrongIssuer.into());
        }
        let is_path = path.starts_with('/')
            && path.len() <= MAX_PATH_LEN
            && path.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'?');
        if !is_path {
            return Err(AuthErrorKind::InvalidRequest.into());
        }
        let bound_to = Bound {
            user_id: claims.user_id().as_str(),
            session_id: claims.session_id(),
            // The session decides, or the token that the ticket stands for.
            generation: None,
            epoch: None,
            jkt: None,
        };
        let now = clock.now();
        let times = (now, now.saturating_add(*ticket_lifetime));
        let token = TicketToken {
            jti: claims.jti().map(Into::into),
            issued_at: claims.issued_at().unwrap_or_default().as_secs(),
        };
        let token = claims.session_id().is_none().then_some(token);
        let ticket = TicketClaims { path: path.into(), token };
        minter.single_use(&TokenType::from(TICKET), bound_to, times, &ticket)
    }

    /// Verifies a ticket for `path`, the path of the request without its query, and uses it.
    ///
    /// The claims have the ids of the user and the session, and no scopes. A ticket that is rejected
    /// for another reason than its use remains usable.
    ///
    /// # Errors
    ///
    /// - [`Revoked`](AuthErrorKind::Revoked) if the ticket was used before, its session has ended, or
    ///   its user was revoked.
    /// - [`InvalidClaims`](AuthErrorKind::InvalidClaims) for a ticket for another path.
    /// - The reason why the ticket is invalid.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the store did not respond. The ticket may be
    ///   used up.
    /// - [`Misconfigured`](AuthErrorKind::Misconfigured) without a store.
    pub async fn redeem_ticket(
        &self,
        ticket: &str,
        path: &str,
    ) -> Result<RegisteredClaims, AuthError> {
        let claims = self.0.ticket.verify(ticket)?;
        if *claims.path != *path {
            let details = ErrorDetails {
                member: Some("path".into()),
                rule: Some("expected the path of the request".into()),
                ..ErrorDetails::default()
            };
            return Err(AuthError::with_details(AuthErrorKind::InvalidClaims, details));
        }
        if let Some(TicketToken { jti, issued_at }) = &claims.token {
            let issued_at = NumericDate::from_secs(*issued_at);
            let token =
                TokenRef::new(claims.user_id().as_str(), issued_at).with_jti(jti.as_deref());
            let store = self.store()?;
            if store.is_revoked(store.own_users(), &token).await? {
                return Err(AuthErrorKind::Revoked.into());
            }
        }
        self.consume(&claims).await?;
        Ok(claims.registered_claims())
    }
}
