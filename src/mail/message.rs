use std::fmt;

use zeroize::Zeroizing;

/// What a [`Message`] is about.
///
/// | kind | is sent | token |
/// |---|---|---|
/// | [`VerifyEmail`](Self::VerifyEmail) | after sign-up, and to a new address | yes |
/// | [`ResetPassword`](Self::ResetPassword) | when a user asks for a new password | yes |
/// | [`AccountExists`](Self::AccountExists) | when somebody signs up with the address of an account | |
/// | [`UsernameTaken`](Self::UsernameTaken) | when somebody signs up with the user name of another account | |
/// | [`EmailChangeRequested`](Self::EmailChangeRequested) | to the old address, when a user asks for another one | |
/// | [`EmailChanged`](Self::EmailChanged) | to the old address, when the new one was confirmed | |
/// | [`PasswordChanged`](Self::PasswordChanged) | when the password was changed or reset | |
/// | [`SecondFactorEnabled`](Self::SecondFactorEnabled) | when logins require a code from now on | |
/// | [`SecondFactorDisabled`](Self::SecondFactorDisabled) | when logins require no code any more | |
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum MessageKind {
    /// The user must confirm that this is their address.
    VerifyEmail,
    /// The user asked for a new password.
    ResetPassword,
    /// Somebody tried to sign up with the address of this account. To its owner, from a sign-up that
    /// does not reveal which accounts exist.
    AccountExists,
    /// The user name of a sign-up is taken. To the address of that sign-up, from one that does not
    /// reveal which accounts exist.
    UsernameTaken,
    /// The user asked for another address.
    EmailChangeRequested,
    /// The account has another address from now on.
    EmailChanged,
    /// The account has another password from now on.
    PasswordChanged,
    /// Logins to the account require a code from now on.
    SecondFactorEnabled,
    /// Logins to the account require no code from now on.
    SecondFactorDisabled,
}

impl MessageKind {
    /// The name of the kind, for programs. The names are stable.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "verify_email",
            Self::ResetPassword => "reset_password",
            Self::AccountExists => "account_exists",
            Self::UsernameTaken => "username_taken",
            Self::EmailChangeRequested => "email_change_requested",
            Self::EmailChanged => "email_changed",
            Self::PasswordChanged => "password_changed",
            Self::SecondFactorEnabled => "second_factor_enabled",
            Self::SecondFactorDisabled => "second_factor_disabled",
        }
    }
}

/// The facts of a mail.
///
/// `Debug` shows the kind only.
#[derive(Clone)]
#[must_use]
pub struct Message {
    kind: MessageKind,
    to: Box<str>,
    username: Option<Box<str>>,
    token: Option<Zeroizing<String>>,
    link: Option<Zeroizing<String>>,
}

impl Message {
    /// A message to the address `to`, without a user name, a token or a link.
    pub fn new(kind: MessageKind, to: impl Into<Box<str>>) -> Self {
        Self { kind, to: to.into(), username: None, token: None, link: None }
    }

    /// Sets the user name. Default: none.
    pub fn with_username<'a>(mut self, username: impl Into<Option<&'a str>>) -> Self {
        self.username = username.into().map(Into::into);
        self
    }

    /// Sets the token. Default: none.
    pub fn with_token(mut self, token: impl Into<String>) -> Self {
        self.token = Some(Zeroizing::new(token.into()));
        self
    }

    /// Sets the link, which contains the token. Default: none.
    pub fn with_link(mut self, link: impl Into<Option<String>>) -> Self {
        self.link = link.into().map(Zeroizing::new);
        self
    }

    /// What the message is about.
    #[must_use]
    pub const fn kind(&self) -> MessageKind {
        self.kind
    }

    /// The address of the recipient.
    #[must_use]
    pub fn to(&self) -> &str {
        &self.to
    }

    /// The user name of the account, as whoever created it wrote it.
    ///
    /// <div class="warning">
    ///
    /// The recipient of [`VerifyEmail`](MessageKind::VerifyEmail) may be a stranger to the person who
    /// chose the name. Escape it in HTML, and do not put it into the subject.
    ///
    /// </div>
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The token that the recipient sends back. Whoever has it can act for the user: never log it.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_ref().map(|token| token.as_str())
    }

    /// The link with the token in it, if the application has configured links. It is as secret as
    /// the token.
    #[must_use]
    pub fn link(&self) -> Option<&str> {
        self.link.as_ref().map(|link| link.as_str())
    }
}

impl fmt::Debug for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Message").field("kind", &self.kind).finish_non_exhaustive()
    }
}
