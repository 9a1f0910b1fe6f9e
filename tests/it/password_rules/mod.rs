//! Rules for new passwords.

mod blocklist;
mod builder;
mod django;
mod nist;
mod robustness;
mod similarity;
mod strength;

use futures::FutureExt;
use tower_jwt_auth::password::{
    PasswordCheckError, PasswordProblem, PasswordRules, UserAttributes,
};

/// The problems of a password, from rules that do not wait.
fn problems(rules: &PasswordRules, password: &str, user: &UserAttributes) -> Vec<PasswordProblem> {
    match rules.check(password, user).now_or_never() {
        Some(Ok(())) => Vec::new(),
        Some(Err(PasswordCheckError::Rejected(problems))) => problems.into_iter().collect(),
        other => panic!("not checked: {other:?}"),
    }
}

/// The codes of the problems of an unknown user's password.
fn codes(rules: &PasswordRules, password: &str) -> Vec<String> {
    codes_for(rules, password, &UserAttributes::new())
}

fn codes_for(rules: &PasswordRules, password: &str, user: &UserAttributes) -> Vec<String> {
    let problems = problems(rules, password, user);
    problems.iter().map(|problem| problem.code().to_owned()).collect()
}
