//! The rules of Django, compared with Django.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::json;
use tower_jwt_auth::password::{PasswordRules, UserAttributes};

use super::problems;
use crate::support::python;

/// Generates passwords and validates them with the validators of a new project.
const VALIDATE: &str = include_str!("django.py");

#[derive(Deserialize)]
struct Case {
    password: String,
    user: BTreeMap<String, String>,
    min_length: usize,
    errors: Vec<(String, String)>,
}

impl Case {
    fn user(&self) -> UserAttributes {
        let attribute = |name| self.user.get(name).map_or("", String::as_str);
        UserAttributes::new()
            .with_username(attribute("username"))
            .with_first_name(attribute("first_name"))
            .with_last_name(attribute("last_name"))
            .with_email(attribute("email"))
    }
}

#[test]
fn finds_the_problems_that_django_finds() {
    let Some(output) = python::run(VALIDATE, &json!({ "seed": 20_250_801 })) else { return };
    let cases: Vec<Case> = serde_json::from_value(output).unwrap();
    assert!(cases.len() > 25_000);

    let mut counts = BTreeMap::new();
    for case in &cases {
        let rules = PasswordRules::django_builder().min_length(case.min_length).build().unwrap();
        let found: Vec<_> = problems(&rules, &case.password, &case.user())
            .iter()
            .map(|problem| (problem.code().to_owned(), problem.message().to_owned()))
            .collect();
        assert_eq!(found, case.errors, "{:?} {:?}", case.password, case.user);
        let codes: Vec<_> = case.errors.iter().map(|(code, _)| code.clone()).collect();
        *counts.entry(codes.join(" ")).or_insert(0) += 1;
    }
    // The cases are diverse.
    for codes in [
        "",
        "password_too_similar",
        "password_too_short",
        "password_too_common",
        "password_entirely_numeric",
        "password_too_similar password_too_short",
        "password_too_short password_too_common",
        "password_too_short password_entirely_numeric",
        "password_too_common password_entirely_numeric",
    ] {
        assert!(counts.get(codes) > Some(&50), "{codes}: {counts:?}");
    }
}
