//! Unusual input.

use std::error::Error;

use futures::FutureExt;
use proptest::{
    prelude::*,
    strategy::Union,
    string::string_regex,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use tower_jwt_auth::password::{
    PasswordCheckError, PasswordHasher, PasswordProblem, PasswordRules, UserAttributes,
};

use super::{codes_for, problems};

/// A string, often of few different characters.
fn text() -> impl Strategy<Value = String> {
    let regexes =
        [r"\PC{0,140}", r"(?s).{0,20}", "[4@8(<369!1|70$5+%2a-c ]{0,128}", r"[\W\d]{0,9}"];
    Union::new(regexes.map(|regex| string_regex(regex).unwrap()))
}

fn user() -> impl Strategy<Value = UserAttributes> {
    (text(), text(), text(), text(), any::<bool>()).prop_map(
        |(username, first, last, email, second)| {
            UserAttributes::new()
                .with_username(username)
                .with_first_name(first)
                .with_last_name(last)
                .with_email(email)
                .with_second_factor(second)
        },
    )
}

/// Runs `test` on generated passwords, users and words.
fn for_all(cases: u32, test: impl Fn(String, UserAttributes, String) -> Result<(), TestCaseError>) {
    let rng_seed = RngSeed::Fixed(11);
    let config = Config { cases, rng_seed, failure_persistence: None, ..Config::default() };
    let input = (text(), user(), text());
    TestRunner::new(config)
        .run(&input, |(password, user, word)| test(password, user, word))
        .unwrap();
}

#[test]
fn every_password_is_checked() {
    for_all(512, |password, user, word| {
        let count = password.chars().count();
        let own = PasswordRules::builder().blocked_words([format!("a{word}")]).build();
        for rules in [PasswordRules::nist(), PasswordRules::django(), own.unwrap()] {
            let codes = codes_for(&rules, &password, &user);
            prop_assert_eq!(codes == ["password_too_long"], count > 128);
            let is_short = codes.iter().any(|code| code == "password_too_short");
            prop_assert!(count >= 8 || is_short);
        }
        Ok(())
    });
}

#[test]
fn the_strength_of_every_password_is_estimated() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let hasher = PasswordHasher::new();
    for_all(128, |password, user, word| {
        let rules = PasswordRules::builder().blocked_words([format!("a{word}")]);
        let rules = rules.min_strength(4, &hasher).build().unwrap();
        let result = runtime.block_on(rules.check(&password, &user));
        prop_assert!(!matches!(result, Err(PasswordCheckError::Failed(_))), "{result:?}");
        Ok(())
    });
}

#[test]
fn debug_shows_neither_the_password_nor_the_user() -> Result<(), Box<dyn Error>> {
    let user = UserAttributes::new().with_username("lovelace").with_email("ada@lovelace.example");
    let rules = PasswordRules::builder().min_strength(4, &PasswordHasher::new()).build()?;
    let problems = problems(&PasswordRules::nist(), "lovelace1", &user);
    assert_eq!(problems.len(), 2);
    let error = PasswordRules::nist().check("lovelace1", &user).now_or_never();
    let shown = format!("{user:?} {rules:?} {problems:?} {error:?}");
    assert!(!shown.contains("lovelace"), "{shown}");
    Ok(())
}

#[test]
fn an_error_has_the_problems_as_its_source() {
    let nobody = UserAttributes::new();
    let result = PasswordRules::django().check("123", &nobody).now_or_never();
    let error = result.unwrap().unwrap_err();
    assert_eq!(error.to_string(), "the password violates rules");
    let messages = error.source().unwrap().to_string();
    let expected: Vec<_> = problems(&PasswordRules::django(), "123", &nobody)
        .iter()
        .map(PasswordProblem::to_string)
        .collect();
    assert_eq!(expected.len(), 3);
    assert_eq!(messages, expected.join(" "));
}
