use std::sync::Arc;

use axum::extract::Request;
use serde_json::{Map, Value, json};

#[cfg(feature = "totp")]
use crate::totp::Totp;
#[cfg(feature = "cookie")]
use crate::transport::SessionCookies;
use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    issue::Issuer,
    password::PasswordRules,
    possession::Dpop,
    routes::{BodyReader, RouteError, RouteRejection},
    token::RegisteredClaims,
    user::{Account, AccountBackend, Fields},
};

use super::{
    account_token::AccountTokens, limit::Limits, outgoing::Outgoing, route_table::RouteTable,
};

/// Describes an account in a response.
pub(super) type DescribeUser<X> = Arc<dyn Fn(&Account<X>) -> Map<String, Value> + Send + Sync>;
/// Reads the columns of the application from the body of a sign-up.
pub(super) type ReadExtra<X> = Arc<dyn Fn(&mut Fields) -> Option<X> + Send + Sync>;

/// The state of the handlers.
pub(super) struct AccountState<U: AccountBackend<C, R>, C, R> {
    pub(super) issuer: Issuer<C, R>,
    pub(super) users: U,
    pub(super) mail: Outgoing,
    pub(super) tokens: AccountTokens,
    pub(super) rules: PasswordRules,
    pub(super) limits: Limits,
    pub(super) bodies: BodyReader,
    pub(super) rejection: RouteRejection,
    pub(super) routes: RouteTable,
    #[cfg(feature = "totp")]
    pub(super) totp: Option<Totp>,
    pub(super) sign_up: SignUpSettings,
    /// `None` if no tokens are bound to keys.
    pub(super) dpop: Option<Dpop>,
    pub(super) describe_user: Option<DescribeUser<U::Extra>>,
    pub(super) read_extra: ReadExtra<U::Extra>,
    #[cfg(feature = "cookie")]
    pub(super) cookies: Option<SessionCookies>,
}

/// What a sign-up requires and does.
#[derive(Clone, Copy, Debug)]
pub(super) struct SignUpSettings {
    pub(super) requires_username: bool,
    pub(super) requires_email: bool,
    /// Whether nobody can find out which accounts exist.
    pub(super) enumeration_safe: bool,
    /// Whether a client gets tokens if it asks for them.
    pub(super) tokens: bool,
    /// Whether a browser gets the cookies of a session.
    #[cfg(feature = "cookie")]
    pub(super) cookies: bool,
}

impl Default for SignUpSettings {
    fn default() -> Self {
        Self {
            requires_username: true,
            requires_email: true,
            enumeration_safe: false,
            tokens: false,
            #[cfg(feature = "cookie")]
            cookies: false,
        }
    }
}

impl SignUpSettings {
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        if !self.requires_username && !self.requires_email {
            return Err(ConfigError::conflict(
                "`require_username` and `require_email` must not both be false",
            ));
        }
        if self.enumeration_safe && !self.requires_email {
            return Err(ConfigError::conflict(
                "`enumeration_safe` requires an e-mail address, because the mail has the outcome",
            ));
        }
        #[cfg(feature = "cookie")]
        let begins_session = self.tokens || self.cookies;
        #[cfg(not(feature = "cookie"))]
        let begins_session = self.tokens;
        if self.enumeration_safe && begins_session {
            return Err(ConfigError::conflict(
                "`enumeration_safe` excludes `tokens_at_sign_up` and `cookies_at_sign_up`, which \
                 reveal that an account was created",
            ));
        }
        Ok(())
    }
}

impl<U: AccountBackend<C, R>, C, R> AccountState<U, C, R> {
    /// Rejects a request that another site caused, if browsers use the routes.
    #[cfg_attr(
        not(feature = "cookie"),
        allow(clippy::unused_self, clippy::unnecessary_wraps, reason = "as with `cookie`")
    )]
    pub(super) fn check_site(&self, request: &Request) -> Result<(), AuthErrorKind> {
        #[cfg(feature = "cookie")]
        if let Some(cookies) = &self.cookies {
            return cookies.check(request);
        }
        #[cfg(not(feature = "cookie"))]
        let _ = request;
        Ok(())
    }

    /// The members that describe an account in a response.
    pub(super) fn described(&self, account: &Account<U::Extra>) -> Map<String, Value> {
        match &self.describe_user {
            Some(describe) => describe(account),
            None => Map::from_iter([
                ("id".to_owned(), json!(account.id())),
                ("username".to_owned(), json!(account.username())),
                ("email".to_owned(), json!(account.email())),
            ]),
        }
    }

    /// The account of a token that the layer has accepted. It exists and is active.
    pub(super) async fn active_account(
        &self,
        claims: &RegisteredClaims,
    ) -> Result<Account<U::Extra>, RouteError> {
        let account = self.users.account(claims.user_id()).await.map_err(AuthError::from)?;
        let account = account.filter(|account| self.users.user(account).is_active());
        Ok(account.ok_or(AuthErrorKind::UserInactive)?)
    }
}
