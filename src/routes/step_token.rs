use std::{fmt, sync::Arc};

/// The token with which a client sends the code that completes its login.
///
/// It can be used once, within 5 minutes. `Debug` does not show it.
#[derive(Clone)]
pub struct SecondStep(Arc<str>);

impl SecondStep {
    pub(super) fn new(token: String) -> Self {
        Self(token.into())
    }

    /// The token, for the member `step` of the response.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SecondStep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SecondStep").finish_non_exhaustive()
    }
}
