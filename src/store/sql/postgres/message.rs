//! Calls as single messages of the simple query protocol.
//!
//! A pooler such as PgBouncer may send every message of a client to another server connection, which
//! many clients use. So a message must not depend on the one before it:
//!
//! - Statements are prepared with `PREPARE`, and their names are hashes of their texts. sqlx would
//!   call them `sqlx_s_1`, `sqlx_s_2` and so on in every process, so that one process would run what
//!   another one has prepared.
//! - Settings are made with `SET LOCAL`, for one message. What connections set when they start is
//!   refused or ignored by poolers.
//!
//! The statements of a message are one transaction.

use std::fmt::Write;

use super::super::engine::{Access, Call, Param};
use super::super::statement::Statement;

/// How long the server works on a statement that writes. A call must not take effect after its
/// caller has given up.
const STATEMENT_TIMEOUT_MS: u32 = 900;

/// The message for a call, which prepares those statements that `prepares` returns `true` for. It is
/// called with the statement and its index.
pub(super) fn message(
    call: &Call<'_>,
    mut prepares: impl FnMut(usize, &Statement) -> bool,
) -> String {
    let mut message = String::with_capacity(512);
    // Writing to a string never fails.
    let _ = write_message(&mut message, call, &mut prepares);
    message
}

fn write_message(
    message: &mut String,
    call: &Call<'_>,
    prepares: &mut dyn FnMut(usize, &Statement) -> bool,
) -> std::fmt::Result {
    match call.access {
        // Fails on a standby, which may not know the latest revocations.
        Access::Read => message.push_str("SET TRANSACTION READ WRITE; "),
        Access::Write => {
            if call.lock.is_some() {
                // The lock must be taken before the snapshot, which READ COMMITTED takes for each
                // statement. This must come before any query.
                message.push_str("SET TRANSACTION ISOLATION LEVEL READ COMMITTED; ");
            }
            write!(message, "SET LOCAL statement_timeout = {STATEMENT_TIMEOUT_MS}; ")?;
        }
    }
    for (number, statement) in call.statements.iter().enumerate() {
        if prepares(number, statement) {
            write!(message, "PREPARE {}", statement.name())?;
            for (number, param) in call.params.iter().enumerate() {
                message.push_str(if number == 0 { " (" } else { ", " });
                message.push_str(match param {
                    Param::Text(_) => "text",
                    Param::Int(_) => "bigint",
                });
            }
            message.push_str(if call.params.is_empty() { "" } else { ")" });
            write!(message, " AS {}; ", statement.as_str())?;
        }
    }
    if let Some(lock) = call.lock {
        write!(message, "SELECT pg_advisory_xact_lock({lock}); ")?;
    }
    for (number, statement) in call.statements.iter().enumerate() {
        write!(message, "{}EXECUTE {}", if number == 0 { "" } else { "; " }, statement.name())?;
        for (number, param) in call.params.iter().enumerate() {
            message.push_str(if number == 0 { " (" } else { ", " });
            write_literal(message, param)?;
        }
        message.push_str(if call.params.is_empty() { "" } else { ")" });
    }
    Ok(())
}

fn write_literal(message: &mut String, param: &Param<'_>) -> std::fmt::Result {
    match param {
        Param::Int(int) => write!(message, "{int}"),
        Param::Text(None) => message.write_str("NULL"),
        Param::Text(Some(text)) if text.bytes().all(is_plain) => write!(message, "'{text}'"),
        Param::Text(Some(text)) => {
            // Nothing needs to be quoted in hexadecimal digits.
            message.write_str("pg_catalog.convert_from(pg_catalog.decode('")?;
            for byte in text.bytes() {
                write!(message, "{byte:02x}")?;
            }
            message.write_str("', 'hex'), 'UTF8')")
        }
    }
}

/// Whether a byte has no special meaning in a string literal, whatever the settings of the server.
const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || matches!(byte, b'-' | b'_' | b'.' | b':' | b'@' | b'+' | b'/' | b'=' | b' ' | b',')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message_of(
        access: Access,
        lock: Option<i64>,
        params: &[Param<'_>],
        prepare: bool,
    ) -> String {
        let statements = [Statement::new("SELECT 1")];
        let name = statements[0].name().to_string();
        let call = Call { access, lock, statements: &statements, params };
        message(&call, |_, _| prepare).replace(&name, "name")
    }

    #[test]
    fn quotes_every_value() {
        let texts = ["", "a-B_9", "'", "\\", "é", "'); DROP TABLE users; --", "\0"];
        let params: Vec<_> = texts.iter().map(|text| Param::Text(Some((*text).into()))).collect();
        let message = message_of(Access::Read, None, &params, false);
        let (_, values) = message.split_once('(').unwrap_or_default();
        let hex = "pg_catalog.convert_from(pg_catalog.decode('";
        assert_eq!(
            values.replace(hex, "<").replace("', 'hex'), 'UTF8')", ">"),
            "'', 'a-B_9', <27>, <5c>, <c3a9>, <27293b2044524f50205441424c452075736572733b202d2d>, \
            <00>)"
        );
    }

    #[test]
    fn prepares_and_executes_in_one_message() {
        let params = [Param::Int(-1), Param::Text(None)];
        assert_eq!(
            message_of(Access::Write, Some(5), &params, true),
            "SET TRANSACTION ISOLATION LEVEL READ COMMITTED; SET LOCAL statement_timeout = 900; \
            PREPARE name (bigint, text) AS SELECT 1; SELECT pg_advisory_xact_lock(5); \
            EXECUTE name (-1, NULL)"
        );
        assert_eq!(
            message_of(Access::Read, None, &[], false),
            "SET TRANSACTION READ WRITE; EXECUTE name"
        );
    }
}
