//! The response with tokens.

use std::iter;

use serde::{Serialize, Serializer, ser::SerializeMap};
use serde_json::{Map, Value};

/// The body of a login or a refresh: each token and its type with the name of the member, and the
/// members that the application adds. Those cannot replace the others.
pub(super) struct TokenResponse<'a> {
    pub(super) access: (&'a str, &'a str),
    pub(super) refresh: Option<(&'a str, &'a str)>,
    /// Of tokens that are bound to a key (RFC 9449 section 5).
    pub(super) token_type: Option<(&'a str, &'a str)>,
    pub(super) extras: Map<String, Value>,
}

impl TokenResponse<'_> {
    fn members(&self) -> impl Iterator<Item = (&str, &str)> {
        iter::once(self.access).chain(self.refresh).chain(self.token_type)
    }
}

impl Serialize for TokenResponse<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        for (name, value) in self.members() {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.extras {
            if self.members().all(|(member, _)| member != name) {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}
