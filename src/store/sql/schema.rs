//! The tables, as migrations.
//!
//! A migration that was published is never changed. It leaves the tables usable by processes of the
//! version before it, which run on while a new version is rolled out.

/// A migration: its statements, in order.
pub(super) type Migration = &'static [&'static str];

/// The first version of the tables.
pub(super) const TABLES: Migration = &[
    "CREATE TABLE {sessions} (
        user_id {text} NOT NULL,
        session_id {text} NOT NULL,
        created_at BIGINT NOT NULL,
        last_used_at BIGINT NOT NULL,
        expires_at BIGINT NOT NULL,
        keep_until BIGINT NOT NULL,
        current_jti {text} NOT NULL,
        previous_jti {text},
        label TEXT,
        adopted BIGINT NOT NULL,
        ended BIGINT NOT NULL,
        PRIMARY KEY (user_id, session_id)
    ) {options}",
    "CREATE INDEX {sessions}_keep_until ON {sessions} (keep_until)",
    "CREATE TABLE {tokens} (
        user_id {text} NOT NULL,
        jti {text} NOT NULL,
        keep_until BIGINT NOT NULL,
        PRIMARY KEY (user_id, jti)
    ) {options}",
    "CREATE INDEX {tokens}_keep_until ON {tokens} (keep_until)",
    "CREATE TABLE {users} (
        user_id {text} NOT NULL,
        revoked_at BIGINT NOT NULL,
        keep_until BIGINT NOT NULL,
        PRIMARY KEY (user_id)
    ) {options}",
    "CREATE INDEX {users}_keep_until ON {users} (keep_until)",
];

/// What a feed loads.
#[cfg(feature = "postgres")]
pub(super) const ENDED_SESSIONS: Migration =
    &["CREATE INDEX {sessions}_ended ON {sessions} (user_id, session_id) WHERE ended <> 0"];

/// Revocations of users by generation, and sessions in the order of their last use.
///
/// Sessions that processes of an earlier version begin have generation 0. They are refused if their
/// user was revoked by a process of this version: rather that than the opposite.
pub(super) const GENERATIONS: Migration = &[
    "ALTER TABLE {sessions} ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {sessions} ADD COLUMN access_until BIGINT",
    "ALTER TABLE {users} ADD COLUMN generation BIGINT NOT NULL DEFAULT 0",
    "ALTER TABLE {users} ADD COLUMN prior_generation BIGINT NOT NULL DEFAULT 0",
    "CREATE TABLE {generation} (
        id BIGINT NOT NULL PRIMARY KEY,
        value BIGINT NOT NULL
    ) {options}",
    // Adopted sessions whose revocation did not see them.
    "UPDATE {sessions} SET ended = 1 WHERE adopted = 1 AND ended = 0 AND EXISTS (
        SELECT 1 FROM {users} u
        WHERE u.user_id = {sessions}.user_id AND u.revoked_at >= {sessions}.created_at)",
    "CREATE INDEX {sessions}_last_used ON {sessions} (user_id, last_used_at, session_id)
        WHERE ended = 0",
];

/// Attempts to log in, by the hashes that name accounts and addresses.
pub(super) const ATTEMPTS: Migration = &[
    "CREATE TABLE {attempts} (
        name {text} NOT NULL,
        level_until BIGINT NOT NULL,
        blocked_until BIGINT NOT NULL,
        keep_until BIGINT NOT NULL,
        last_id {text} NOT NULL,
        PRIMARY KEY (name)
    ) {options}",
    "CREATE INDEX {attempts}_keep_until ON {attempts} (keep_until)",
];

pub(super) const CREATE_MIGRATIONS: &str =
    "CREATE TABLE IF NOT EXISTS {migrations} (version BIGINT NOT NULL PRIMARY KEY)";

pub(super) const VERSION: &str =
    "SELECT COALESCE(max(version), CAST(0 AS BIGINT)) FROM {migrations}";

pub(super) const SET_VERSION: &str = "INSERT INTO {migrations} (version) VALUES ($1)";
