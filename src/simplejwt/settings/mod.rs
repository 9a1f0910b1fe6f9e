//! [`Settings`]: the `SIMPLE_JWT` of a Django project.

mod keys;
mod read;
mod value;

use std::{fmt, time::Duration};

use zeroize::Zeroizing;

use crate::token::Algorithm;

use super::token_class::TokenClass;

/// SimpleJWT's settings, under their own names and with their own defaults.
///
/// They implement `Deserialize`, so that any configuration source can provide them. Durations are
/// seconds, or strings in Django's form: `HH:MM:SS`, `D HH:MM:SS`. Every value may be a string, as
/// in an environment variable: `"300"`, `"true"`, `"Bearer,JWT"`. Names may be in lower case.
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
/// An unknown or removed name, or a value that cannot be carried over, is an error that names the
/// setting. [`SimpleJwtBuilder::build`](super::SimpleJwtBuilder::build) rejects contradictions. The
/// [module docs](super#settings) list every setting.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// `ACCESS_TOKEN_LIFETIME`. Default: five minutes.
    pub access_token_lifetime: Duration,
    /// `REFRESH_TOKEN_LIFETIME`, which starts again with each rotation. Default: one day.
    pub refresh_token_lifetime: Duration,
    /// `ROTATE_REFRESH_TOKENS`: whether a refresh also returns a new refresh token. Default:
    /// `false`.
    pub rotate_refresh_tokens: bool,
    /// `BLACKLIST_AFTER_ROTATION`: whether a rotation blacklists the old token. Default: `false`.
    pub blacklist_after_rotation: bool,
    /// `UPDATE_LAST_LOGIN`: whether a login sets the user's `last_login`. Default: `false`.
    pub update_last_login: bool,
    /// `ALGORITHM`. Default: HS256.
    pub algorithm: Algorithm,
    /// `SIGNING_KEY`: the HMAC secret, or a private key in PEM. Default: Django's `SECRET_KEY`
    /// for HMAC. For other algorithms none, and tokens are only verified.
    pub signing_key: Option<Zeroizing<String>>,
    /// `VERIFYING_KEY`: a public key in PEM. Default: the public key of the signing key.
    pub verifying_key: Option<Box<str>>,
    /// `AUDIENCE`: written into tokens and required of them. Of several, a token must name one.
    /// Default: none, and `aud` is not checked.
    pub audience: Option<AudienceSetting>,
    /// `ISSUER`: written into tokens and required of them. Default: none.
    pub issuer: Option<Box<str>>,
    /// `LEEWAY`: how far clocks may differ, at most five minutes. Default: zero.
    pub leeway: Duration,
    /// `AUTH_HEADER_TYPES`: the accepted schemes. Challenges name the first. Default: `Bearer`.
    pub auth_header_types: Vec<Box<str>>,
    /// `AUTH_HEADER_NAME`, in Django's form. Default: `HTTP_AUTHORIZATION`.
    pub auth_header_name: Box<str>,
    /// `USER_ID_FIELD`: the column by which tokens identify users. Default: `id`.
    pub user_id_field: Box<str>,
    /// `USER_ID_CLAIM`. Default: `user_id`.
    pub user_id_claim: Box<str>,
    /// `AUTH_TOKEN_CLASSES`: the tokens that protected routes accept. Default:
    /// [`TokenClass::Access`].
    pub auth_token_classes: Vec<TokenClass>,
    /// `TOKEN_TYPE_CLAIM`. Default: `token_type`. With `None`, types are neither written nor
    /// checked, and protected routes accept refresh tokens.
    pub token_type_claim: Option<Box<str>>,
    /// `JTI_CLAIM`. Default: `jti`. With `None`, tokens have no ids and cannot be blacklisted.
    pub jti_claim: Option<Box<str>>,
    /// `SLIDING_TOKEN_REFRESH_EXP_CLAIM`. Default: `refresh_exp`.
    pub sliding_token_refresh_exp_claim: Box<str>,
    /// `SLIDING_TOKEN_LIFETIME`. Default: five minutes.
    pub sliding_token_lifetime: Duration,
    /// `SLIDING_TOKEN_REFRESH_LIFETIME`. Default: one day.
    pub sliding_token_refresh_lifetime: Duration,
    /// `CHECK_REVOKE_TOKEN`: whether a password change revokes the user's tokens. Default:
    /// `false`.
    ///
    /// Legacy: everyone with a token can read its claim, the MD5 of the stored password hash.
    pub check_revoke_token: bool,
    /// `REVOKE_TOKEN_CLAIM`. Default: `hash_password`.
    pub revoke_token_claim: Box<str>,
    /// `CHECK_USER_IS_ACTIVE`: whether inactive users are rejected. Default: `true`.
    pub check_user_is_active: bool,
}

/// The `AUDIENCE` of [`Settings`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AudienceSetting {
    /// A string.
    One(Box<str>),
    /// A list, which is written into tokens as a list.
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
