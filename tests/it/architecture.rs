//! Imports run downward only: which module of `src/` may use which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

/// Each module with those it may import. Modules of one line never import each other.
const ALLOWED: &[(&[&str], &[&str])] = &[
    (&["clock", "error", "trace"], &[]),
    (&["token"], &["clock", "error"]),
    (&["rejection"], &["error", "trace"]),
    (
        &["jwks", "key_rotation", "store", "transport", "user"],
        &["clock", "error", "token", "trace"],
    ),
    (&["password"], &["error", "token", "user"]),
    (&["check"], &["clock", "error", "store", "token", "trace"]),
    (&["issue"], &["check", "clock", "error", "store", "token", "trace", "user"]),
    (
        &["extract", "guard", "middleware", "routes"],
        &[
            "check",
            "clock",
            "error",
            "issue",
            "rejection",
            "store",
            "token",
            "trace",
            "transport",
            "user",
        ],
    ),
    (
        &["simplejwt"],
        &[
            "check",
            "clock",
            "error",
            "extract",
            "guard",
            "issue",
            "middleware",
            "password",
            "rejection",
            "routes",
            "store",
            "token",
            "trace",
            "transport",
            "user",
        ],
    ),
];

#[test]
fn modules_import_downward_only() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED
        .iter()
        .flat_map(|(modules, imports)| modules.iter().map(move |module| (*module, *imports)))
        .collect();
    let mut offences = Vec::new();
    let mut seen = BTreeSet::new();
    for (module, file, text) in sources() {
        let Some(may_import) = allowed.get(module.as_str()) else {
            offences.push(format!("{}: `{module}` is not in the table", file.display()));
            continue;
        };
        for import in crate_imports(&text) {
            if import != module && !may_import.contains(&import.as_str()) {
                offences.push(format!("{}: imports `{import}`", file.display()));
            }
        }
        seen.insert(module);
    }
    assert_eq!(offences, Vec::<String>::new());
    let missing: Vec<_> = allowed.keys().filter(|module| !seen.contains(**module)).collect();
    assert!(missing.is_empty(), "in the table but not in src/: {missing:?}");
}

#[test]
fn the_table_has_no_circles() {
    let floor_of = |module: &str| {
        ALLOWED.iter().position(|(modules, _)| modules.contains(&module)).expect("is in the table")
    };
    for (floor, (modules, imports)) in ALLOWED.iter().enumerate() {
        for import in *imports {
            assert!(floor_of(import) < floor, "{modules:?} may not stand below `{import}`");
        }
    }
}

/// The sources below `src/` but for `lib.rs`: top module, file and text without comments.
fn sources() -> Vec<(String, PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root.clone()];
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).expect("readable folder") {
            let path = entry.expect("readable entry").path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let relative = path.strip_prefix(&root).expect("below src").to_owned();
            if relative == Path::new("lib.rs") || path.extension() != Some("rs".as_ref()) {
                continue;
            }
            let first = relative.iter().next().expect("a file name");
            let module = Path::new(first).file_stem().expect("a stem").to_string_lossy();
            let text = fs::read_to_string(&path).expect("readable source");
            let code = text.lines().filter(|line| !line.trim_start().starts_with("//"));
            sources.push((module.into_owned(), relative, code.collect::<Vec<_>>().join("\n")));
        }
    }
    sources
}

/// The modules named behind `crate::` in `code`, also in groups.
fn crate_imports(code: &str) -> BTreeSet<String> {
    let mut imports = BTreeSet::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            Some(group) => imports.extend(first_segments(group)),
            None => imports.extend([identifier(rest)]),
        }
    }
    imports
}

/// The first path segment of each item of a `use` group.
fn first_segments(group: &str) -> Vec<String> {
    let mut segments = Vec::new();
    let mut depth = 0;
    let mut item = String::new();
    for char in group.chars() {
        match char {
            '{' => depth += 1,
            '}' if depth == 0 => break,
            '}' => depth -= 1,
            ',' if depth == 0 => segments.push(identifier(&std::mem::take(&mut item))),
            _ if depth == 0 => item.push(char),
            _ => {}
        }
    }
    segments.push(identifier(&item));
    segments.retain(|segment| !segment.is_empty());
    segments
}

fn identifier(text: &str) -> String {
    text.trim_start().chars().take_while(|char| char.is_alphanumeric() || *char == '_').collect()
}
