//! The configuration of rules.

use tower_jwt_auth::{
    error::ConfigErrorKind::{self, Conflict, Ineffective, OutOfRange},
    password::{PasswordHasher, PasswordRules, PasswordRulesBuilder, UserAttributes},
};

use super::codes_for;

fn kind(builder: PasswordRulesBuilder) -> Option<ConfigErrorKind> {
    builder.build().err().map(|error| error.kind())
}

#[test]
fn rejects_settings_that_contradict_or_have_no_effect() {
    let builder = PasswordRules::builder;
    assert_eq!(kind(builder()), None);
    assert_eq!(kind(PasswordRules::django_builder()), None);
    for length in [0, 63, 1025] {
        assert_eq!(kind(builder().max_length(length)), Some(OutOfRange), "{length}");
    }
    for length in [0, 1025] {
        assert_eq!(kind(builder().min_length(length)), Some(OutOfRange), "{length}");
    }
    assert_eq!(kind(builder().min_length_with_second_factor(0)), Some(OutOfRange));
    assert_eq!(kind(builder().min_length(64).max_length(64)), None);
    assert_eq!(kind(builder().min_length(65).max_length(64)), Some(Conflict));
    assert_eq!(kind(builder().min_length_with_second_factor(16)), Some(Conflict));
    for score in [0, 5] {
        let hasher = PasswordHasher::new();
        assert_eq!(kind(builder().min_strength(score, &hasher)), Some(OutOfRange), "{score}");
    }
    for word in ["", " ", "-"] {
        assert_eq!(kind(builder().blocked_words(["a", word, "b"])), Some(Ineffective), "{word}");
    }
}

#[test]
fn a_lower_minimum_also_applies_with_a_second_factor() {
    let rules = PasswordRules::builder().min_length(6).build().unwrap();
    for user in [UserAttributes::new(), UserAttributes::new().with_second_factor(true)] {
        assert_eq!(codes_for(&rules, "kx7vqm", &user), [""; 0]);
        assert_eq!(codes_for(&rules, "kx7vq", &user), ["password_too_short"]);
    }
}

#[test]
fn one_character_is_singular() {
    let rules = PasswordRules::builder().min_length(1).build().unwrap();
    let problems = super::problems(&rules, "", &UserAttributes::new());
    let message = "This password is too short. It must contain at least 1 character.";
    assert_eq!(problems[0].message(), message);
}
