//! What `Cargo.toml` promises, and that README and documentation say the same.

use std::{fs, path::Path};

fn read(file: &str) -> String {
    fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a text file")
}

/// The lines of the section `[name]` of `Cargo.toml`.
fn section(name: &str) -> Vec<String> {
    read("Cargo.toml")
        .lines()
        .skip_while(|line| *line != format!("[{name}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .map(str::to_owned)
        .collect()
}

fn features() -> Vec<String> {
    let names = section("features").into_iter().filter_map(|line| {
        let (name, _) = line.split_once(" = ")?;
        (!name.starts_with('#') && name != "default").then(|| name.to_owned())
    });
    names.collect()
}

/// The names in backticks in the first column of the table of features in `text`.
fn listed(text: &str) -> String {
    let is_row = |line: &&str| line.starts_with("| `") || line.starts_with("//! | `");
    let columns = text.lines().filter(is_row).filter_map(|line| line.split('|').nth(1));
    columns.collect()
}

#[test]
fn the_oldest_rust_is_named_in_the_readme() {
    let promise = format!("Rust {} or later", env!("CARGO_PKG_RUST_VERSION"));
    assert!(read("README.md").contains(&promise), "{promise}");
}

#[test]
fn every_feature_is_listed_wherever_features_are() {
    let features = features();
    assert!(features.len() > 5);
    let checked = read(".ci/run");
    let checked = checked.lines().find(|line| line.starts_with("for features in ")).unwrap();
    let checked: Vec<_> = checked.trim_end_matches("; do").split(' ').collect();
    for (place, text) in
        [("README.md", listed(&read("README.md"))), ("lib.rs", listed(&read("src/lib.rs")))]
    {
        for feature in &features {
            assert!(text.contains(&format!("`{feature}`")), "`{feature}` is not in {place}");
        }
    }
    for feature in &features {
        assert!(checked.contains(&feature.as_str()), "`{feature}` is not linted by itself");
    }
}

/// Row 62: earlier ones have a hole that audit databases do not list.
#[test]
fn jsonwebtoken_is_version_12_or_later() {
    for name in ["dependencies", "dev-dependencies"] {
        let lines = section(name);
        let line = lines.iter().find(|line| line.starts_with("jsonwebtoken = ")).unwrap();
        let version = line.split("version = \"").nth(1).unwrap().split('"').next().unwrap();
        let numbers: Vec<u32> = version.split('.').map(|number| number.parse().unwrap()).collect();
        assert!(numbers[0] >= 12, "[{name}] takes jsonwebtoken {version}");
    }
}

/// Row 62: the `rsa` crate has an open timing advisory.
#[test]
fn the_rsa_crate_is_not_among_the_dependencies() {
    let packages = read("Cargo.lock");
    assert!(packages.contains("name = \"aws-lc-rs\""));
    assert!(!packages.contains("name = \"rsa\""));
}
