//! The causes of an error as one line of a log.

use std::{error::Error, fmt};

/// Displays an error and its sources, separated by colons, without what must not be in a log.
///
/// The messages of databases, HTTP clients and applications are not under the control of this
/// crate. User names and passwords in URLs, values of `password=…`, tokens and long random values
/// are replaced by `[redacted]`, and control characters are escaped.
pub(crate) struct Causes<'a>(pub(crate) &'a (dyn Error + 'static));

/// The number of sources that are displayed.
const MAX_DEPTH: usize = 8;
/// The length of a message, in bytes, that is displayed of each source.
const MAX_MESSAGE: usize = 512;
/// The shortest run of letters and digits that is taken for a random value: half of a SHA-256 in
/// hexadecimal, or a UUID.
const RANDOM: usize = 32;

const REDACTED: &str = "[redacted]";

impl fmt::Display for Causes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut previous = String::new();
        let chain = std::iter::successors(Some(self.0), |error| (*error).source());
        for (depth, error) in chain.take(MAX_DEPTH).enumerate() {
            let message = error.to_string();
            // An error that displays its source would repeat it.
            if depth > 0 && previous.contains(&message) {
                continue;
            }
            if depth > 0 {
                f.write_str(": ")?;
            }
            write_redacted(f, &message)?;
            previous = message;
        }
        Ok(())
    }
}

fn write_redacted(f: &mut fmt::Formatter<'_>, message: &str) -> fmt::Result {
    let longest = message.len().min(MAX_MESSAGE);
    let end = (0..=longest).rev().find(|&end| message.is_char_boundary(end)).unwrap_or_default();
    for (index, word) in message[..end].split_whitespace().enumerate() {
        f.write_str(if index > 0 { " " } else { "" })?;
        write_word(f, word)?;
    }
    f.write_str(if end < message.len() { "…" } else { "" })
}

fn write_word(f: &mut fmt::Formatter<'_>, word: &str) -> fmt::Result {
    if let Some((scheme, rest)) = word.split_once("://")
        && let Some((_, host)) = rest.rsplit_once('@')
    {
        write_word(f, scheme)?;
        f.write_str("://")?;
        f.write_str(REDACTED)?;
        f.write_str("@")?;
        return write_word(f, host);
    }
    let lower = word.to_ascii_lowercase();
    let secrets = ["password=", "passwd=", "pwd=", "secret=", "token="];
    if let Some(end) = secrets.iter().filter_map(|name| Some(lower.find(name)? + name.len())).min()
    {
        f.write_str(&word[..end])?;
        return f.write_str(REDACTED);
    }
    let is_part = |character: char| character.is_ascii_alphanumeric() || "-_".contains(character);
    for run in word.split_inclusive(|character| !is_part(character)) {
        let part = run.trim_end_matches(|character| !is_part(character));
        let is_mixed = part.contains(|character: char| character.is_ascii_digit())
            && part.contains(|character: char| character.is_ascii_alphabetic());
        if (part.len() >= RANDOM && is_mixed) || part.starts_with("eyJ") {
            f.write_str(REDACTED)?;
        } else {
            write_escaped(f, part)?;
        }
        write_escaped(f, &run[part.len()..])?;
    }
    Ok(())
}

fn write_escaped(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    use fmt::Write;

    for character in text.chars() {
        if character.is_control() {
            write!(f, "{}", character.escape_default())?;
        } else {
            f.write_char(character)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::{error::Error, fmt};

    use super::Causes;

    #[derive(Debug)]
    struct Link(&'static str, Option<Box<Link>>);

    impl fmt::Display for Link {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str(self.0)
        }
    }

    impl Error for Link {
        fn source(&self) -> Option<&(dyn Error + 'static)> {
            self.1.as_deref().map(|source| source as _)
        }
    }

    fn display(message: &'static str) -> String {
        Causes(&Link(message, None)).to_string()
    }

    #[test]
    fn displays_the_chain_without_repetition() {
        let root = Link("role \"user\" does not exist", None);
        let middle =
            Link("error returned from database: role \"user\" does not exist", Some(root.into()));
        let top = Link("the token store is unavailable", Some(middle.into()));
        assert_eq!(
            Causes(&top).to_string(),
            "the token store is unavailable: error returned from database: role \"user\" does not exist"
        );
    }

    #[test]
    fn redacts_secrets() {
        for (message, expected) in [
            (
                "cannot reach postgres://ada:hunter2@db:5432/app",
                "cannot reach postgres://[redacted]@db:5432/app",
            ),
            ("redis://:p@ss@host/0 refused", "redis://[redacted]@host/0 refused"),
            ("dsn: host=db Password=hunter2 user=ada", "dsn: host=db Password=[redacted] user=ada"),
            ("http://db/?user=1&password=hunter2", "http://db/?user=1&password=[redacted]"),
            ("token eyJhbGciOiJIUzI1NiJ9.e30.x is bad", "token [redacted].e30.x is bad"),
            ("key 0b5f1d0c-94a2-4bd0-8a9a-3f1f0a2c9d11, sorry", "key [redacted], sorry"),
            (
                "relation \"tower_jwt_auth_sessions_pkey_of_users\"",
                "relation \"tower_jwt_auth_sessions_pkey_of_users\"",
            ),
            ("two\r\nlines\u{1b}[0m", "two lines\\u{1b}[0m"),
        ] {
            assert_eq!(display(message), expected);
        }
    }

    #[test]
    fn shortens_long_messages() {
        let long = display("é".repeat(10_000).leak());
        assert!(long.ends_with("é…") && long.len() < 600, "{}", long.len());
    }
}
