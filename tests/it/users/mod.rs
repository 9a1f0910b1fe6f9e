//! Accounts in SQL databases.

mod database;
mod django;
mod generation;
mod login;
mod migrations;
mod names;
mod outage;
mod poolers;
mod rules;
mod settings;
