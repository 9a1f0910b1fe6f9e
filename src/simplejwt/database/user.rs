use std::fmt;

use md5::{Digest, Md5};

/// A Django user, as read from the database.
#[derive(Clone)]
pub struct DjangoUser {
    pub(super) primary_key: Box<str>,
    pub(super) id: Box<str>,
    pub(super) username: Box<str>,
    pub(super) password_hash: Box<str>,
    pub(super) is_active: bool,
}

impl DjangoUser {
    /// The primary key, as Python's `str` shows it.
    #[must_use]
    pub const fn primary_key(&self) -> &str {
        &self.primary_key
    }

    /// The value by which tokens identify the user, SimpleJWT's `USER_ID_FIELD`, as Python's `str`
    /// shows it.
    #[must_use]
    pub const fn id(&self) -> &str {
        &self.id
    }

    /// The name with which the user logs in, Django's `USERNAME_FIELD`.
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
    pub(super) const fn password_hash(&self) -> &str {
        &self.password_hash
    }

    /// The claim of `CHECK_REVOKE_TOKEN`: the upper-case MD5 of the stored password hash, as
    /// `get_md5_hash_password` writes it.
    pub(in crate::simplejwt) fn password_digest(&self) -> String {
        let digest: [u8; 16] = Md5::digest(&*self.password_hash).into();
        format!("{:032X}", u128::from_be_bytes(digest))
    }
}

impl fmt::Debug for DjangoUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DjangoUser").field("is_active", &self.is_active).finish_non_exhaustive()
    }
}
