//! Accounts in SQL databases.

pub(crate) mod database;
mod django;
mod generation;
mod login;
pub(crate) mod lost_responses;
mod migrations;
mod names;
mod outage;
mod poolers;
mod rules;
mod settings;
