//! Accounts in SQL databases.

mod database;
mod django;
mod generation;
mod login;
mod lost_responses;
mod migrations;
mod names;
mod outage;
mod poolers;
mod rules;
mod settings;
