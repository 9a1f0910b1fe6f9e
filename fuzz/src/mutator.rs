//! A mutator that knows the tokens of JSON.

use std::ops::Range;

use libfuzzer_sys::fuzzer_mutate;

/// The strings and values that replace others: the dictionary of the fuzzer.
const DICTIONARY: &str = include_str!("../json.dict");

/// Changes one token of the JSON in `data`, or, half of the time, any bytes. For `fuzz_mutator!`.
pub fn mutate_json(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
    let mut random = Random(u64::from(seed) | 1 << 32);
    let changed =
        if random.below(2) == Some(0) { change(&data[..size], &mut random) } else { None };
    match changed {
        Some(changed) if changed.len() <= max_size && changed.len() <= data.len() => {
            data[..changed.len()].copy_from_slice(&changed);
            changed.len()
        }
        _ => fuzzer_mutate(data, size, max_size),
    }
}

fn change(json: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let tokens = tokens(json);
    let token = tokens.get(random.below(tokens.len())?)?.clone();
    let is_string = json[token.start] == b'"';
    let lines: Vec<_> = DICTIONARY.lines().filter_map(entry).collect();
    let other = lines.get(random.below(lines.len())?)?.clone();
    let replacement = match (random.below(5)?, json[token.start]) {
        (0, _) if is_string => escaped(&json[token.clone()], random)?,
        // A new first member, often a duplicate of another one.
        (1, b'{') => {
            let name = tokens.get(random.below(tokens.len())?).map(|token| &json[token.clone()]);
            let name = name.filter(|name| name.starts_with(b"\""))?.to_vec();
            [b"{", &*name, b":", &*other, b","].concat()
        }
        (2, _) if is_string => json[tokens.get(random.below(tokens.len())?)?.clone()].to_vec(),
        (3, b'0'..=b'9') => {
            let number: u64 = str::from_utf8(&json[token.clone()]).ok()?.parse().ok()?;
            number.wrapping_add(random.below(5)? as u64).wrapping_sub(2).to_string().into()
        }
        _ => other,
    };
    Some([&json[..token.start], &replacement, &json[token.end..]].concat())
}

/// The value of a line such as `"\"exp\""`, without the outer quotes and their escapes.
fn entry(line: &str) -> Option<Vec<u8>> {
    let quoted = line.strip_prefix('"')?.strip_suffix('"')?;
    Some(quoted.replace("\\\"", "\"").replace("\\\\", "\\").into_bytes())
}

/// The string with one of its characters as an escape.
fn escaped(string: &[u8], random: &mut Random) -> Option<Vec<u8>> {
    let at = 1 + random.below(string.len().checked_sub(2)?)?;
    let escape = format!("\\u{:04x}", string[at]);
    let is_plain = string[at].is_ascii_alphanumeric() && string[at - 1] != b'\\';
    is_plain.then(|| [&string[..at], escape.as_bytes(), &string[at + 1..]].concat())
}

/// The strings, words and punctuation of `json`, which need not be valid.
fn tokens(json: &[u8]) -> Vec<Range<usize>> {
    let mut tokens = Vec::new();
    let mut start = 0;
    while start < json.len() {
        let rest = &json[start..];
        let len = match rest[0] {
            b'"' => {
                let mut is_escaped = false;
                let end = rest.iter().skip(1).position(|byte| {
                    let ends = *byte == b'"' && !is_escaped;
                    is_escaped = *byte == b'\\' && !is_escaped;
                    ends
                });
                end.map_or(rest.len(), |end| end + 2)
            }
            byte if is_word(byte) => rest.iter().take_while(|byte| is_word(**byte)).count(),
            _ => 1,
        };
        tokens.push(start..start + len);
        start += len;
    }
    tokens
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)
}

/// A generator of numbers that is as good as a mutator needs.
struct Random(u64);

impl Random {
    /// A number below `end`, if there is one.
    fn below(&mut self, end: usize) -> Option<usize> {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 16).ok()?.checked_rem(end)
    }
}
