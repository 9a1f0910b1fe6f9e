use serde::{Deserialize, Serialize};

/// The type of tickets.
pub(super) const TICKET: &str = "ticket";

/// The type of the tokens between the steps of a login.
pub(super) const SECOND_STEP: &str = "second_step";

/// What only tickets carry.
#[derive(Serialize, Deserialize)]
pub(super) struct TicketClaims {
    pub(super) path: Box<str>,
    /// The token that the ticket stands for, if it has no session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) token: Option<TicketToken>,
}

/// What the store is asked about a token.
#[derive(Serialize, Deserialize)]
pub(super) struct TicketToken {
    pub(super) jti: Option<Box<str>>,
    pub(super) issued_at: u64,
}
