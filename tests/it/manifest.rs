//! The manifests, README and the crate documentation agree with each other.

use std::fs;

use crate::support::repository;

fn read(file: &str) -> String {
    fs::read_to_string(repository(file)).expect("a UTF-8 file")
}

/// The lines of the section `[name]` of `manifest`.
fn section(manifest: &str, name: &str) -> Vec<String> {
    read(manifest)
        .lines()
        .skip_while(|line| *line != format!("[{name}]"))
        .skip(1)
        .take_while(|line| !line.starts_with('['))
        .map(str::to_owned)
        .collect()
}

fn features() -> Vec<String> {
    let names = section("Cargo.toml", "features").into_iter().filter_map(|line| {
        let (name, _) = line.split_once(" = ")?;
        (!name.starts_with('#') && name != "default").then(|| name.to_owned())
    });
    names.collect()
}

/// The first column of the table of features in `text`.
fn listed(text: &str) -> String {
    let is_row = |line: &&str| line.starts_with("| `") || line.starts_with("//! | `");
    let columns = text.lines().filter(is_row).filter_map(|line| line.split('|').nth(1));
    columns.collect()
}

#[test]
fn the_readme_names_the_minimum_rust_version() {
    let manifest = section("Cargo.toml", "package");
    let version = manifest.iter().find_map(|line| line.strip_prefix("rust-version = ")).unwrap();
    let sentence = format!("Rust {} or later", version.trim_matches('"'));
    assert!(read("README.md").contains(&sentence), "{sentence}");
}

#[test]
fn every_feature_is_documented_and_linted_alone() {
    let features = features();
    assert!(features.len() > 5);
    let script = read(".ci/run");
    let linted = script.lines().find(|line| line.starts_with("for features in ")).unwrap();
    let linted: Vec<_> = linted.trim_end_matches("; do").split(' ').collect();
    let (readme, docs) = (listed(&read("README.md")), listed(&read("src/lib.rs")));
    for feature in &features {
        let name = format!("`{feature}`");
        assert!(readme.contains(&name), "{name} is not in README.md");
        assert!(docs.contains(&name), "{name} is not in src/lib.rs");
        assert!(linted.contains(&&**feature), "{name} is not linted alone");
    }
}

/// The documentation compiles and runs it.
#[test]
fn the_readme_shows_the_example_of_the_accounts_page() {
    let page = read("src/accounts/example.md");
    let program = page.split("```").nth(1).unwrap().trim();
    let shown: Vec<_> =
        program.lines().filter(|line| *line != "#" && !line.starts_with("# ")).collect();
    let readme = read("README.md");
    let block = readme.split("```rust,no_run\n").nth(1).unwrap().split("```").next().unwrap();
    assert_eq!(block.trim(), shown.join("\n").trim());
    let statements = block.split_once("\n\n").unwrap().1;
    assert!(statements.lines().count() <= 15);
}

/// Versions before 11.1 have a type confusion that advisory databases do not list; versions before
/// 12 ignore an unknown `crit`.
#[test]
fn jsonwebtoken_is_version_12_or_later() {
    for (manifest, name) in
        [("Cargo.toml", "dependencies"), ("tests/Cargo.toml", "dev-dependencies")]
    {
        let lines = section(manifest, name);
        let line = lines.iter().find(|line| line.starts_with("jsonwebtoken = ")).unwrap();
        let version = line.split("version = \"").nth(1).unwrap().split('"').next().unwrap();
        let major: u32 = version.split('.').next().unwrap().parse().unwrap();
        assert!(major >= 12, "{manifest} allows jsonwebtoken {version}");
    }
}

/// The `rsa` crate has an open timing advisory.
#[test]
fn the_rsa_crate_is_not_among_the_dependencies() {
    let packages = read("Cargo.lock");
    assert!(packages.contains("name = \"aws-lc-rs\""));
    assert!(!packages.contains("name = \"rsa\""));
}
