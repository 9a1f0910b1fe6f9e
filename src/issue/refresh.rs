use serde::{Serialize, de::DeserializeOwned};

use crate::{
    check::{check_refresh_binding, refresh_session, session_start, token_ref},
    error::{AuthError, AuthErrorKind},
    possession::UnusedProof,
    store::{Begun, NewSession, Spend, Spent},
    token::KeyThumbprint,
    user::UserBackend,
};

use super::{
    event::Event,
    issuer::{Inner, Issuer},
    login::scope_claim,
    mint::SessionClaims,
    random::random_id,
    tokens::Tokens,
};

impl<C, R> Issuer<C, R>
where
    C: Serialize,
    R: Serialize + DeserializeOwned + Send + Sync + 'static,
{
    /// Exchanges a refresh token for new tokens.
    ///
    /// The user is looked up again, so that the claims of the new tokens are current. With rotation,
    /// the refresh token is spent in one atomic step of the store, after everything else that can
    /// fail.
    ///
    /// # Errors
    ///
    /// - The reason why the token is invalid.
    /// - [`UserInactive`](AuthErrorKind::UserInactive) if the user no longer exists, is inactive, or
    ///   has another [epoch](crate::user::User::with_epoch) in which this session does not go on.
    /// - [`Reused`](AuthErrorKind::Reused) if the token was spent before. Its session has been ended.
    /// - [`Unavailable`](AuthErrorKind::Unavailable) if the user backend or the store did not
    ///   respond. The token remains valid, unless the store spent it and responded too late. A
    ///   [grace period](super::IssuerBuilder::reuse_grace) covers that case.
    pub async fn refresh<U: UserBackend<C, R>>(
        &self,
        token: &str,
        users: &U,
    ) -> Result<Tokens, AuthError> {
        self.refresh_with_proof(token, users, None).await
    }

    /// Like [`refresh`](Self::refresh), and also accepts a token that is bound to the key of `proof`.
    /// A request that fails for its proof spends and ends nothing.
    pub(crate) async fn refresh_with_proof<U: UserBackend<C, R>>(
        &self,
        token: &str,
        users: &U,
        proof: Option<UnusedProof>,
    ) -> Result<Tokens, AuthError> {
        let Inner { minter, leeway, clock, store, rotate, reuse_grace, refresh, .. } = &*self.0;
        let claims = refresh.verify_bytes(token.as_bytes())?;
        let jkt = check_refresh_binding(&claims, proof).await?.map(KeyThumbprint::encode);
        let now = clock.now();
        let issued_at = claims.issued_at().unwrap_or_default();
        let started_at = session_start(&claims);
        if now >= minter.session_end(started_at) {
            return Err(AuthErrorKind::Expired.into());
        }
        let user_id = claims.user_id();
        let user = users
            .find(user_id)
            .await?
            .filter(|user| {
                user.is_active() && user.may_refresh(claims.epoch(), claims.session_id())
            })
            .ok_or(AuthErrorKind::UserInactive)?;

        let (session_id, adopt) = refresh_session(&claims);
        if adopt {
            self.check_adoption(claims.registered_claims(), now).await?;
        }
        let scope = scope_claim(&user, |scope| claims.has_scope(scope))?;
        let amr: Vec<&str> = claims.amr().collect();
        let session = SessionClaims {
            session_id,
            user_id: user_id.as_str(),
            started_at,
            is_adopted: adopt || claims.auth_time().is_none(),
            scope: scope.as_deref(),
            amr: &amr,
            acr: claims.acr(),
            jkt: jkt.as_deref(),
        };
        let tokens = match store {
            Some(store) if *rotate => {
                let successor = random_id()?;
                let tokens = self.mint(&session, &user, now, Some((&successor, now)))?;
                let expires_at = minter.refresh_expiry(now, started_at);
                // A token of another issuer with the same secret may outlive its successor. Its
                // session must be remembered until then, so that it cannot be begun again.
                let last_expiry = expires_at.max(claims.expires_at());
                let keep_until = minter.keep_session_until(last_expiry, *leeway);
                let refresh = claims.jti().unwrap_or_default();
                let last_access = now.saturating_add(*reuse_grace);
                let known = NewSession::new(session_id, user_id, refresh, now)
                    .with_expiry(expires_at, keep_until)
                    .with_access_until(minter.keep_ended_until(last_access, *leeway));
                let spend = Spend::new(&known, issued_at, &successor)
                    .with_grace(*reuse_grace)
                    .with_adoption(adopt);
                match store.spend(&spend).await? {
                    Spent::First => tokens,
                    Spent::Again { successor, at: spent_at } => {
                        let again = Some((&*successor, spent_at));
                        let tokens = self.mint(&session, &user, now, again)?;
                        self.emit(&Event::Replayed {
                            user_id: user_id.as_str(),
                            session_id,
                            jti: refresh,
                            successor: &successor,
                            spent_at,
                            replayed_at: now,
                        });
                        return Ok(tokens);
                    }
                    Spent::Reused => {
                        let user_id = user_id.as_str();
                        self.emit(&Event::ReuseDetected { user_id, session_id });
                        return Err(AuthErrorKind::Reused.into());
                    }
                    Spent::Revoked => return Err(AuthErrorKind::Revoked.into()),
                }
            }
            Some(store) => {
                let generation = if adopt { Some(store.generation().await?) } else { None };
                if store.is_revoked(store.own_users(), &token_ref(&claims)).await? {
                    return Err(AuthErrorKind::Revoked.into());
                }
                if adopt {
                    // The session must be known, so that it can be ended with its access tokens.
                    let keep_until = minter.keep_session_until(claims.expires_at(), *leeway);
                    let adopted = NewSession::new(session_id, user_id, session_id, now)
                        .with_expiry(claims.expires_at(), keep_until)
                        .with_generation(generation);
                    if store.begin(&adopted).await? == Begun::UserRevoked {
                        return Err(AuthErrorKind::Revoked.into());
                    }
                }
                self.mint(&session, &user, now, None)?
            }
            None => self.mint(&session, &user, now, None)?,
        };
        self.emit(&Event::Refreshed { user_id: user_id.as_str(), session_id });
        Ok(tokens)
    }

    /// Ends the session of a refresh token, even if the token was spent. Calling it again has no
    /// effect.
    ///
    /// A token without `sid` is invalid unless it can be
    /// [adopted](super::IssuerBuilder::adopt_refresh_tokens). If it can, it is revoked, whether or
    /// not it was adopted already and whatever the earlier system knows about it.
    ///
    /// # Errors
    ///
    /// The reason why the token is not a valid refresh token, or as
    /// [`revoke_token`](Self::revoke_token).
    pub async fn logout(&self, refresh_token: &str) -> Result<(), AuthError> {
        // No proof is required: who ends the session of another gains nothing.
        let claims = self.0.refresh.verify_bytes(refresh_token.as_bytes())?;
        let (session_id, adopt) = refresh_session(&claims);
        if adopt {
            self.current_adoption(self.0.clock.now())?;
            // Its session may not have begun yet, and must not begin afterwards.
            self.revoke_token(&claims).await?;
        }
        self.revoke_session(claims.user_id(), session_id).await
    }
}
