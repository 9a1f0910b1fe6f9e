//! Which file of `src/` imports from which.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path as FilePath, PathBuf},
};

use crate::support::repository;

use super::source::{Path, Source};

/// The files of the crate by module: `[]` is `lib.rs`, `["token", "claims"]` is `token/claims.rs`.
pub(super) struct Graph {
    files: BTreeMap<Path, (String, Source)>,
}

/// What a path leads to.
enum Target {
    Module(Path),
    /// An item that the file of this module defines.
    Item(Path),
}

impl Graph {
    pub(super) fn read() -> Self {
        let root = repository("src");
        let mut folders = vec![root.clone()];
        let mut files = BTreeMap::new();
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).expect("readable folder") {
                let path = entry.expect("readable entry").path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension() == Some("rs".as_ref()) {
                    let text = fs::read_to_string(&path).expect("readable source");
                    let file = path.strip_prefix(&root).expect("below src");
                    files.insert(
                        module_of(file),
                        (file.display().to_string(), Source::parse(&text)),
                    );
                }
            }
        }
        Self { files }
    }

    pub(super) fn modules(&self) -> impl Iterator<Item = &Path> {
        self.files.keys()
    }

    pub(super) fn file(&self, module: &Path) -> &str {
        &self.files[module].0
    }

    /// Whether `module` imports all items of another, so that its imports cannot be followed.
    pub(super) fn has_glob_imports(&self, module: &Path) -> bool {
        !self.files[module].1.globs.is_empty()
    }

    /// The modules whose files define what that of `module` uses. A re-export is followed to the
    /// file that defines the item; what a file re-exports without using it is no import.
    pub(super) fn imports(&self, module: &Path) -> BTreeSet<Path> {
        let source = &self.files[module].1;
        let used = source
            .imports
            .iter()
            .filter(|import| !import.is_public || source.names.contains(&import.name));
        let paths = used.map(|import| &import.path).chain(&source.paths);
        let mut targets: BTreeSet<_> =
            paths.filter_map(|path| self.defining(module, path)).collect();
        targets.remove(module);
        targets
    }

    fn defining(&self, module: &Path, path: &Path) -> Option<Path> {
        match self.resolve(module, path, 0)? {
            Target::Item(module) => Some(module),
            // Imported alone, a module is only a name; it counts where a path goes on from it.
            Target::Module(_) => None,
        }
    }

    fn resolve(&self, module: &Path, path: &[String], depth: usize) -> Option<Target> {
        assert!(depth < 50, "{path:?} in {module:?} leads nowhere");
        let (first, mut rest) = path.split_first()?;
        let mut target = match &**first {
            "crate" => Target::Module(Vec::new()),
            "self" => Target::Module(module.clone()),
            "super" => Target::Module(parent(module)),
            _ => self.lookup(module, first, depth)?,
        };
        while let Target::Module(at) = &target
            && let [next, tail @ ..] = rest
        {
            target = match &**next {
                "super" => Target::Module(parent(at)),
                _ => match self.lookup(at, next, depth) {
                    Some(target) => target,
                    None => Target::Item(at.clone()),
                },
            };
            rest = tail;
        }
        Some(target)
    }

    /// A child module or an import of `module`. What it defines itself is not known here.
    fn lookup(&self, module: &Path, name: &String, depth: usize) -> Option<Target> {
        let child = [&module[..], std::slice::from_ref(name)].concat();
        if self.files.contains_key(&child) {
            return Some(Target::Module(child));
        }
        let source = &self.files[module].1;
        let import = source.imports.iter().find(|import| import.name == *name)?;
        // A crate: `use memchr::memchr`. Or a macro of this file: `pub(crate) use in_span`.
        if import.path[0] == *name {
            return None;
        }
        self.resolve(module, &import.path, depth + 1)
    }
}

fn module_of(file: &FilePath) -> Path {
    let without_extension: PathBuf = file.with_extension("");
    let mut segments: Path = without_extension
        .iter()
        .map(|segment| segment.to_str().expect("a UTF-8 file name").to_owned())
        .collect();
    if segments.last().is_some_and(|last| last == "mod" || last == "lib") {
        segments.pop();
    }
    segments
}

fn parent(module: &Path) -> Path {
    module.split_last().expect("`super` in the crate root").1.to_vec()
}
