//! The users, in memory.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tower_jwt_auth::{
    password::{MemoryUsers, PasswordError, PasswordHasher},
    token::UserId,
    user::User,
};

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Profile {
    pub(crate) username: String,
    pub(crate) is_admin: bool,
}

pub(crate) async fn users() -> Result<MemoryUsers<Profile>, PasswordError> {
    let users = MemoryUsers::new(PasswordHasher::new());
    for (id, username, is_admin) in [(1, "demo", false), (2, "admin", true)] {
        let profile = Profile { username: username.to_owned(), is_admin };
        users.insert(username, &format!("{username}-password"), User::new(id, profile)).await?;
    }
    Ok(users)
}

/// What a client sees of a user.
pub(crate) fn describe(id: &UserId, profile: &Profile) -> Map<String, Value> {
    Map::from_iter([
        ("id".to_owned(), id.as_str().into()),
        ("username".to_owned(), profile.username.clone().into()),
        ("is_admin".to_owned(), profile.is_admin.into()),
    ])
}
