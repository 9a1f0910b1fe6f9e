//! Making tokens: which ids and times go into them.

use std::{fmt, time::Duration};

use serde::Serialize;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    token::{ClaimNames, DEFAULT_MAX_TOKEN_LEN, KeySet, RegisteredClaims, TokenType, sign},
    user::User,
};

use super::random;

/// How long after a token can last be good its entry is kept: other machines' clocks differ.
const MARGIN: Duration = Duration::from_secs(60);

/// The tokens of a login or a refresh.
#[derive(Clone)]
pub struct Tokens {
    pub(super) access: String,
    pub(super) refresh: Option<String>,
    pub(super) access_expires_at: NumericDate,
    pub(super) session_id: Box<str>,
}

impl Tokens {
    /// The access token.
    #[must_use]
    pub fn access(&self) -> &str {
        &self.access
    }

    /// The refresh token; none after a refresh without rotation, where the old one stays good.
    #[must_use]
    pub fn refresh(&self) -> Option<&str> {
        self.refresh.as_deref()
    }

    /// When the access token expires.
    #[must_use]
    pub const fn access_expires_at(&self) -> NumericDate {
        self.access_expires_at
    }

    /// The session they belong to.
    #[must_use]
    pub fn session_id(&self) -> &str {
        &self.session_id
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens").finish_non_exhaustive()
    }
}

/// What the tokens of one session have in common.
pub(super) struct SessionFacts<'a> {
    pub(super) session_id: &'a str,
    pub(super) user_id: &'a str,
    pub(super) auth_time: NumericDate,
    pub(super) scope: Option<&'a str>,
}

pub(super) struct Minter {
    pub(super) keys: KeySet,
    pub(super) names: ClaimNames,
    pub(super) issuer: Option<Box<str>>,
    pub(super) audience: Option<Box<str>>,
    /// Makes access tokens those of RFC 9068.
    pub(super) client_id: Option<Box<str>>,
    pub(super) access_lifetime: Duration,
    pub(super) refresh_lifetime: Duration,
    pub(super) session_lifetime: Option<Duration>,
}

impl Minter {
    /// When the session that began at `auth_time` ends for good.
    pub(super) fn session_end(&self, auth_time: NumericDate) -> NumericDate {
        self.session_lifetime
            .map_or(NumericDate::MAX, |lifetime| auth_time.saturating_add(lifetime))
    }

    pub(super) fn refresh_expiry(&self, now: NumericDate, auth_time: NumericDate) -> NumericDate {
        now.saturating_add(self.refresh_lifetime).min(self.session_end(auth_time))
    }

    /// Until when a session must be remembered whose refresh token expires at `expires_at`.
    ///
    /// An access token bought with it at the last moment is still good for a while.
    pub(super) fn keep_session_until(
        &self,
        expires_at: NumericDate,
        leeway: Duration,
    ) -> NumericDate {
        keep_until(expires_at.saturating_add(self.access_lifetime), leeway)
    }

    pub(super) fn access<C: Serialize>(
        &self,
        session: &SessionFacts<'_>,
        now: NumericDate,
        claims: &C,
    ) -> Result<(String, NumericDate), AuthError> {
        let end = self.session_end(session.auth_time);
        let expires_at = now.saturating_add(self.access_lifetime).min(end);
        let jti = random_id()?;
        let mut registered =
            self.registered(&TokenType::Access, session.user_id, &jti, now, expires_at);
        registered.session_id = Some(session.session_id);
        registered.scope = session.scope;
        if let Some(client_id) = &self.client_id {
            registered.client_id = Some(client_id);
            registered.subject = (self.names.user_id() != "sub").then_some(session.user_id);
        }
        Ok((short_enough(self.sign(&registered, claims)?)?, expires_at))
    }

    pub(super) fn refresh<R: Serialize>(
        &self,
        session: &SessionFacts<'_>,
        now: NumericDate,
        jti: &str,
        epoch: Option<&str>,
        claims: &R,
    ) -> Result<String, AuthError> {
        let expires_at = self.refresh_expiry(now, session.auth_time);
        let mut registered =
            self.registered(&TokenType::Refresh, session.user_id, jti, now, expires_at);
        registered.session_id = Some(session.session_id);
        registered.auth_time = Some(session.auth_time);
        registered.scope = session.scope;
        registered.epoch = epoch;
        short_enough(self.sign(&registered, claims)?)
    }

    /// A token that belongs to no session.
    pub(super) fn single<T: Serialize>(
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
    ) -> RegisteredClaims<'a> {
        RegisteredClaims {
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
            scope: None,
            epoch: None,
            client_id: None,
            subject: None,
        }
    }

    fn sign<T: Serialize>(
        &self,
        registered: &RegisteredClaims<'_>,
        claims: &T,
    ) -> Result<String, AuthError> {
        // A verifier would refuse every token of such a user; better here than at each request.
        if !(1..=255).contains(&registered.user_id.len()) {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        let keys = self.keys.load();
        // A set that could sign when the issuer was built always can.
        let key = keys.signing_key().ok_or(AuthErrorKind::Misconfigured)?;
        sign(key, registered, claims)
    }
}

/// Refuses what the issuer's own verifiers would not look at.
fn short_enough(token: String) -> Result<String, AuthError> {
    if token.len() > DEFAULT_MAX_TOKEN_LEN {
        return Err(AuthErrorKind::Misconfigured.into());
    }
    Ok(token)
}

pub(super) fn keep_until(expires_at: NumericDate, leeway: Duration) -> NumericDate {
    expires_at.saturating_add(leeway).saturating_add(MARGIN)
}

/// A random UUID of version 4 as 32 hexadecimal digits, as SimpleJWT's `uuid4().hex` is.
pub(crate) fn random_id() -> Result<String, AuthError> {
    let mut bytes = random::draw()
        .map_err(|error| AuthError::with_source(AuthErrorKind::Unavailable, error))?;
    // RFC 9562 section 5.4.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(format!("{:032x}", u128::from_be_bytes(bytes)))
}

/// The scopes of `user` that `granted` allows, as a `scope` claim; none at all leaves it out.
pub(super) fn scope_claim<C, R>(
    user: &User<C, R>,
    granted: impl Fn(&str) -> bool,
) -> Result<Option<String>, AuthError> {
    // RFC 6749 section 3.3.
    let allowed = |byte: u8| matches!(byte, b'!' | b'#'..=b'[' | b']'..=b'~');
    let scopes: Vec<&str> = user.scopes().filter(|scope| granted(scope)).collect();
    if scopes.iter().any(|scope| scope.is_empty() || !scope.bytes().all(allowed)) {
        return Err(AuthErrorKind::Misconfigured.into());
    }
    Ok((!scopes.is_empty()).then(|| scopes.join(" ")))
}
