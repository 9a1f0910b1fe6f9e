use std::{fmt, sync::Arc};

use crate::{error::ConfigError, password::limits::within};

use super::{
    blocklist::Blocklist, hashing_pool::HashingPool, password_rules::PasswordRules,
    problem::PasswordProblem, settings::Settings, similarity::Similarity, strength::MinStrength,
    user_attributes::UserAttributes,
};

/// Configures [`PasswordRules`]. Made by [`PasswordRules::builder`] and
/// [`PasswordRules::django_builder`].
///
/// ```
/// use tower_jwt_auth::password::{PasswordHasher, PasswordProblem, PasswordRules};
///
/// let hasher = PasswordHasher::new();
/// let rules = PasswordRules::builder()
///     .min_length(12)
///     .blocked_words(["Example Airlines"])
///     .min_strength(3, &hasher)
///     .rule(|password, _user| {
///         let has_control = password.contains(char::is_control);
///         has_control.then(|| PasswordProblem::new("control", "Control characters are not allowed."))
///     })
///     .build()?;
/// # Ok::<(), tower_jwt_auth::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PasswordRulesBuilder {
    settings: Settings,
    has_blank_word: bool,
}

impl PasswordRulesBuilder {
    /// Sets the minimum length, in characters. Default: 15, or 8 after
    /// [`PasswordRules::django_builder`].
    ///
    /// A greater [`min_length_with_second_factor`](Self::min_length_with_second_factor) is lowered
    /// to this length.
    ///
    /// NIST requires 15 characters where the password is the only factor, and 8 where it is not.
    pub fn min_length(mut self, min_length: usize) -> Self {
        self.settings.min_length = min_length;
        self.settings.min_length_with_second_factor =
            self.settings.min_length_with_second_factor.min(min_length);
        self
    }

    /// Sets the minimum length, in characters, for users with a
    /// [second factor](UserAttributes::with_second_factor). Default: 8.
    pub const fn min_length_with_second_factor(mut self, min_length: usize) -> Self {
        self.settings.min_length_with_second_factor = min_length;
        self
    }

    /// Sets the maximum length, in characters, from 64 to 1,024. Default: 128.
    ///
    /// A character has up to four bytes. The hasher has [its own limit], 1,024 bytes by default.
    ///
    /// [its own limit]: crate::password::PasswordHasherBuilder::max_password_len
    pub const fn max_length(mut self, max_length: usize) -> Self {
        self.settings.max_length = max_length;
        self
    }

    /// Sets how passwords are compared with the attributes of the user. Default:
    /// [`Derived`](Similarity::Derived), or [`Django`](Similarity::Django) after
    /// [`PasswordRules::django_builder`].
    pub const fn similarity(mut self, similarity: Similarity) -> Self {
        self.settings.similarity = similarity;
        self
    }

    /// Sets the list of common passwords. Default: [`Common`](Blocklist::Common), or
    /// [`Django`](Blocklist::Django) after [`PasswordRules::django_builder`].
    pub const fn blocklist(mut self, blocklist: Blocklist) -> Self {
        self.settings.blocklist = blocklist;
        self
    }

    /// Adds words that attackers expect here, such as the name of the service. Default: none.
    ///
    /// A password is rejected if it consists of these words and of the attributes of the user, as
    /// [`Similarity::Derived`] describes: `example-airlines-2024` for `Example Airlines`.
    pub fn blocked_words<W: AsRef<str>>(mut self, words: impl IntoIterator<Item = W>) -> Self {
        for word in words {
            self.has_blank_word |= !self.settings.blocked_words.add(word.as_ref());
        }
        self
    }

    /// Sets whether passwords of digits alone are rejected. Default: `false`, or `true` after
    /// [`PasswordRules::django_builder`].
    pub const fn reject_digits(mut self, reject_digits: bool) -> Self {
        self.settings.reject_digits = reject_digits;
        self
    }

    /// Sets the least strength, as a score of [zxcvbn] from 1 to 4. Default: none.
    ///
    /// | score | guesses to find the password |
    /// |---|---|
    /// | 1 | more than a thousand |
    /// | 2 | more than a million |
    /// | 3 | more than a hundred million |
    /// | 4 | more than ten billion |
    ///
    /// An estimate runs on the threads of `hasher`, a reference to the hasher that hashes the
    /// passwords, within its limits on concurrent and waiting work. It usually takes less than a
    /// millisecond, and about 50 for the first password and for crafted ones. Of passwords with
    /// very many possible substitutes for letters, only the start is estimated, since the whole
    /// would take seconds.
    ///
    /// [zxcvbn]: https://docs.rs/zxcvbn
    pub fn min_strength(mut self, score: u8, hasher: impl Into<HashingPool>) -> Self {
        self.settings.min_strength = Some(MinStrength { score, pool: hasher.into() });
        self
    }

    /// Adds a rule of your own, which returns a problem or `None`. Call it repeatedly to add several.
    /// Default: none.
    ///
    /// It runs on the thread that checks the password, so it must not block.
    pub fn rule(
        mut self,
        rule: impl Fn(&str, &UserAttributes) -> Option<PasswordProblem> + Send + Sync + 'static,
    ) -> Self {
        self.settings.own_rules.push(Arc::new(rule));
        self
    }

    /// Builds the rules.
    ///
    /// # Errors
    ///
    /// - [`OutOfRange`] if a setting is outside its documented range.
    /// - [`Conflict`] if a minimum is greater than the minimum or maximum that it must not exceed.
    /// - [`Ineffective`] if a blocked word contains no letter and no digit.
    ///
    /// [`OutOfRange`]: crate::ConfigErrorKind::OutOfRange
    /// [`Conflict`]: crate::ConfigErrorKind::Conflict
    /// [`Ineffective`]: crate::ConfigErrorKind::Ineffective
    pub fn build(self) -> Result<PasswordRules, ConfigError> {
        let settings = self.settings;
        within(settings.max_length, 64..=1024, "max_length must be from 64 to 1024")?;
        within(settings.min_length, 1..=1024, "min_length must be from 1 to 1024")?;
        within(
            settings.min_length_with_second_factor,
            1..=1024,
            "min_length_with_second_factor must be from 1 to 1024",
        )?;
        if settings.min_length > settings.max_length {
            return Err(ConfigError::conflict("min_length must not exceed max_length"));
        }
        if settings.min_length_with_second_factor > settings.min_length {
            return Err(ConfigError::conflict(
                "min_length_with_second_factor must not exceed min_length",
            ));
        }
        if let Some(strength) = &settings.min_strength {
            within(strength.score, 1..=4, "min_strength must be a score from 1 to 4")?;
        }
        if self.has_blank_word {
            return Err(ConfigError::ineffective("blocked_words must contain letters or digits"));
        }
        Ok(PasswordRules::new(settings))
    }
}

impl fmt::Debug for PasswordRulesBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("PasswordRulesBuilder").field(&self.settings).finish()
    }
}

impl PasswordRules {
    /// Starts a configuration with the rules of [`nist`](Self::nist).
    pub fn builder() -> PasswordRulesBuilder {
        PasswordRulesBuilder { settings: Settings::nist(), has_blank_word: false }
    }

    /// Starts a configuration with the rules of [`django`](Self::django).
    ///
    /// ```
    /// use tower_jwt_auth::password::PasswordRules;
    ///
    /// let rules = PasswordRules::django_builder().min_length(10).build()?;
    /// # Ok::<(), tower_jwt_auth::ConfigError>(())
    /// ```
    pub fn django_builder() -> PasswordRulesBuilder {
        PasswordRulesBuilder { settings: Settings::django(), has_blank_word: false }
    }
}
