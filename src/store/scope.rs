//! The ids of users, sessions and logout tokens whose issuer is known.

use std::str;

use aws_lc_rs::digest::{Context, SHA256};

use crate::token::UserId;

use super::facts::MAX_ID_LEN;

/// No valid user id contains it, so no user of one issuer has the id of another's.
const SEPARATOR: u8 = 0;

/// Returns the id by which stores know the user `user_id` of `issuer`: a store may have users of
/// several issuers with the same ids.
///
/// An [`Issuer`](crate::Issuer) whose tokens have an [`iss`](crate::issue::IssuerBuilder::issuer)
/// passes this id to its store, and so does a
/// [layer](crate::JwtAuthLayer::with_revocation_check) for such a token. Pass it yourself when you
/// call a store directly. Users of issuers without `iss` keep their ids.
/// If a verifier accepts [several names](crate::token::VerifierBuilder::issuers) of one issuer, a
/// revocation under any of them counts.
///
/// The id is the issuer, a null character and the user's id. If this has more than
/// [`MAX_ID_LEN`] bytes, it is a null character and a hash of both.
///
/// ```
/// use tower_jwt_auth::{
///     MemoryStore, NumericDate,
///     store::{Revocation, TokenStore, scoped_user_id},
///     token::UserId,
/// };
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let store = MemoryStore::new();
/// # let (now, keep_until) = (NumericDate::from_secs(1), NumericDate::from_secs(2));
/// let user_id = scoped_user_id("https://partner.example", &UserId::from(42));
/// store.revoke(&Revocation::User { user_id: &user_id, except: None, keep_until }, now).await?;
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn scoped_user_id(issuer: &str, user_id: &UserId) -> UserId {
    Scope::Users(issuer).user_id(user_id.as_str())
}

/// What an id denotes. A store knows it by the id of a user, which differs from that of every other.
#[derive(Clone, Copy)]
pub(crate) enum Scope<'a> {
    /// A user without issuer.
    Unscoped,
    /// A user of the issuer.
    Users(&'a str),
    /// A session of the issuer, whose user need not be known. The store does not know it as a session.
    Sessions(&'a str),
    /// A logout token of the issuer.
    #[cfg(feature = "routes")]
    LogoutTokens(&'a str),
}

impl<'a> Scope<'a> {
    /// The scope of an issuer's users.
    pub(crate) fn of_users(issuer: Option<&'a str>) -> Self {
        issuer.map_or(Self::Unscoped, Self::Users)
    }

    pub(super) fn user_id(self, id: &str) -> UserId {
        self.scoped(id).map_or_else(|| UserId::from(id), |scoped| UserId::from(scoped.as_str()))
    }

    /// Returns `None` if the id is that of the user.
    pub(super) fn scoped(self, id: &str) -> Option<ScopedId> {
        let (issuer, separators) = match self {
            Self::Unscoped => return None,
            Self::Users(issuer) => (issuer, &[SEPARATOR; 1][..]),
            Self::Sessions(issuer) => (issuer, &[SEPARATOR; 2][..]),
            #[cfg(feature = "routes")]
            Self::LogoutTokens(issuer) => (issuer, &[SEPARATOR; 3][..]),
        };
        Some(ScopedId::new(issuer, separators, id))
    }
}

/// The id of something in a [`Scope`], made without allocating memory.
pub(super) struct ScopedId {
    bytes: [u8; MAX_ID_LEN],
    len: usize,
}

impl ScopedId {
    fn new(issuer: &str, separators: &[u8], id_in_scope: &str) -> Self {
        let mut id = Self { bytes: [0; MAX_ID_LEN], len: 0 };
        // With a null character in the issuer, the id would be ambiguous.
        let len = issuer.len() + separators.len() + id_in_scope.len();
        if len > MAX_ID_LEN || issuer.contains('\0') {
            id.push(separators);
            let mut hash = Context::new(&SHA256);
            hash.update(&(issuer.len() as u64).to_be_bytes());
            hash.update(issuer.as_bytes());
            hash.update(id_in_scope.as_bytes());
            for byte in hash.finish().as_ref() {
                id.push(
                    &[byte >> 4, byte & 15].map(|nibble| b"0123456789abcdef"[usize::from(nibble)]),
                );
            }
        } else {
            id.push(issuer.as_bytes());
            id.push(separators);
            id.push(id_in_scope.as_bytes());
        }
        id
    }

    pub(super) fn as_str(&self) -> &str {
        str::from_utf8(&self.bytes[..self.len]).expect("the id consists of whole strings")
    }

    fn push(&mut self, bytes: &[u8]) {
        let end = self.len + bytes.len();
        self.bytes[self.len..end].copy_from_slice(bytes);
        self.len = end;
    }
}
