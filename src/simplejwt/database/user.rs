use std::fmt;

/// A user of Django's, as it was when it was looked up.
#[derive(Clone)]
pub struct DjangoUser {
    pub(super) primary_key: Box<str>,
    pub(super) id: Box<str>,
    pub(super) username: Box<str>,
    pub(super) password_hash: Box<str>,
    pub(super) is_active: bool,
}

impl DjangoUser {
    /// The primary key, as Python's `str` writes it.
    #[must_use]
    pub const fn primary_key(&self) -> &str {
        &self.primary_key
    }

    /// What tokens name the user by, SimpleJWT's `USER_ID_FIELD`, as Python's `str` writes it.
    #[must_use]
    pub const fn id(&self) -> &str {
        &self.id
    }

    /// What the user logs in with, Django's `USERNAME_FIELD`.
    #[must_use]
    pub const fn username(&self) -> &str {
        &self.username
    }

    /// Whether the user may log in.
    #[must_use]
    pub const fn is_active(&self) -> bool {
        self.is_active
    }

    /// The password hash as Django stores it.
    pub(crate) const fn password_hash(&self) -> &str {
        &self.password_hash
    }
}

impl fmt::Debug for DjangoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoUser").field("is_active", &self.is_active).finish_non_exhaustive()
    }
}
