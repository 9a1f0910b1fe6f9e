//! Routes on which users see and end their sessions.

mod handlers;
mod router;
mod session_entry;
mod state;

pub(super) use router::paths;
pub(super) use state::SessionList;
