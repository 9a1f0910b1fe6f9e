use std::{borrow::Cow, error::Error, fmt, slice, vec};

/// A rule that a password violates.
///
/// ```
/// use tower_jwt_auth::password::PasswordProblem;
///
/// let problem = PasswordProblem::new("password_reused", "This password was used before.");
/// assert_eq!(problem.code(), "password_reused");
/// assert_eq!(problem.message(), "This password was used before.");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordProblem {
    code: Cow<'static, str>,
    message: Cow<'static, str>,
}

impl PasswordProblem {
    /// A problem with a code for programs and a message for people. Neither may contain the
    /// password, because `Debug` shows both.
    pub fn new(code: impl Into<Cow<'static, str>>, message: impl Into<Cow<'static, str>>) -> Self {
        Self { code: code.into(), message: message.into() }
    }

    /// The code. [`PasswordRules`](super::PasswordRules) lists the codes of the rules of this crate.
    #[must_use]
    pub fn code(&self) -> &str {
        &self.code
    }

    /// The message, in English.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    pub(super) fn too_long(max: usize) -> Self {
        let noun = characters(max);
        let message = format!("This password is too long. It must contain at most {max} {noun}.");
        Self::new("password_too_long", message)
    }

    pub(super) fn too_short(min: usize) -> Self {
        let noun = characters(min);
        let message = format!("This password is too short. It must contain at least {min} {noun}.");
        Self::new("password_too_short", message)
    }

    pub(super) fn too_similar(attribute: &str) -> Self {
        let message = format!("The password is too similar to the {attribute}.");
        Self::new("password_too_similar", message)
    }

    pub(super) fn too_predictable() -> Self {
        Self::new("password_too_predictable", "This password is too predictable.")
    }

    pub(super) fn too_common() -> Self {
        Self::new("password_too_common", "This password is too common.")
    }

    pub(super) fn entirely_numeric() -> Self {
        Self::new("password_entirely_numeric", "This password is entirely numeric.")
    }

    pub(super) fn too_weak() -> Self {
        Self::new("password_too_weak", "This password is too easy to guess.")
    }
}

const fn characters(count: usize) -> &'static str {
    if count == 1 { "character" } else { "characters" }
}

impl fmt::Display for PasswordProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

/// All rules that a password violates, in the order of the rules. There is at least one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PasswordProblems(Vec<PasswordProblem>);

impl PasswordProblems {
    /// `None` if there are no problems.
    pub(super) fn new(problems: Vec<PasswordProblem>) -> Option<Self> {
        (!problems.is_empty()).then_some(Self(problems))
    }

    /// Iterates over the problems.
    pub fn iter(&self) -> slice::Iter<'_, PasswordProblem> {
        self.0.iter()
    }
}

impl From<PasswordProblem> for PasswordProblems {
    fn from(problem: PasswordProblem) -> Self {
        Self(vec![problem])
    }
}

impl IntoIterator for PasswordProblems {
    type Item = PasswordProblem;
    type IntoIter = vec::IntoIter<PasswordProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a> IntoIterator for &'a PasswordProblems {
    type Item = &'a PasswordProblem;
    type IntoIter = slice::Iter<'a, PasswordProblem>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl fmt::Display for PasswordProblems {
    /// The messages, separated by spaces.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.iter().enumerate() {
            let separator = if index == 0 { "" } else { " " };
            write!(f, "{separator}{problem}")?;
        }
        Ok(())
    }
}

impl Error for PasswordProblems {}
