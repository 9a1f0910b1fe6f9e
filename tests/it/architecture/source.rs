//! A file of `src/`, reduced to what it imports and which paths it uses.

use std::collections::BTreeSet;

/// The segments of a path, such as `["crate", "token", "Claims"]`.
pub(super) type Path = Vec<String>;

#[derive(Debug, Default)]
pub(super) struct Source {
    pub(super) imports: Vec<Import>,
    /// The modules whose items are all imported, other than to re-export them.
    pub(super) globs: Vec<Path>,
    /// Paths of two segments or more, outside of imports.
    pub(super) paths: BTreeSet<Path>,
    /// All identifiers outside of imports.
    pub(super) names: BTreeSet<String>,
}

#[derive(Debug)]
pub(super) struct Import {
    pub(super) path: Path,
    pub(super) name: String,
    /// Whether it is a re-export.
    pub(super) is_public: bool,
}

impl Source {
    pub(super) fn parse(text: &str) -> Self {
        let mut source = Self::default();
        let tokens = tokens(text);
        let mut rest = &tokens[..];
        let mut before: &[&str] = &[];
        while let [token, tail @ ..] = rest {
            let at = tokens.len() - rest.len();
            match (*token, tail) {
                // Unit tests.
                ("mod", [_, "{", body @ ..]) => rest = after_block(body),
                // Also the types that an `impl Trait` captures.
                ("mod", [_, ";", after @ ..]) | ("use", ["<", after @ ..]) => rest = after,
                ("use", _) => {
                    let end = tail.iter().position(|token| *token == ";").expect("a `;`");
                    // Imported for the links of the documentation alone.
                    if !tokens[..at].ends_with(&["#", "[", "cfg", "(", "doc", ")", "]"]) {
                        let is_public = matches!(before.last(), Some(&"pub" | &")"));
                        source.read_tree(&mut tail[..end].iter().copied(), &[], is_public);
                    }
                    rest = &tail[end + 1..];
                }
                (first, _) if is_identifier(first) => {
                    let mut path = vec![first.to_owned()];
                    rest = tail;
                    while let ["::", segment, tail @ ..] = rest
                        && is_identifier(segment)
                    {
                        path.push((*segment).to_owned());
                        rest = tail;
                    }
                    // What a macro expands to belongs to its caller, and `.name` is no path.
                    let is_path = !matches!(before.last(), Some(&"$" | &"." | &"::"));
                    source.names.extend(path.iter().cloned());
                    if is_path && path.len() > 1 {
                        source.paths.insert(path);
                    }
                }
                _ => rest = tail,
            }
            before = &tokens[..tokens.len() - rest.len()];
        }
        source
    }

    /// Reads one level of a tree such as `a::{b, c as d, e::*}`.
    fn read_tree<'t>(
        &mut self,
        tokens: &mut impl Iterator<Item = &'t str>,
        prefix: &[String],
        is_public: bool,
    ) {
        let mut path = prefix.to_vec();
        let mut name = None;
        let mut is_done = false;
        loop {
            match tokens.next() {
                Some("::") => {}
                Some("{") => {
                    self.read_tree(&mut *tokens, &path, is_public);
                    is_done = true;
                }
                Some("*") => {
                    if !is_public {
                        self.globs.push(path.clone());
                    }
                    is_done = true;
                }
                Some("as") => name = tokens.next().map(str::to_owned),
                Some("self") if !prefix.is_empty() => {}
                Some(end @ ("," | "}")) => {
                    self.add(path, name.take(), is_public, is_done);
                    if end == "}" {
                        return;
                    }
                    (path, is_done) = (prefix.to_vec(), false);
                }
                Some(segment) => path.push(segment.to_owned()),
                None => return self.add(path, name, is_public, is_done),
            }
        }
    }

    fn add(&mut self, path: Path, name: Option<String>, is_public: bool, is_done: bool) {
        if let (Some(last), false) = (path.last(), is_done) {
            let name = name.unwrap_or_else(|| last.clone());
            self.imports.push(Import { path, name, is_public });
        }
    }
}

