//! The tables of deviations in the docs.

use std::{collections::BTreeSet, fs};

use serde_json::Value;

use crate::support::repository;

use super::configuration::Configuration;

/// The docs of the module.
const DOCS: &str = include_str!("../../../src/simplejwt/mod.rs");

pub(super) const NO_STORE: &str = "`Cache-Control: no-store` on every response of the views";
pub(super) const NO_NULL: &str = "`None` as `JTI_CLAIM` or `TOKEN_TYPE_CLAIM`";
pub(super) const NO_TOKEN: &str = "the column `token` does not hold the token";
pub(super) const PROCESS_ZONE: &str = "in SQLite with `USE_TZ = False`, last logins and times of \
                                       blacklisting are in the time zone of the process's `TZ`, \
                                       not of `TIME_ZONE`";
pub(super) const WHOLE_SECONDS: &str = "times in the database are whole seconds";
pub(super) const RECORDED: &str = "a sliding refresh of an unrecorded token records it";
pub(super) const FLUSH: &str = "flush of a sliding token that was refreshed, or within `LEEWAY`";

/// The first cell of each row of the tables of deviations.
fn documented() -> BTreeSet<&'static str> {
    let (_, tables) = DOCS.split_once("# Where it differs from SimpleJWT").expect("the section");
    let cells = tables
        .lines()
        .skip(1)
        .map_while(|line| line.strip_prefix("//!"))
        .filter_map(|line| line.trim().strip_prefix("| ")?.split(" | ").next());
    cells.filter(|cell| !["case", "here"].contains(cell)).collect()
}

pub(super) fn assert_is_documented(deviation: &str) {
    assert!(documented().contains(deviation), "{deviation:?} is not in the tables of the docs");
}

/// Fails if a deviation that every comparison shows did not occur.
pub(super) fn assert_have_occurred(
    configuration: &Configuration,
    deviations: &BTreeSet<&'static str>,
) {
    let mut expected = BTreeSet::from([NO_STORE]);
    if ["JTI_CLAIM", "TOKEN_TYPE_CLAIM"]
        .iter()
        .any(|name| configuration.simple_jwt.get(name).is_some_and(Value::is_null))
    {
        expected.insert(NO_NULL);
    }
    if configuration.blacklist_app {
        expected.insert(NO_TOKEN);
        expected.insert(WHOLE_SECONDS);
        if configuration.seconds("LEEWAY", 0) > 0 {
            expected.insert(FLUSH);
        }
    }
    let missing: Vec<_> = expected.difference(deviations).collect();
    assert!(missing.is_empty(), "deviations did not occur: {missing:?}");
}

/// Deviations that no response shows here, with the reason.
const ELSEWHERE: [(&str, &str); 2] = [
    ("rejected requests to protected routes lack `Allow`", "the example adds it"),
    (
        "bodies that take longer than [10 seconds](SimpleJwtViews::with_body_timeout)",
        "the tests of `simplejwt` pause the clock",
    ),
];

#[test]
fn every_documented_deviation_is_tested() {
    let folder = repository("tests/it/django");
    let mut tests = String::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            // Joins literals that span lines.
            let text = fs::read_to_string(path).unwrap();
            tests.extend(text.split("\\\n").map(str::trim_start));
        }
    }
    let elsewhere: BTreeSet<_> = ELSEWHERE.iter().map(|(deviation, _)| *deviation).collect();
    let untested: Vec<_> = documented()
        .into_iter()
        .filter(|deviation| !tests.contains(&format!("{deviation:?}")))
        .filter(|deviation| !elsewhere.contains(deviation))
        .collect();
    assert_eq!(untested, Vec::<&str>::new());
    assert!(!documented().is_empty());
}
