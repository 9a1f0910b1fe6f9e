//! What Python's `json` says of a text that is no JSON.

/// Deeper nesting is not followed; no body of a token route has any.
const MAX_DEPTH: usize = 64;

/// The message of Python's `json.loads`, with the place of the fault; `None` where it finds none.
pub(super) fn fault_in(text: &str) -> Option<String> {
    let chars: Vec<char> = text.chars().collect();
    if chars.first() == Some(&'\u{feff}') {
        let at = TokenFault::At("Unexpected UTF-8 BOM (decode using utf-8-sig)", 0);
        return Some(at.describe(&chars));
    }
    let mut scanner = Scanner { chars: &chars, at: 0 };
    scanner.document().err().map(|fault| fault.describe(&chars))
}

enum TokenFault {
    /// A message, and the index of the character that it is about.
    At(&'static str, usize),
    Constant(&'static str),
    TooDeep,
}

impl TokenFault {
    fn describe(&self, chars: &[char]) -> String {
        match self {
            Self::At(message, at) => {
                let before = &chars[..(*at).min(chars.len())];
                let line = before.iter().filter(|char| **char == '\n').count() + 1;
                let line_start = before.iter().rposition(|char| *char == '\n').map_or(0, |n| n + 1);
                let column = at - line_start + 1;
                format!("{message}: line {line} column {column} (char {at})")
            }
            Self::Constant(name) => {
                format!("Out of range float values are not JSON compliant: '{name}'")
            }
            Self::TooDeep => "nested too deeply".to_owned(),
        }
    }
}

/// Follows the scanner of CPython's `_json.c`, so that faults are found in the same order.
struct Scanner<'a> {
    chars: &'a [char],
    at: usize,
}

impl Scanner<'_> {
    fn document(&mut self) -> Result<(), TokenFault> {
        self.skip_blanks();
        self.value(0)?;
        self.skip_blanks();
        if self.at == self.chars.len() {
            Ok(())
        } else {
            Err(TokenFault::At("Extra data", self.at))
        }
    }

    fn peek(&self) -> Option<char> {
        self.chars.get(self.at).copied()
    }

    fn skip_blanks(&mut self) {
        while let Some(' ' | '\t' | '\n' | '\r') = self.peek() {
            self.at += 1;
        }
    }

    /// Steps over `word` if it stands here.
    fn takes(&mut self, word: &str) -> bool {
        let found = self.chars[self.at..].iter().copied().take(word.len()).eq(word.chars());
        if found {
            self.at += word.len();
        }
        found
    }

    fn value(&mut self, depth: usize) -> Result<(), TokenFault> {
        if depth > MAX_DEPTH {
            return Err(TokenFault::TooDeep);
        }
        match self.peek() {
            Some('"') => self.string(),
            Some('{') => self.object(depth),
            Some('[') => self.array(depth),
            _ if ["null", "true", "false"].into_iter().any(|word| self.takes(word)) => Ok(()),
            _ => {
                let constants = ["NaN", "Infinity", "-Infinity"];
                match constants.into_iter().find(|word| self.takes(word)) {
                    Some(name) => Err(TokenFault::Constant(name)),
                    None => self.number(),
                }
            }
        }
    }

    fn object(&mut self, depth: usize) -> Result<(), TokenFault> {
        self.at += 1;
        self.skip_blanks();
        if self.takes("}") {
            return Ok(());
        }
        loop {
            if self.peek() != Some('"') {
                let message = "Expecting property name enclosed in double quotes";
                return Err(TokenFault::At(message, self.at));
            }
            self.string()?;
            self.skip_blanks();
            if !self.takes(":") {
                return Err(TokenFault::At("Expecting ':' delimiter", self.at));
            }
            if self.ends_after_value("}", depth)? {
                return Ok(());
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<(), TokenFault> {
        self.at += 1;
        self.skip_blanks();
        if self.takes("]") {
            return Ok(());
        }
        while !self.ends_after_value("]", depth)? {}
        Ok(())
    }

    /// Reads a value and what follows it: the end, or a comma.
    fn ends_after_value(&mut self, end: &str, depth: usize) -> Result<bool, TokenFault> {
        self.skip_blanks();
        self.value(depth + 1)?;
        self.skip_blanks();
        if self.takes(end) {
            return Ok(true);
        }
        if !self.takes(",") {
            return Err(TokenFault::At("Expecting ',' delimiter", self.at));
        }
        self.skip_blanks();
        Ok(false)
    }

    fn string(&mut self) -> Result<(), TokenFault> {
        let start = self.at;
        let unterminated = TokenFault::At("Unterminated string starting at", start);
        self.at += 1;
        loop {
            match self.peek() {
                None => return Err(unterminated),
                Some('"') => {
                    self.at += 1;
                    return Ok(());
                }
                Some('\\') => match self.chars.get(self.at + 1) {
                    None => return Err(unterminated),
                    Some('u') => {
                        // A digit that ends the text is none, since a quote has to follow.
                        let digits = self.chars.get(self.at + 2..self.at + 6);
                        let is_last = self.at + 6 >= self.chars.len();
                        if is_last || !digits.is_some_and(are_hex_digits) {
                            return Err(TokenFault::At("Invalid \\uXXXX escape", self.at + 1));
                        }
                        self.at += 6;
                    }
                    Some('"' | '\\' | '/' | 'b' | 'f' | 'n' | 'r' | 't') => self.at += 2,
                    Some(_) => return Err(TokenFault::At("Invalid \\escape", self.at)),
                },
                Some(char) if char < ' ' => {
                    return Err(TokenFault::At("Invalid control character at", self.at));
                }
                Some(_) => self.at += 1,
            }
        }
    }

    fn number(&mut self) -> Result<(), TokenFault> {
        let start = self.at;
        self.takes("-");
        if !self.takes("0") && !self.digits() {
            return Err(TokenFault::At("Expecting value", start));
        }
        let end = self.at;
        if !(self.takes(".") && self.digits()) {
            self.at = end;
        }
        let end = self.at;
        if self.takes("e") || self.takes("E") {
            let _ = self.takes("+") || self.takes("-");
            if !self.digits() {
                self.at = end;
            }
        }
        Ok(())
    }

    fn digits(&mut self) -> bool {
        let start = self.at;
        while self.peek().is_some_and(|char| char.is_ascii_digit()) {
            self.at += 1;
        }
        self.at > start
    }
}

fn are_hex_digits(chars: &[char]) -> bool {
    chars.iter().all(char::is_ascii_hexdigit)
}
