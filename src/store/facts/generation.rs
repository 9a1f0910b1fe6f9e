/// A number that a store raises with every [`Revocation::User`](super::Revocation::User).
///
/// Read it before a user authenticates, and pass it to
/// [`NewSession::with_generation`](super::NewSession::with_generation): a login that began before its
/// user was revoked is then refused.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Generation(u64);

impl Generation {
    /// The generation with this number.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}
