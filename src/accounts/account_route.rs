use axum::routing::MethodFilter;
use http::Method;

/// One of the [account routes](crate::accounts), to [move](super::AccountRoutesBuilder::path) it or
/// to [leave it out](super::AccountRoutesBuilder::without).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum AccountRoute {
    /// `POST /users`.
    SignUp,
    /// `POST /users/verify`.
    VerifyEmail,
    /// `POST /users/verify/resend`.
    ResendVerification,
    /// `GET /me`.
    ShowAccount,
    /// `PATCH /me`.
    UpdateAccount,
    /// `DELETE /me`.
    DeleteAccount,
    /// `POST /password`.
    ChangePassword,
    /// `POST /password/reset`.
    RequestReset,
    /// `POST /password/reset/confirm`.
    ConfirmReset,
    /// `POST /totp`, with [`totp`](super::AccountRoutesBuilder::totp).
    #[cfg(feature = "totp")]
    EnrolTotp,
    /// `POST /totp/confirm`, with [`totp`](super::AccountRoutesBuilder::totp).
    #[cfg(feature = "totp")]
    ConfirmTotp,
    /// `DELETE /totp`, with [`totp`](super::AccountRoutesBuilder::totp).
    #[cfg(feature = "totp")]
    DisableTotp,
}

impl AccountRoute {
    /// All routes.
    pub(super) const ALL: &[Self] = &[
        Self::SignUp,
        Self::VerifyEmail,
        Self::ResendVerification,
        Self::ShowAccount,
        Self::UpdateAccount,
        Self::DeleteAccount,
        Self::ChangePassword,
        Self::RequestReset,
        Self::ConfirmReset,
        #[cfg(feature = "totp")]
        Self::EnrolTotp,
        #[cfg(feature = "totp")]
        Self::ConfirmTotp,
        #[cfg(feature = "totp")]
        Self::DisableTotp,
    ];

    /// The method that the route serves.
    #[must_use]
    pub fn method(self) -> Method {
        self.row().0
    }

    /// The path below the [base path](super::AccountRoutesBuilder::at), unless the application
    /// moves the route.
    #[must_use]
    pub fn default_path(self) -> &'static str {
        self.row().1
    }

    /// Whether the route exists only with [`totp`](super::AccountRoutesBuilder::totp).
    #[cfg(feature = "totp")]
    pub(super) const fn needs_totp(self) -> bool {
        matches!(self, Self::EnrolTotp | Self::ConfirmTotp | Self::DisableTotp)
    }

    pub(super) fn method_filter(self) -> MethodFilter {
        MethodFilter::try_from(self.method()).expect("axum serves the methods of this table")
    }

    fn row(self) -> (Method, &'static str) {
        match self {
            Self::SignUp => (Method::POST, "/users"),
            Self::VerifyEmail => (Method::POST, "/users/verify"),
            Self::ResendVerification => (Method::POST, "/users/verify/resend"),
            Self::ShowAccount => (Method::GET, "/me"),
            Self::UpdateAccount => (Method::PATCH, "/me"),
            Self::DeleteAccount => (Method::DELETE, "/me"),
            Self::ChangePassword => (Method::POST, "/password"),
            Self::RequestReset => (Method::POST, "/password/reset"),
            Self::ConfirmReset => (Method::POST, "/password/reset/confirm"),
            #[cfg(feature = "totp")]
            Self::EnrolTotp => (Method::POST, "/totp"),
            #[cfg(feature = "totp")]
            Self::ConfirmTotp => (Method::POST, "/totp/confirm"),
            #[cfg(feature = "totp")]
            Self::DisableTotp => (Method::DELETE, "/totp"),
        }
    }
}
