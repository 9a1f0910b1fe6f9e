//! Which module of `src/` may use which.

use std::collections::{BTreeMap, BTreeSet};

use super::graph::Graph;

/// Each module with those it may import. Modules of one line never import each other.
const ALLOWED: &[(&[&str], &[&str])] = &[
    (&["clock", "error", "mail", "metrics", "trace", "url"], &[]),
    (&["http_client"], &["error"]),
    (&["token"], &["clock", "error", "metrics", "trace"]),
    (&["rejection"], &["error", "metrics", "trace"]),
    (&["jwks"], &["clock", "error", "http_client", "metrics", "token", "trace", "url"]),
    (&["key_rotation", "store", "transport"], &["clock", "error", "metrics", "token", "trace"]),
    (
        &["introspection"],
        &["clock", "error", "http_client", "metrics", "token", "transport", "url"],
    ),
    (&["user"], &["clock", "error", "store", "token", "trace"]),
    (&["password"], &["error", "metrics", "token", "user"]),
    (&["throttle"], &["clock", "error", "store", "token", "trace", "user"]),
    (&["totp"], &["clock", "error", "store", "token", "trace", "user"]),
    (&["possession"], &["clock", "error", "store", "token", "url"]),
    (&["check"], &["clock", "error", "metrics", "possession", "store", "token", "trace"]),
    (&["found"], &["error", "token"]),
    (&["protected_resource"], &["error", "possession", "url"]),
    (
        &["issue"],
        &[
            "check",
            "clock",
            "error",
            "mail",
            "metrics",
            "possession",
            "store",
            "token",
            "trace",
            "user",
        ],
    ),
    (
        &["extract", "guard", "middleware"],
        &[
            "check",
            "clock",
            "error",
            "found",
            "introspection",
            "issue",
            "possession",
            "protected_resource",
            "rejection",
            "store",
            "token",
            "trace",
            "transport",
            "url",
            "user",
        ],
    ),
    (
        &["routes"],
        &[
            "check",
            "clock",
            "error",
            "found",
            "issue",
            "middleware",
            "possession",
            "protected_resource",
            "rejection",
            "store",
            "throttle",
            "token",
            "trace",
            "transport",
            "url",
            "user",
        ],
    ),
    (
        &["accounts"],
        &[
            "clock",
            "error",
            "issue",
            "mail",
            "middleware",
            "password",
            "possession",
            "routes",
            "store",
            "throttle",
            "token",
            "totp",
            "trace",
            "transport",
            "url",
            "user",
        ],
    ),
    (
        &["openapi"],
        &[
            "accounts",
            "error",
            "middleware",
            "possession",
            "protected_resource",
            "rejection",
            "routes",
            "transport",
            "user",
        ],
    ),
    (&["provider"], &["error", "http_client", "jwks", "token"]),
    (&["testing"], &["clock", "found", "issue", "token"]),
    (
        &["simplejwt"],
        &[
            "check",
            "clock",
            "error",
            "extract",
            "found",
            "guard",
            "issue",
            "metrics",
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
    let graph = Graph::read();
    let mut violations = Vec::new();
    let mut seen = BTreeSet::new();
    for module in graph.modules() {
        let (file, Some(top)) = (graph.file(module), module.first()) else { continue };
        let Some(may_import) = allowed.get(&**top) else {
            violations.push(format!("{file}: `{top}` is not in the table"));
            continue;
        };
        for import in graph.imports(module) {
            let import = import.first().map_or("the crate root", |top| &**top);
            if import != top && !may_import.contains(&import) {
                violations.push(format!("{file}: imports `{import}`"));
            }
        }
        seen.insert(&**top);
    }
    assert_eq!(violations, Vec::<String>::new());
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
            assert!(floor_of(import) < floor, "{modules:?} must be above `{import}`");
        }
    }
}