fn is_identifier(token: &str) -> bool {
    token.starts_with(|char: char| char.is_alphabetic() || char == '_')
}

/// What follows the `}` that ends `tokens`' block.
fn after_block<'t>(tokens: &'t [&'t str]) -> &'t [&'t str] {
    let mut depth = 1;
    let end = tokens.iter().position(|token| {
        depth += i32::from(*token == "{") - i32::from(*token == "}");
        depth == 0
    });
    &tokens[end.expect("a `}`") + 1..]
}

/// Identifiers, numbers, `::` and single characters; neither comments nor literals.
fn tokens(text: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = if first.is_whitespace() {
            first.len_utf8()
        } else if rest.starts_with("//") {
            rest.find('\n').unwrap_or(rest.len())
        } else if rest.starts_with("/*") {
            rest.find("*/").expect("a comment that ends") + 2
        } else if let Some(length) = literal(rest) {
            length
        } else {
            let word = rest.find(|char: char| !char.is_alphanumeric() && char != '_');
            let length = match word.unwrap_or(rest.len()) {
                0 if rest.starts_with("::") => 2,
                0 => first.len_utf8(),
                length => length,
            };
            tokens.push(&rest[..length]);
            length
        };
        rest = &rest[length..];
    }
    tokens
}

/// The length of the string, character or lifetime with which `text` begins.
fn literal(text: &str) -> Option<usize> {
    let body = text.trim_start_matches(['b', 'c', 'r']);
    let prefix = text.len() - body.len();
    let hashes = body.len() - body.trim_start_matches('#').len();
    if text[..prefix].ends_with('r') && body[hashes..].starts_with('"') {
        let end = format!("\"{}", "#".repeat(hashes));
        let start = prefix + hashes + 1;
        return Some(start + text[start..].find(&end).expect("a string that ends") + end.len());
    }
    if prefix > 1 {
        return None;
    }
    let quote = body.chars().next().filter(|char| matches!(char, '"' | '\''))?;
    let inner = &body[1..];
    let is_lifetime = quote == '\''
        && !inner.starts_with('\\')
        && inner.chars().nth(1).is_none_or(|char| char != '\'');
    if is_lifetime {
        return Some(prefix + 1);
    }
    let mut is_escaped = false;
    let end = inner.find(|char| {
        let ends = char == quote && !is_escaped;
        is_escaped = char == '\\' && !is_escaped;
        ends
    });
    Some(prefix + 1 + end.expect("a literal that ends") + 1)
}

#[test]
fn reads_imports_and_paths_but_no_comments_strings_or_unit_tests() {
    let source = Source::parse(
        r##"
        //! use crate::a;
        pub use self::b::{B as C, d::{self, D}, e::*};
        use super::{f, o::*}; // use crate::g;
        #[cfg(doc)]
        use crate::h;
        /* crate::i::I */
        fn k<'a>(x: &'a str) -> impl crate::l::L + use<'a> { f::m(x, '"', "crate::n::N", r#"crate::"o""#) }
        mod s;
        mod tests { use super::*; fn p() { crate::q::r(); } }
        "##,
    );
    let imports: Vec<_> = source
        .imports
        .iter()
        .map(|import| (import.path.join("::"), &*import.name, import.is_public))
        .collect();
    let expected = [
        ("self::b::B", "C", true),
        ("self::b::d", "d", true),
        ("self::b::d::D", "D", true),
        ("super::f", "f", false),
    ];
    assert_eq!(imports, expected.map(|(path, name, public)| (path.to_owned(), name, public)));
    assert_eq!(source.globs.iter().map(|path| path.join("::")).collect::<Vec<_>>(), ["super::o"]);
    let paths: Vec<_> = source.paths.iter().map(|path| path.join("::")).collect();
    assert_eq!(paths, ["crate::l::L", "f::m"]);
    assert!(source.names.contains("k") && !source.names.contains("s"));
}
