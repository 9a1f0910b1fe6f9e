use std::fmt;

use tower_layer::Layer;

use crate::{error::ConfigError, middleware::InvalidToken, simplejwt::simple_jwt::SimpleJwt};

use super::{authentication::Authentication, service::SimpleJwtAuth};

/// Authenticates requests as SimpleJWT's authentication classes do.
///
/// [`SimpleJwt::layer`] puts a [`DjangoUser`](crate::simplejwt::DjangoUser) and a
/// [`TokenUser`](crate::simplejwt::TokenUser) into the request extensions.
/// [`SimpleJwt::stateless_layer`] puts in the `TokenUser` alone. Both also add
/// [`Claims`](crate::Claims), for [`RequireLayer`](crate::guard::RequireLayer).
#[derive(Clone)]
#[must_use]
pub struct SimpleJwtLayer(Authentication);

impl SimpleJwt {
    /// A layer for routes that need a user. It loads the token's user from the database, as
    /// `JWTAuthentication` does.
    ///
    /// # Errors
    ///
    /// [`Ineffective`](crate::ConfigErrorKind::Ineffective) without
    /// [users](crate::simplejwt::SimpleJwtBuilder::users).
    pub fn layer(&self) -> Result<SimpleJwtLayer, ConfigError> {
        if self.0.users.is_none() {
            return Err(ConfigError::ineffective(
                "SimpleJwt::layer loads users from a database: set SimpleJwtBuilder::users",
            ));
        }
        Ok(SimpleJwtLayer(Authentication::new(self.clone(), true)))
    }

    /// A layer for routes that need only a valid token, as `JWTStatelessUserAuthentication` does.
    ///
    /// It does not look users up: a deleted or deactivated user gets in until the token expires.
    pub fn stateless_layer(&self) -> SimpleJwtLayer {
        SimpleJwtLayer(Authentication::new(self.clone(), false))
    }
}

impl SimpleJwtLayer {
    /// Lets requests without a token through, without a user. Default: a token is required, as by
    /// `IsAuthenticated`.
    ///
    /// `invalid_token` decides about requests with an invalid token, which SimpleJWT rejects.
    /// Handlers extract `Option<DjangoUser>` or `Option<TokenUser>`.
    pub fn with_optional(mut self, invalid_token: InvalidToken) -> Self {
        self.0.optional = Some(invalid_token);
        self
    }
}

impl<S> Layer<S> for SimpleJwtLayer {
    type Service = SimpleJwtAuth<S>;

    fn layer(&self, inner: S) -> Self::Service {
        SimpleJwtAuth::new(inner, self.0.clone())
    }
}

impl fmt::Debug for SimpleJwtLayer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SimpleJwtLayer")
            .field("loads_user", &self.0.loads_user)
            .field("optional", &self.0.optional)
            .finish_non_exhaustive()
    }
}
