//! The response with tokens.

use std::iter;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// The body of a login or a refresh: each token with its member name, and the members that the
/// application adds. Those cannot replace the tokens.
pub(super) struct TokenResponse<'a> {
    pub(super) access: (&'a str, &'a str),
    pub(super) refresh: Option<(&'a str, &'a str)>,
    pub(super) extras: Map<String, Value>,
}

impl TokenResponse<'_> {
    fn tokens(&self) -> impl Iterator<Item = (&str, &str)> {
        iter::once(self.access).chain(self.refresh)
    }
}

impl Serialize for TokenResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, token) in self.tokens() {
            map.serialize_entry(name, token)?;
        }
        for (name, value) in &self.extras {
            if self.tokens().all(|(token, _)| token != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
