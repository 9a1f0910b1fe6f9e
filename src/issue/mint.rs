//! Tokens: which claims they carry, how long they live and how long a store must remember them.

use std::time::Duration;

use serde::Serialize;

use crate::{
    clock::{Clock, NumericDate},
    error::AuthError,
    store::Generation,
    token::{ClaimNames, KeySet, NewToken, TokenType, Verifier, VerifierBuilder, sign},
};

use super::{error::IssueError, random::random_id};

/// How much longer than a token its entry is kept, because the clocks of other machines differ.
const MARGIN: Duration = Duration::from_secs(60);

/// The claims that all tokens of a session share.
pub(super) struct SessionClaims<'a> {
    pub(super) session_id: &'a str,
    pub(super) user_id: &'a str,
    /// The login, or when the refresh token that began an adopted session was issued.
    pub(super) started_at: NumericDate,
    /// Whether nobody logged in here: the session began with a refresh token of an earlier system.
    pub(super) is_adopted: bool,
    pub(super) scope: Option<&'a str>,
    /// How the user was authenticated. Not written if it is empty.
    pub(super) amr: &'a [&'a str],
    pub(super) acr: Option<&'a str>,
    /// The thumbprint of the key to which the tokens are bound, in base64url.
    pub(super) jkt: Option<&'a str>,
}

/// What a single-use token depends on.
#[derive(Clone, Copy)]
pub(super) struct Bound<'a> {
    pub(super) user_id: &'a str,
    pub(super) session_id: Option<&'a str>,
    /// The store's generation when the token is issued.
    pub(super) generation: Option<Generation>,
    /// The user's epoch when the token is issued.
    pub(super) epoch: Option<&'a str>,
    /// The thumbprint of the key to which the token is bound, in base64url.
    pub(super) jkt: Option<&'a str>,
}

pub(super) struct Minter {
    pub(super) keys: KeySet,
    pub(super) names: ClaimNames,
    pub(super) issuer: Option<Box<str>>,
    pub(super) audience: Option<Box<str>>,
    /// Whether access tokens have `auth_time`.
    pub(super) access_auth_time: bool,
    /// Set if access tokens follow RFC 9068.
    pub(super) client_id: Option<Box<str>>,
    pub(super) access_lifetime: Duration,
    pub(super) refresh_lifetime: Duration,
    pub(super) session_lifetime: Option<Duration>,
    /// In bytes, of access and refresh tokens.
    pub(super) max_token_len: usize,
    pub(super) clock_skew: Option<Duration>,
}

impl Minter {
    /// A verifier whose settings match the claims of the tokens made here.
    pub(super) fn verifier_builder(&self, leeway: Duration, clock: &Clock) -> VerifierBuilder {
        let mut builder = Verifier::builder(self.keys.clone())
            .claim_names(self.names.clone())
            .max_token_len(self.max_token_len)
            .leeway(leeway)
            .clock(clock.clone());
        if let Some(clock_skew) = self.clock_skew {
            builder = builder.clock_skew(clock_skew);
        }
        if let Some(issuer) = &self.issuer {
            builder = builder.issuer(issuer.clone());
        }
        if let Some(audience) = &self.audience {
            builder = builder.audience(audience.clone());
        }
        builder
    }

    /// When the session that began at `started_at` can no longer be refreshed.
    pub(super) fn session_end(&self, started_at: NumericDate) -> NumericDate {
        self.session_lifetime
            .map_or(NumericDate::MAX, |lifetime| started_at.saturating_add(lifetime))
    }

    pub(super) fn refresh_expiry(&self, now: NumericDate, started_at: NumericDate) -> NumericDate {
        now.saturating_add(self.refresh_lifetime).min(self.session_end(started_at))
    }

    /// Until when a store must remember a session whose refresh token expires at `expires_at`.
    ///
    /// An access token obtained just before is valid for another [`access_lifetime`].
    ///
    /// [`access_lifetime`]: Self::access_lifetime
    pub(super) fn keep_session_until(
        &self,
        expires_at: NumericDate,
        leeway: Duration,
    ) -> NumericDate {
        keep_until(expires_at.saturating_add(self.access_lifetime), leeway)
    }

    /// Until when a store must remember a session that ends at `now`: its last access token is valid
    /// until then.
    pub(super) fn keep_ended_until(&self, now: NumericDate, leeway: Duration) -> NumericDate {
        keep_until(now.saturating_add(self.access_lifetime), leeway)
    }

