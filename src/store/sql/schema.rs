//! The tables, and how they came to be.

/// Each migration of all engines as its statements. One that was published is never changed, and a later one must
/// leave the tables usable by copies of the program that do not know it.
pub(super) const MIGRATIONS: &[&[&str]] = &[&[
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
]];

pub(super) const CREATE_MIGRATIONS: &str =
    "CREATE TABLE IF NOT EXISTS {migrations} (version BIGINT NOT NULL PRIMARY KEY)";

pub(super) const VERSION: &str =
    "SELECT COALESCE(max(version), CAST(0 AS BIGINT)) FROM {migrations}";

pub(super) const SET_VERSION: &str = "INSERT INTO {migrations} (version) VALUES ($1)";
