use std::fmt;

/// Attributes of the user whose password is checked.
///
/// Limit the length of the attributes first: the time of a check grows with it, by about 10 ms for
/// 60 kB.
///
/// ```
/// use tower_jwt_auth::password::UserAttributes;
///
/// let user = UserAttributes::new().with_username("ada").with_email("ada@example.com");
/// assert_eq!(user.username(), Some("ada"));
/// assert_eq!(user.last_name(), None);
/// ```
#[derive(Clone, Default)]
pub struct UserAttributes {
    username: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    email: Option<String>,
    has_second_factor: bool,
}

impl UserAttributes {
    /// A user without known attributes.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name with which the user logs in. An empty attribute counts as absent.
    #[must_use]
    pub fn with_username(mut self, username: impl Into<String>) -> Self {
        self.username = present(username);
        self
    }

    /// Sets the first name.
    #[must_use]
    pub fn with_first_name(mut self, first_name: impl Into<String>) -> Self {
        self.first_name = present(first_name);
        self
    }

    /// Sets the last name.
    #[must_use]
    pub fn with_last_name(mut self, last_name: impl Into<String>) -> Self {
        self.last_name = present(last_name);
        self
    }

    /// Sets the email address.
    #[must_use]
    pub fn with_email(mut self, email: impl Into<String>) -> Self {
        self.email = present(email);
        self
    }

    /// Sets whether each login of the user requires a second factor. Then the password
    /// [may be shorter](super::PasswordRulesBuilder::min_length_with_second_factor). Default:
    /// `false`.
    #[must_use]
    pub const fn with_second_factor(mut self, has_second_factor: bool) -> Self {
        self.has_second_factor = has_second_factor;
        self
    }

    /// The name with which the user logs in.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.username.as_deref()
    }

    /// The first name.
    #[must_use]
    pub fn first_name(&self) -> Option<&str> {
        self.first_name.as_deref()
    }

    /// The last name.
    #[must_use]
    pub fn last_name(&self) -> Option<&str> {
        self.last_name.as_deref()
    }

    /// The email address.
    #[must_use]
    pub fn email(&self) -> Option<&str> {
        self.email.as_deref()
    }

    /// Whether each login requires a second factor.
    #[must_use]
    pub const fn has_second_factor(&self) -> bool {
        self.has_second_factor
    }

    /// The attributes that are present with their names in messages, in Django's order.
    pub(super) fn named(&self) -> impl Iterator<Item = (&'static str, &str)> {
        let all = [
            ("username", self.username()),
            ("first name", self.first_name()),
            ("last name", self.last_name()),
            ("email address", self.email()),
        ];
        all.into_iter().filter_map(|(name, value)| Some((name, value?)))
    }
}

fn present(value: impl Into<String>) -> Option<String> {
    Some(value.into()).filter(|value| !value.is_empty())
}

impl fmt::Debug for UserAttributes {
    /// Shows which attributes are present, not their values.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let present: Vec<_> = self.named().map(|(name, _)| name).collect();
        f.debug_struct("UserAttributes")
            .field("present", &present)
            .field("has_second_factor", &self.has_second_factor)
            .finish_non_exhaustive()
    }
}
