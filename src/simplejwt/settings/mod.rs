//! [`Settings`]: the `SIMPLE_JWT` of a Django project.

mod keys;
mod read;
mod value;

use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use crate::token::Algorithm;

use super::token_class::TokenClass;

/// The settings of SimpleJWT, under its own names and with its own defaults.
///
/// They are read with serde from wherever the application keeps them. Durations are seconds, or
/// texts as Django writes them: `HH:MM:SS`, `D HH:MM:SS`. Whatever comes from an environment
/// variable may be text: `"300"`, `"true"`, `"Bearer,JWT"`. Names may be written in lower case,
/// as some loaders hand them on.
///
/// ```
/// use std::time::Duration;
/// use tower_jwt_auth::simplejwt::Settings;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let settings: Settings = serde_json::from_str(
///     r#"{"ACCESS_TOKEN_LIFETIME": "00:15:00", "ROTATE_REFRESH_TOKENS": true}"#,
/// )?;
/// assert_eq!(settings.access_token_lifetime, Duration::from_secs(900));
/// assert_eq!(settings.refresh_token_lifetime, Duration::from_secs(86_400));
///
/// let error = serde_json::from_str::<Settings>(r#"{"ACCESS_TOKEN_LIFETIM": 900}"#).unwrap_err();
/// assert!(error.to_string().contains("ACCESS_TOKEN_LIFETIM"));
/// # Ok(())
/// # }
/// ```
///
/// Unknown and removed names, and values that cannot be carried over, are errors that name the
/// setting; contradictions are found [when something is built](super::SimpleJwtBuilder::build).
/// What becomes of each setting is told in the [module docs](super).
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `ACCESS_TOKEN_LIFETIME`, five minutes by default.
    pub access_token_lifetime: Duration,
    /// `REFRESH_TOKEN_LIFETIME`, a day by default; begins anew with each rotation.
    pub refresh_token_lifetime: Duration,
    /// `ROTATE_REFRESH_TOKENS`: whether a refresh answers with a new refresh token, too. Default:
    /// `false`.
    pub rotate_refresh_tokens: bool,
    /// `BLACKLIST_AFTER_ROTATION`: whether a rotation blacklists the old token, and `verify` looks
    /// at the blacklist. Default: `false`.
    pub blacklist_after_rotation: bool,
    /// `UPDATE_LAST_LOGIN`: whether a login is noted in the user's row. Default: `false`.
    pub update_last_login: bool,
    /// `ALGORITHM`, HS256 by default.
    pub algorithm: Algorithm,
    /// `SIGNING_KEY`: the HMAC secret, or a private key in PEM. Default: Django's `SECRET_KEY`
    /// for HMAC, and none otherwise, so that tokens are only verified.
    pub signing_key: Option<Zeroizing<String>>,
    /// `VERIFYING_KEY`: a public key in PEM. Default: that of the signing key.
    pub verifying_key: Option<Box<str>>,
    /// `AUDIENCE`: written into tokens and demanded of them, where any of them is enough. Default:
    /// none, `aud` is not checked.
    pub audience: Option<AudienceSetting>,
    /// `ISSUER`: written into tokens and demanded of them. Default: none.
    pub issuer: Option<Box<str>>,
    /// `LEEWAY`: by how much clocks may differ; at most five minutes. Default: zero.
    pub leeway: Duration,
    /// `AUTH_HEADER_TYPES`: the accepted schemes, `Bearer` by default. The first is the one that
    /// challenges name.
    pub auth_header_types: Vec<Box<str>>,
    /// `AUTH_HEADER_NAME`, as Django names headers: `HTTP_AUTHORIZATION` by default.
    pub auth_header_name: Box<str>,
    /// `USER_ID_FIELD`: the column of the user that tokens name, `id` by default.
    pub user_id_field: Box<str>,
    /// `USER_ID_CLAIM`, `user_id` by default.
    pub user_id_claim: Box<str>,
    /// `AUTH_TOKEN_CLASSES`: the tokens that open protected routes. Default:
    /// [`TokenClass::Access`].
    pub auth_token_classes: Vec<TokenClass>,
    /// `TOKEN_TYPE_CLAIM`, `token_type` by default. With none, types are neither written nor
    /// checked, and a refresh token opens what only an access token should.
    pub token_type_claim: Option<Box<str>>,
    /// `JTI_CLAIM`, `jti` by default. With none, tokens have no ids, and none can be blacklisted.
    pub jti_claim: Option<Box<str>>,
    /// `SLIDING_TOKEN_REFRESH_EXP_CLAIM`, `refresh_exp` by default.
    pub sliding_token_refresh_exp_claim: Box<str>,
    /// `SLIDING_TOKEN_LIFETIME`, five minutes by default.
    pub sliding_token_lifetime: Duration,
    /// `SLIDING_TOKEN_REFRESH_LIFETIME`, a day by default.
    pub sliding_token_refresh_lifetime: Duration,
    /// `CHECK_REVOKE_TOKEN`: whether tokens end with the password they were issued under. Default:
    /// `false`.
    ///
    /// Legacy: the claim is the MD5 of the stored password hash, for everyone to read.
    pub check_revoke_token: bool,
    /// `REVOKE_TOKEN_CLAIM`, `hash_password` by default.
    pub revoke_token_claim: Box<str>,
    /// `CHECK_USER_IS_ACTIVE`: whether inactive users are refused. Default: `true`.
    pub check_user_is_active: bool,
}

/// The `AUDIENCE` of [`Settings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceSetting {
    /// A text.
    One(Box<str>),
    /// A list, which tokens hold as such.
    Many(Vec<Box<str>>),
}

impl Default for Settings {
    fn default() -> Self {
        const MINUTE: Duration = Duration::from_secs(60);
        const DAY: Duration = Duration::from_secs(24 * 60 * 60);
        Self {
            access_token_lifetime: 5 * MINUTE,
            refresh_token_lifetime: DAY,
            rotate_refresh_tokens: false,
            blacklist_after_rotation: false,
            update_last_login: false,
            algorithm: Algorithm::HS256,
            signing_key: None,
            verifying_key: None,
            audience: None,
            issuer: None,
            leeway: Duration::ZERO,
            auth_header_types: vec!["Bearer".into()],
            auth_header_name: "HTTP_AUTHORIZATION".into(),
            user_id_field: "id".into(),
            user_id_claim: "user_id".into(),
            auth_token_classes: vec![TokenClass::Access],
            token_type_claim: Some("token_type".into()),
            jti_claim: Some("jti".into()),
            sliding_token_refresh_exp_claim: "refresh_exp".into(),
            sliding_token_lifetime: 5 * MINUTE,
            sliding_token_refresh_lifetime: DAY,
            check_revoke_token: false,
            revoke_token_claim: "hash_password".into(),
            check_user_is_active: true,
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings").field("algorithm", &self.algorithm).finish_non_exhaustive()
    }
}