    pub(super) fn access<C: Serialize>(
        &self,
        session: &SessionClaims<'_>,
        now: NumericDate,
        claims: &C,
    ) -> Result<(String, NumericDate), AuthError> {
        let end = self.session_end(session.started_at);
        let expires_at = now.saturating_add(self.access_lifetime).min(end);
        let jti = random_id()?;
        let mut registered =
            self.registered(&TokenType::Access, session.user_id, &jti, now, expires_at);
        registered.session_id = Some(session.session_id);
        registered.auth_time =
            (self.access_auth_time && !session.is_adopted).then_some(session.started_at);
        registered.scope = session.scope;
        registered.amr = session.amr;
        registered.acr = session.acr;
        registered.jkt = session.jkt;
        if let Some(client_id) = &self.client_id {
            registered.client_id = Some(client_id);
            registered.subject = (self.names.user_id() != "sub").then_some(session.user_id);
        }
        Ok((self.check_len(self.sign(&registered, claims)?)?, expires_at))
    }

    pub(super) fn refresh<R: Serialize>(
        &self,
        session: &SessionClaims<'_>,
        now: NumericDate,
        jti: &str,
        epoch: Option<&str>,
        claims: &R,
    ) -> Result<(String, NumericDate), AuthError> {
        let expires_at = self.refresh_expiry(now, session.started_at);
        let mut registered =
            self.registered(&TokenType::Refresh, session.user_id, jti, now, expires_at);
        registered.session_id = Some(session.session_id);
        if session.is_adopted {
            registered.session_start = Some(session.started_at);
        } else {
            registered.auth_time = Some(session.started_at);
        }
        registered.scope = session.scope;
        registered.amr = session.amr;
        registered.acr = session.acr;
        registered.epoch = epoch;
        registered.jkt = session.jkt;
        Ok((self.check_len(self.sign(&registered, claims)?)?, expires_at))
    }

    /// A token that can be used once, and that the issuer's own verifiers accept.
    pub(super) fn single_use<T: Serialize>(
        &self,
        token_type: &TokenType,
        bound_to: Bound<'_>,
        (now, expires_at): (NumericDate, NumericDate),
        claims: &T,
    ) -> Result<String, AuthError> {
        let jti = random_id()?;
        let mut registered = self.registered(token_type, bound_to.user_id, &jti, now, expires_at);
        registered.session_id = bound_to.session_id;
        registered.generation = bound_to.generation.map(Generation::get);
        registered.epoch = bound_to.epoch;
        registered.jkt = bound_to.jkt;
        self.check_len(self.sign(&registered, claims)?)
    }

    /// A token that belongs to no session.
    pub(super) fn standalone<T: Serialize>(
        &self,
        token_type: &TokenType,
        user_id: &str,
        (now, expires_at): (NumericDate, NumericDate),
        claims: &T,
    ) -> Result<String, AuthError> {
        let jti = random_id()?;
        self.sign(&self.registered(token_type, user_id, &jti, now, expires_at), claims)
    }

    fn registered<'a>(
        &'a self,
        token_type: &'a TokenType,
        user_id: &'a str,
        jti: &'a str,
        issued_at: NumericDate,
        expires_at: NumericDate,
    ) -> NewToken<'a> {
        NewToken {
            names: &self.names,
            token_type,
            expires_at,
            issued_at,
            jti,
            user_id,
            issuer: self.issuer.as_deref(),
            audience: self.audience.as_deref(),
            session_id: None,
            auth_time: None,
            session_start: None,
            amr: &[],
            acr: None,
            scope: None,
            epoch: None,
            generation: None,
            client_id: None,
            subject: None,
            jkt: None,
        }
    }

    fn sign<T: Serialize>(
        &self,
        registered: &NewToken<'_>,
        claims: &T,
    ) -> Result<String, AuthError> {
        let keys = self.keys.load();
        let key = keys.signing_key().ok_or(IssueError::NoSigningKey)?;
        sign(key, registered, claims)
    }

    /// Fails if the issuer's own verifiers would reject `token` for its length.
    fn check_len(&self, token: String) -> Result<String, AuthError> {
        let (len, max) = (token.len(), self.max_token_len);
        if len > max { Err(IssueError::TokenLen { len, max }.into()) } else { Ok(token) }
    }
}

/// Until when a store must remember a token that expires at `expires_at`.
pub(super) fn keep_until(expires_at: NumericDate, leeway: Duration) -> NumericDate {
    expires_at.saturating_add(leeway).saturating_add(MARGIN)
}
