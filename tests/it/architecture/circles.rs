//! No file imports, directly or by way of others, from a file that imports from it.

use std::collections::{BTreeMap, BTreeSet};

use super::{graph::Graph, source::Path};

type Imports = BTreeMap<Path, BTreeSet<Path>>;

#[test]
fn no_file_imports_all_items_of_a_module() {
    let graph = Graph::read();
    let globs = graph.modules().filter(|module| graph.has_glob_imports(module));
    assert_eq!(globs.map(|module| graph.file(module)).collect::<Vec<_>>(), Vec::<&str>::new());
}

#[test]
fn no_files_import_in_a_circle() {
    let graph = Graph::read();
    let imports: Imports =
        graph.modules().map(|module| (module.clone(), graph.imports(module))).collect();
    let reached: Imports =
        imports.keys().map(|module| (module.clone(), reachable(&imports, module))).collect();
    let mut circles = BTreeSet::new();
    for (module, reached_from_it) in &reached {
        let circle = reached_from_it.iter().filter(|other| reached[*other].contains(module));
        let circle: Vec<_> = circle.collect();
        if !circle.is_empty() {
            circles.insert(circle);
        }
    }
    let described: Vec<_> =
        circles.iter().map(|circle| describe(&graph, &imports, circle)).collect();
    assert!(described.is_empty(), "files that import in a circle:\n\n{}", described.join("\n"));
}

fn reachable(imports: &Imports, from: &Path) -> BTreeSet<Path> {
    let mut reached = BTreeSet::new();
    let mut pending = vec![from];
    while let Some(module) = pending.pop() {
        let next = imports.get(module).into_iter().flatten();
        pending.extend(next.filter(|module| reached.insert((*module).clone())));
    }
    reached
}

/// Each file of `circle` with what it imports from the others.
fn describe(graph: &Graph, imports: &Imports, circle: &[&Path]) -> String {
    let lines = circle.iter().map(|module| {
        let others = imports[*module].iter().filter(|other| circle.contains(other));
        let others: Vec<_> = others.map(|other| graph.file(other)).collect();
        format!("{} -> {}\n", graph.file(module), others.join(", "))
    });
    lines.collect()
}
