//! What tokens and responses contain of a user.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tower_jwt_auth::{token::UserId, user::Account};

/// The claims of access tokens.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
}

impl Profile {
    pub(crate) fn of(account: &Account) -> Self {
        Self { username: account.username().unwrap_or_default().to_owned() }
    }
}

/// What a client sees of a user.
pub(crate) fn describe(id: &UserId, profile: &Profile) -> Map<String, Value> {
    Map::from_iter([
        ("id".to_owned(), id.as_str().into()),
        ("username".to_owned(), profile.username.clone().into()),
    ])
}
