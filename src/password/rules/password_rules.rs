use std::{fmt, sync::Arc};

use super::{
    check_error::PasswordCheckError,
    normalize::normalize,
    problem::{PasswordProblem, PasswordProblems},
    python::is_digit,
    settings::Settings,
    similarity::{Letters, Similarity},
    user_attributes::UserAttributes,
    words::Words,
};

/// Rules for new passwords.
///
/// Cheap to clone. Check a password when it is chosen, not when a user logs in.
///
/// ```
/// use tower_jwt_auth::password::{PasswordCheckError, PasswordRules, UserAttributes};
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rules = PasswordRules::nist();
/// let user = UserAttributes::new().with_username("ada").with_email("ada@example.com");
///
/// rules.check("punched cards and brass", &user).await?;
///
/// let Err(PasswordCheckError::Rejected(problems)) = rules.check("letmein", &user).await else {
///     return Err("accepted".into());
/// };
/// let codes: Vec<_> = problems.iter().map(|problem| problem.code()).collect();
/// assert_eq!(codes, ["password_too_short", "password_too_common"]);
/// # Ok(())
/// # }
/// ```
///
/// # Rules
///
/// The rules are checked in this order, and all problems are returned at once. Only a password that
/// is too long is rejected without further checks.
///
/// | code | rule | [`nist`] | [`django`] |
/// |---|---|---|---|
/// | `password_too_long` | [`max_length`] | 128 | 128 |
/// | `password_too_similar` | [`similarity`] to the attributes of the user | derived from them | like Django |
/// | `password_too_predictable` | [`blocked_words`] | none | none |
/// | `password_too_short` | [`min_length`], [with a second factor] | 15, 8 | 8 |
/// | `password_too_common` | [`blocklist`] | 100,000 and more | like Django |
/// | `password_entirely_numeric` | [`reject_digits`] | no | yes |
/// | `password_too_weak` | [`min_strength`] | no | no |
/// | your codes | [`rule`] | no | no |
///
/// Lengths are counted in characters, more precisely in code points of Unicode.
///
/// # Django
///
/// [`django`] has the four validators of a new Django project, with the codes and English messages
/// of Django 5.2. It decides as Django does, except that passwords of more than 128 characters are
/// rejected. Letters and digits that Unicode gained after version 14 can make a difference.
///
/// # Costs
///
/// Without [`min_strength`], a check takes about 10 µs and never waits. With it, a check takes a turn
/// on the threads that hash passwords, mostly for less than a millisecond.
///
/// The lists of common passwords add 0.6 MB to the program and use no other memory. zxcvbn adds
/// 3 MB, and its dictionaries use 6 MB of memory after the first estimate.
///
/// [`nist`]: Self::nist
/// [`django`]: Self::django
/// [`max_length`]: super::PasswordRulesBuilder::max_length
/// [`similarity`]: super::PasswordRulesBuilder::similarity
/// [`blocked_words`]: super::PasswordRulesBuilder::blocked_words
/// [`min_length`]: super::PasswordRulesBuilder::min_length
/// [with a second factor]: super::PasswordRulesBuilder::min_length_with_second_factor
/// [`blocklist`]: super::PasswordRulesBuilder::blocklist
/// [`reject_digits`]: super::PasswordRulesBuilder::reject_digits
/// [`min_strength`]: super::PasswordRulesBuilder::min_strength
/// [`rule`]: super::PasswordRulesBuilder::rule
#[derive(Clone)]
pub struct PasswordRules(Arc<Settings>);

impl PasswordRules {
    /// The rules of [NIST SP 800-63B-4], section 3.1.1.2: length, and a blocklist that includes
    /// words derived from the user's attributes. No mixture of kinds of characters is required.
    ///
    /// [NIST SP 800-63B-4]: https://pages.nist.gov/800-63-4/sp800-63b.html
    #[must_use]
    pub fn nist() -> Self {
        Self::new(Settings::nist())
    }

    /// The rules of a new [Django](Self#django) project.
    #[must_use]
    pub fn django() -> Self {
        Self::new(Settings::django())
    }

    pub(super) fn new(settings: Settings) -> Self {
        Self(Arc::new(settings))
    }

    /// Checks a new password of `user`.
    ///
    /// # Errors
    ///
    /// - [`Rejected`](PasswordCheckError::Rejected) with all problems.
    /// - [`Failed`](PasswordCheckError::Failed), only with a minimum strength, if too many callers
    ///   are waiting for the threads of the hasher, or without a tokio runtime.
    pub async fn check(
        &self,
        password: &str,
        user: &UserAttributes,
    ) -> Result<(), PasswordCheckError> {
        let rules = &*self.0;
        if password.chars().nth(rules.max_length).is_some() {
            let problem = PasswordProblem::too_long(rules.max_length);
            return Err(PasswordCheckError::Rejected(problem.into()));
        }
        let mut problems = rules.problems(password, user);
        if let Some(strength) = &rules.min_strength
            && !strength.is_reached(password, rules.expected_words(user)).await?
        {
            problems.push(PasswordProblem::too_weak());
        }
        problems.extend(rules.own_rules.iter().filter_map(|rule| rule(password, user)));
        PasswordProblems::new(problems).map_or(Ok(()), |all| Err(PasswordCheckError::Rejected(all)))
    }
}

impl Settings {
    /// The problems that are found without waiting.
    fn problems(&self, password: &str, user: &UserAttributes) -> Vec<PasswordProblem> {
        let min_length = if user.has_second_factor() {
            self.min_length_with_second_factor
        } else {
            self.min_length
        };
        let is_too_short = password.chars().count() < min_length;
        let is_common = self.blocklist.contains(password);
        let is_numeric =
            self.reject_digits && !password.is_empty() && password.chars().all(is_digit);
        [
            self.similarity_to(user, password),
            self.predictability(user, password),
            is_too_short.then(|| PasswordProblem::too_short(min_length)),
            is_common.then(PasswordProblem::too_common),
            is_numeric.then(PasswordProblem::entirely_numeric),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn similarity_to(&self, user: &UserAttributes, password: &str) -> Option<PasswordProblem> {
        if self.similarity != Similarity::Django {
            return None;
        }
        let letters = Letters::of(password);
        let (name, _) = user.named().find(|(_, value)| letters.are_similar_to(value))?;
        Some(PasswordProblem::too_similar(name))
    }

    fn predictability(&self, user: &UserAttributes, password: &str) -> Option<PasswordProblem> {
        let password = normalize(password);
        let mut all = self.blocked_words.clone();
        let attributes: Vec<_> = user
            .named()
            .filter(|_| self.similarity == Similarity::Derived)
            .map(|(name, value)| {
                all.add(value);
                let mut words = Words::default();
                words.add(value);
                (name, words)
            })
            .collect();
        if !all.make_up(&password) {
            return None;
        }
        let attribute = attributes.iter().find(|(_, words)| words.occur_in(&password));
        Some(attribute.map_or_else(PasswordProblem::too_predictable, |(name, _)| {
            PasswordProblem::too_similar(name)
        }))
    }

    /// What an attacker tries first, for the estimate of the strength.
    fn expected_words(&self, user: &UserAttributes) -> Vec<String> {
        let mut words = self.blocked_words.clone();
        for (_, value) in user.named() {
            words.add(value);
        }
        words.into_vec()
    }
}

impl fmt::Debug for PasswordRules {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
