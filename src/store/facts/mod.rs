//! What calls to a store carry, and what they return.

mod attempt;
mod begin;
mod consume;
mod generation;
mod lengths;
mod redacted;
mod revocation;
mod session;
mod spend;
mod token_ref;

pub use self::{
    attempt::{Attempt, AttemptLimit, Attempted},
    begin::{Begun, NewSession},
    consume::{Consume, ConsumeId, Consumed},
    generation::Generation,
    lengths::MAX_ID_LEN,
    revocation::Revocation,
    session::{Page, Session, SessionPage},
    spend::{Spend, Spent},
    token_ref::TokenRef,
};
pub(super) use lengths::check_lengths;
