use std::fmt;

#[cfg(feature = "django")]
use crate::password::django::DjangoHasher;
use crate::password::{hasher::PasswordHasher, pool::Pool};

/// The threads of a hasher, for [`min_strength`](super::PasswordRulesBuilder::min_strength). Made
/// from a reference to a [`PasswordHasher`] or, with the feature `django`, to a `DjangoHasher`.
#[derive(Clone)]
pub struct HashingPool(pub(super) Pool);

impl From<&PasswordHasher> for HashingPool {
    fn from(hasher: &PasswordHasher) -> Self {
        Self(hasher.pool().clone())
    }
}

#[cfg(feature = "django")]
impl From<&DjangoHasher> for HashingPool {
    fn from(hasher: &DjangoHasher) -> Self {
        Self(hasher.pool().clone())
    }
}

impl fmt::Debug for HashingPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = self.0.settings();
        f.debug_struct("HashingPool")
            .field("max_concurrent", &settings.max_concurrent)
            .field("max_waiting", &settings.max_waiting)
            .finish_non_exhaustive()
    }
}
