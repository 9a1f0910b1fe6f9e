use serde::{Deserialize, Serialize};

/// The type of tickets.
pub(super) const TICKET: &str = "ticket";

/// What only tickets carry.
#[derive(Serialize, Deserialize)]
pub(super) struct TicketClaims {
    pub(super) path: Box<str>,
}
