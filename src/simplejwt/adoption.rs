//! Refresh tokens of SimpleJWT at this crate's own [`Issuer`](crate::Issuer).

use crate::{clock::NumericDate, issue::Adoption, token::RegisteredClaims, user::BackendError};

use super::{
    database::DjangoStore,
    simple_jwt::{Inner, SimpleJwt},
};

impl SimpleJwt {
    /// Lets an [`Issuer`](crate::Issuer) accept the refresh tokens that SimpleJWT issued, until
    /// `end`. It rejects those that SimpleJWT would reject: blacklisted tokens, tokens of users that
    /// may not log in, and with `CHECK_REVOKE_TOKEN` those from before a password change.
    ///
    /// `end` should be the time at which Django was switched off plus `REFRESH_TOKEN_LIFETIME`. Until
    /// then Django's database must stay reachable. While it is not, such tokens get `503`.
    ///
    /// ```
    /// use tower_jwt_auth::{Issuer, MemoryStore, NumericDate, SigningKey};
    /// # use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoUsers, Settings, SimpleJwt};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
    /// # let secret_key = "django-insecure-".repeat(3);
    /// # let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
    /// let jwt = SimpleJwt::builder(Settings::default())
    ///     .secret_key(&secret_key)
    ///     .users(DjangoUsers::new(database))
    ///     .blacklist_app(true)
    ///     .build()?;
    /// let end = NumericDate::from_secs(1_893_456_000);
    /// let issuer = Issuer::builder(SigningKey::hs256(secret_key.as_bytes())?)
    ///     .rotate_refresh_tokens(true)
    ///     .store(MemoryStore::new())
    ///     .adopt_refresh_tokens(jwt.adopt_until(end))
    ///     .build()?;
    /// # drop(issuer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn adopt_until(&self, end: NumericDate) -> Adoption {
        let jwt = self.clone();
        Adoption::until(end, move |claims: RegisteredClaims| {
            let jwt = jwt.clone();
            async move { jwt.has_revoked(&claims).await }
        })
    }

    async fn has_revoked(&self, claims: &RegisteredClaims) -> Result<bool, BackendError> {
        let Inner { settings, blacklist, users, .. } = &*self.0;
        let unavailable = BackendError::unavailable;
        if claims.jti().is_none() || blacklist.contains(claims).await.map_err(unavailable)? {
            return Ok(true);
        }
        let Some(users) = users else { return Ok(false) };
        let user = users.find(claims.user_id().as_str()).await?;
        let Some(user) = user.filter(|user| self.permits(user)) else { return Ok(true) };
        let is_stale = settings.check_revoke_token
            && !self.has_current_password(claims, &user).map_err(unavailable)?;
        Ok(is_stale)
    }
}

impl DjangoStore {
    /// Lets an [`Issuer`](crate::Issuer) accept the refresh tokens that SimpleJWT issued, until
    /// `end`, except those that are blacklisted. It needs Django's database, but none of SimpleJWT's
    /// settings.
    ///
    /// With `BLACKLIST_AFTER_ROTATION`, Django has blacklisted the ancestors of a rotated token.
    /// Without, each of them begins a session. Whether users may still log in is for the issuer's
    /// [`UserBackend`](crate::user::UserBackend) to decide.
    ///
    /// `end` should be the time at which Django was switched off plus `REFRESH_TOKEN_LIFETIME`. Until
    /// then Django's database must stay reachable. While it is not, such tokens get `503`.
    ///
    /// ```
    /// use tower_jwt_auth::{
    ///     Issuer, MemoryStore, NumericDate, SigningKey,
    ///     simplejwt::{DjangoDatabase, DjangoStore, DjangoUsers},
    /// };
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), tower_jwt_auth::ConfigError> {
    /// # let secret_key = "django-insecure-".repeat(3);
    /// let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
    /// let blacklist = DjangoStore::new(DjangoUsers::new(database));
    /// let end = NumericDate::from_secs(1_893_456_000);
    /// let issuer = Issuer::builder(SigningKey::hs256(secret_key.as_bytes())?)
    ///     .rotate_refresh_tokens(true)
    ///     .store(MemoryStore::new())
    ///     .adopt_refresh_tokens(blacklist.adopt_until(end))
    ///     .build()?;
    /// # drop(issuer);
    /// # Ok(())
    /// # }
    /// ```
    pub fn adopt_until(&self, end: NumericDate) -> Adoption {
        let store = self.clone();
        Adoption::until(end, move |claims: RegisteredClaims| {
            let store = store.clone();
            async move {
                let Some(jti) = claims.jti() else { return Ok(true) };
                store.is_blacklisted(jti).await.map_err(BackendError::unavailable)
            }
        })
    }
}
