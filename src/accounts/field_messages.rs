//! Problems of fields as messages for people.

use crate::user::{FieldProblem, FieldProblems, Fields};

/// Records problems of the backend in the fields, except for the absence of a field that has an error
/// already. `reveals` is false if nobody may find out which accounts exist.
pub(super) fn record_problems(fields: &mut Fields, problems: FieldProblems, reveals: bool) {
    let named = [
        ("username", problems.username),
        ("email", problems.email),
        ("password", problems.password),
    ];
    for (name, problem) in named {
        match problem {
            None => {}
            Some(FieldProblem::Taken) if !reveals => {}
            Some(FieldProblem::Missing) if fields.errors().contains_key(name) => {}
            Some(problem) => fields.error(name, message(name, problem)),
        }
    }
}

/// Records a problem of the password in the field `name`.
pub(super) fn record_problem(fields: &mut Fields, name: &str, problem: Option<FieldProblem>) {
    fields.error(name, message("password", problem.unwrap_or(FieldProblem::Invalid)));
}

/// In the words of Django.
fn message(name: &str, problem: FieldProblem) -> &'static str {
    match (problem, name) {
        (FieldProblem::Missing, _) => "This field is required.",
        (FieldProblem::Invalid, "email") => "Enter a valid email address.",
        (FieldProblem::Invalid, "username") => "Enter a valid username.",
        (FieldProblem::Invalid, _) => "This value is invalid.",
        (FieldProblem::TooLong, _) => "This value is too long.",
        (FieldProblem::Taken, "email") => "A user with that email address already exists.",
        (FieldProblem::Taken, _) => "A user with that username already exists.",
    }
}
