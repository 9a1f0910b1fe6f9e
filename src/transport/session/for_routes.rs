//! What the session routes do with the cookies.

use std::{str, sync::Arc, time::Duration};

use http::{HeaderMap, HeaderValue};

use crate::{
    error::{AuthError, AuthErrorKind, ConfigError},
    transport::cookie,
};

use super::{
    cookies::{SessionCookies, are_read},
    names::{RefreshPath, check_name, path_covers},
    template::Template,
};

/// The cookies of a new session, or of a refreshed one.
#[derive(Clone, Copy)]
pub(crate) struct NewCookies<'a> {
    pub(crate) access: &'a str,
    /// How long the access token is valid. Rounded down to seconds, like all ages.
    pub(crate) access_max_age: Duration,
    /// The refresh token and how long it is valid. `None` if the browser keeps the one that it has.
    pub(crate) refresh: Option<(&'a str, Duration)>,
    pub(crate) session_id: &'a str,
}

impl SessionCookies {
    /// Limits the refresh cookie to `base`, the path of the session routes, unless the application
    /// has set another path. `base` is without a slash at its end.
    ///
    /// # Errors
    ///
    /// If browsers would not send the cookie to `base`, or would reject it.
    pub(crate) fn with_refresh_path(mut self, base: &str) -> Result<Self, ConfigError> {
        let base = if base.is_empty() { "/" } else { base };
        let RefreshPath::Open(scope) = self.0.refresh_path else {
            if !path_covers(self.0.refresh.path(), base) {
                return Err(ConfigError::conflict(
                    "`refresh_path` must contain the path of the session routes: browsers send the \
                     refresh cookie only there",
                ));
            }
            return Ok(self);
        };
        check_name(self.0.refresh.name(), scope, Some(base))?;
        let settings = Arc::make_mut(&mut self.0);
        settings.refresh.set_path(base);
        settings.refresh_path = RefreshPath::SetByRoutes;
        Ok(self)
    }

    /// Whether the path of the refresh cookie is set, by the application or by session routes.
    #[cfg(feature = "accounts")]
    pub(crate) fn has_refresh_path(&self) -> bool {
        match self.0.refresh_path {
            RefreshPath::Open(_) => false,
            RefreshPath::SetByApplication | RefreshPath::SetByRoutes => true,
        }
    }

    /// Fails if browsers would not send the access cookie to these paths, which are without a slash at
    /// their end.
    pub(crate) fn check_access_path(&self, bases: [&str; 2]) -> Result<(), ConfigError> {
        let path = self.0.access.path();
        if bases.into_iter().all(|base| path_covers(path, &format!("{base}/"))) {
            return Ok(());
        }
        Err(ConfigError::conflict(
            "`path` must contain the paths of the session routes and of the session list: browsers \
             send the access cookie only there",
        ))
    }

    /// The value of the refresh cookie. `None` if the request has an `Authorization` header.
    pub(crate) fn refresh_token<'r>(
        &self,
        headers: &'r HeaderMap,
    ) -> Result<Option<&'r str>, AuthErrorKind> {
        token(headers, &self.0.refresh)
    }

    /// The `Set-Cookie` headers that set the cookies. Fails if one is longer than browsers accept.
    pub(crate) fn set(&self, new: &NewCookies<'_>) -> Result<Vec<HeaderValue>, AuthError> {
        let mut headers = vec![self.0.access.set(new.access, new.access_max_age)?];
        if let Some((refresh, max_age)) = new.refresh {
            headers.push(self.0.refresh.set(refresh, max_age)?);
            if let Some(double_submit) = &self.0.double_submit {
                let token = double_submit.token(new.session_id);
                headers.push(double_submit.cookie.set(&token, max_age)?);
            }
        }
        Ok(headers)
    }

    #[cfg(feature = "openapi")]
    pub(crate) fn refresh_name(&self) -> &str {
        self.0.refresh.name()
    }

    /// The `Set-Cookie` headers that delete all cookies.
    pub(crate) fn clear(&self) -> Vec<HeaderValue> {
        let double_submit =
            self.0.double_submit.as_ref().map(|double_submit| &double_submit.cookie);
        let cookies = [Some(&self.0.access), Some(&self.0.refresh), double_submit];
        cookies.into_iter().flatten().map(Template::clear).collect()
    }
}

fn token<'r>(headers: &'r HeaderMap, cookie: &Template) -> Result<Option<&'r str>, AuthErrorKind> {
    if !are_read(headers) {
        return Ok(None);
    }
    let value = cookie::find(headers, cookie.name())?;
    value.map(str::from_utf8).transpose().map_err(|_| AuthErrorKind::Malformed)
}
