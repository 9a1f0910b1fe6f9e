//! The tools, and the scopes that they require.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, PoisonError},
};

use axum::http::request::Parts;
use rmcp::{
    ErrorData,
    handler::server::{tool::Extension, wrapper::Parameters},
    schemars::JsonSchema,
    tool, tool_handler, tool_router,
};
use serde::Deserialize;
use tower_jwt_auth::{Claims, token::UserId};

const MAX_NOTES: usize = 1000;

/// The scope that a tool requires, if any. [`require_scope_of_tool`] enforces it.
///
/// [`require_scope_of_tool`]: crate::guard::require_scope_of_tool
pub(crate) fn required_scope(tool: &str) -> Option<&'static str> {
    match tool {
        "write_note" => Some("tools:write"),
        _ => None,
    }
}

/// Notes in memory. The oldest are deleted when there are too many.
#[derive(Clone, Default)]
pub(crate) struct Tools {
    notes: Arc<Mutex<VecDeque<(UserId, String)>>>,
}

#[derive(Deserialize, JsonSchema)]
#[schemars(crate = "rmcp::schemars")]
struct Note {
    /// The text of the note.
    text: String,
}

#[tool_router]
impl Tools {
    /// Returns the subject of the token.
    #[tool]
    fn whoami(Extension(parts): Extension<Parts>) -> Result<String, ErrorData> {
        Ok(claims(&parts)?.subject().unwrap_or_default().to_owned())
    }

    /// Saves a note of the user.
    #[tool]
    fn write_note(
        &self,
        Extension(parts): Extension<Parts>,
        Parameters(Note { text }): Parameters<Note>,
    ) -> Result<String, ErrorData> {
        let user_id = claims(&parts)?.user_id().clone();
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() == MAX_NOTES {
            notes.pop_front();
        }
        notes.push_back((user_id.clone(), text));
        let count = notes.iter().filter(|(author, _)| *author == user_id).count();
        Ok(format!("Saved as note {count}."))
    }
}

#[tool_handler(
    name = "notes",
    version = "1.0.0",
    instructions = "Notes of the user. Writing requires the scope tools:write."
)]
impl rmcp::ServerHandler for Tools {}

/// The claims that the layer has put into the extensions of the HTTP request.
fn claims(parts: &Parts) -> Result<&Claims, ErrorData> {
    let missing = || ErrorData::internal_error("there is no JwtAuthLayer", None);
    parts.extensions.get().ok_or_else(missing)
}
