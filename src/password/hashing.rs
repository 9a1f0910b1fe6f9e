//! The hashers as ports of [`SqlUsers`](crate::user).

use crate::user::{BackendError, PasswordHashing};

#[cfg(feature = "django")]
use super::django::DjangoHasher;
use super::{
    error::{PasswordError, PasswordErrorKind},
    hasher::PasswordHasher,
};

macro_rules! password_hashing {
    ($hasher:ty) => {
        impl PasswordHashing for $hasher {
            async fn hash(&self, password: &str) -> Result<Option<String>, BackendError> {
                unless_too_long(Self::hash(self, password).await)
            }

            async fn verify(
                &self,
                password: &str,
                hash: Option<&str>,
            ) -> Result<bool, BackendError> {
                Ok(Self::verify(self, password, hash).await?)
            }

            fn needs_rehash(&self, hash: &str) -> bool {
                Self::needs_rehash(self, hash)
            }
        }
    };
}
password_hashing!(PasswordHasher);
#[cfg(feature = "django")]
password_hashing!(DjangoHasher);

fn unless_too_long(hash: Result<String, PasswordError>) -> Result<Option<String>, BackendError> {
    match hash {
        Ok(hash) => Ok(Some(hash)),
        Err(error) if error.kind() == PasswordErrorKind::TooLong => Ok(None),
        Err(error) => Err(error.into()),
    }
}
