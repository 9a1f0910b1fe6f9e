//! New passwords, which must follow the rules.

use crate::{
    error::AuthError,
    password::{PasswordCheckError, PasswordRules, UserAttributes},
    user::{BackendError, Fields},
};

/// Checks a new password, and records all problems in the field `name`.
///
/// Fails with `503` if the password cannot be checked now.
pub(super) async fn check_password(
    rules: &PasswordRules,
    (name, password): (&str, &str),
    user: &UserAttributes,
    fields: &mut Fields,
) -> Result<(), AuthError> {
    match rules.check(password, user).await {
        Ok(()) => {}
        Err(PasswordCheckError::Rejected(problems)) => {
            for problem in &problems {
                fields.error(name, problem.message());
            }
        }
        Err(PasswordCheckError::Failed(error)) => return Err(BackendError::from(error).into()),
    }
    Ok(())
}
