//! All the SQL there is, with the few places where the dialects differ.
//!
//! Names in braces are filled in when a store is made. Times are seconds since 1970 and flags are 0
//! or 1, both as `BIGINT`, which both engines know.

use std::sync::Arc;

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{
    dialect::Dialect,
    schema::{CREATE_MIGRATIONS, MIGRATIONS, SET_VERSION, VERSION},
};

/// How a session stands: the values of the column `ended`.
pub(super) mod ended {
    pub(in super::super) const LIVE: i64 = 0;
    /// Ended by a revocation or a limit.
    pub(in super::super) const REVOKED: i64 = 1;
    /// Ended by reuse; `current_jti` is then the successor that this spending named.
    pub(in super::super) const REUSED: i64 = 2;
}

/// Writes nothing, but fails where writing would.
const PING: &str = "DELETE FROM {users} WHERE user_id = '' AND revoked_at < 0";

/// Whether session `s` has ended.
const ENDED: &str = "(s.ended <> {live} OR {abandoned})";

/// Whether session `s` was adopted and ended by a revocation of its user that did not see it,
/// because each was made before the other was committed.
const ABANDONED: &str = "(s.adopted = 1 AND EXISTS (
        SELECT 1 FROM {users} u WHERE u.user_id = s.user_id AND u.revoked_at >= s.created_at))";

/// Of user $1 begins session $2 with the refresh token $3 at $4; expires at $5, kept until $6,
/// label $7.
///
/// A session that is there already stays as it is, so this may be repeated.
const BEGIN: &str = "INSERT INTO {sessions} (user_id, session_id, current_jti,
        created_at, last_used_at, expires_at, keep_until, label, adopted, ended)
    VALUES ($1, $2, $3, $4, $4, $5, $6, $7, 0, {live})
    ON CONFLICT (user_id, session_id) DO NOTHING RETURNING 1";

/// Of user $1 ends the live sessions used longest ago, but for the $8 others that remain beside $2.
const END_SURPLUS: &str = "UPDATE {sessions} AS s SET ended = {revoked}
    WHERE user_id = $1 AND session_id IN (
        SELECT s.session_id FROM {sessions} AS s
        WHERE s.user_id = $1 AND s.session_id <> $2 AND s.expires_at > $4 AND NOT {ended}
        ORDER BY s.last_used_at DESC, s.created_at DESC LIMIT 9223372036854775807 OFFSET $8)
    RETURNING session_id";

/// Of user $1 and session $2 spends the refresh token $3 in favour of $4 at $5, again if it was
/// spent after $6; then expires at $7 and is kept until $8.
///
/// Both questions about other tables are asked of the row: apart from it, PostgreSQL would give the
/// first one a step of its own, which takes longer.
const SPEND: &str = "UPDATE {sessions} AS s SET {rules}
    WHERE user_id = $1 AND session_id = $2 AND {spendable} AND NOT ({abandoned} OR EXISTS (
        SELECT 1 FROM {tokens} t WHERE t.user_id = s.user_id AND t.jti = $3))
    RETURNING current_jti, last_used_at, ended";

/// The same, but begins the session if it is unknown and its user was not revoked at $9 or later.
const SPEND_OR_ADOPT: &str = "INSERT INTO {sessions} AS s (user_id, session_id, previous_jti,
        current_jti, last_used_at, expires_at, keep_until, created_at, adopted, ended)
    SELECT $1, $2, $3, $4, $5, $7, $8, $9, 1, {live}
    WHERE NOT EXISTS (SELECT 1 FROM {tokens} t WHERE t.user_id = $1 AND t.jti = $3)
        AND (NOT EXISTS (SELECT 1 FROM {users} u WHERE u.user_id = $1 AND u.revoked_at >= $9)
            OR EXISTS (SELECT 1 FROM {sessions} k WHERE k.user_id = $1 AND k.session_id = $2))
    ON CONFLICT (user_id, session_id) DO UPDATE SET {rules}
        WHERE {spendable} AND NOT {abandoned}
    RETURNING current_jti, last_used_at, ended";

/// Whether session `s` has not ended, but for the same spending once more, after its answer was lost:
/// that changes nothing, and `current_jti` tells that it was this one.
const SPENDABLE: &str = "(s.ended = {live} OR s.current_jti = $4)";

/// What spending does to session `s`: the rules of `TokenStore::spend`, in their order.
///
/// PostgreSQL works this out on the newest version of the row, which it has locked by then, also
/// where the row was changed after the statement began (READ COMMITTED: "re-evaluated using the
/// updated version of the row"). So of concurrent spendings each sees what the one before it did.
///
/// Each column says for itself what becomes of it, in as few words as it can: PostgreSQL prepares
/// each comparison anew whenever the statement runs, which takes longer than running it, and a
/// subquery that decides once and for all takes as long as all the rest. Of a session that ends,
/// only `ended`, `current_jti` and `keep_until` matter afterwards.
const RULES: &str = "
    current_jti = CASE WHEN {again} THEN s.current_jti ELSE $4 END,
    previous_jti = $3,
    last_used_at = CASE WHEN s.current_jti = $3 THEN $5 ELSE s.last_used_at END,
    expires_at = CASE WHEN s.current_jti = $3 THEN $7 ELSE s.expires_at END,
    keep_until = CASE WHEN {again} THEN s.keep_until ELSE {greatest}(s.keep_until, $8) END,
    ended = CASE WHEN s.current_jti = $3 OR s.current_jti = $4 OR {again} THEN s.ended ELSE {reused} END";

/// Within the grace time.
const AGAIN: &str = "(s.previous_jti = $3 AND s.last_used_at > $6)";

/// Of user $1 refuses token $2 until $3.
const REVOKE_TOKEN: &str = "INSERT INTO {tokens} AS t (user_id, jti, keep_until)
    VALUES ($1, $2, $3) ON CONFLICT (user_id, jti)
    DO UPDATE SET keep_until = {greatest}(t.keep_until, excluded.keep_until)";

/// Of user $1 ends session $2, and remembers this until $3.
const REVOKE_SESSION: &str = "INSERT INTO {sessions} AS s (user_id, session_id, current_jti,
        created_at, last_used_at, expires_at, keep_until, adopted, ended)
    VALUES ($1, $2, '', 0, 0, $3, $3, 0, {revoked})
    ON CONFLICT (user_id, session_id) DO UPDATE SET ended = {greatest}(s.ended, {revoked}),
        keep_until = {greatest}(s.keep_until, excluded.keep_until)";

/// Of user $1 refuses what was issued until $2, except session $3, and remembers this until $4.
const REVOKE_USER: &str = "INSERT INTO {users} AS u (user_id, revoked_at, keep_until)
    VALUES ($1, $2, $4) ON CONFLICT (user_id) DO UPDATE SET
        revoked_at = {greatest}(u.revoked_at, excluded.revoked_at),
        keep_until = {greatest}(u.keep_until, excluded.keep_until)
    RETURNING 1";

/// Of user $1 ends all sessions except $3, which from now on counts as begun by a login.
const END_SESSIONS: &str = "UPDATE {sessions} SET
        ended = CASE WHEN session_id = $3 THEN ended ELSE {revoked} END, adopted = 0
    WHERE user_id = $1 AND ended = {live}";

/// Whether token $2 of user $1 and session $3, issued at $4, is revoked. $5: it is a refresh token;
/// $6: its session may be unknown.
const IS_REVOKED: &str = "SELECT CAST(CASE
        WHEN EXISTS (SELECT 1 FROM {tokens} t WHERE t.user_id = $1 AND t.jti = $2) THEN 1
        ELSE COALESCE(
            (SELECT CASE WHEN {ended} OR ($5 = 1 AND s.current_jti IS DISTINCT FROM $2)
                THEN 1 ELSE 0 END
            FROM {sessions} AS s WHERE s.user_id = $1 AND s.session_id = $3),
            CASE WHEN ($5 = 1 AND $6 = 0) OR EXISTS (
                SELECT 1 FROM {users} u WHERE u.user_id = $1 AND u.revoked_at >= $4)
                THEN 1 ELSE 0 END)
    END AS BIGINT)";

/// The sessions of user $1 that are live at $2.
const SESSIONS: &str = "SELECT s.session_id, s.created_at, s.last_used_at, s.expires_at, s.label
    FROM {sessions} AS s WHERE s.user_id = $1 AND s.expires_at > $2 AND NOT {ended}";

/// From user $1 and token $2 on, $3 revoked tokens.
#[cfg(feature = "postgres")]
const LIVE_TOKENS: &str = "SELECT user_id, jti, keep_until FROM {tokens}
    WHERE (user_id, jti) >= ($1, $2) ORDER BY user_id, jti LIMIT $3";

/// From user $1 and session $2 on, $3 sessions that have ended.
#[cfg(feature = "postgres")]
const LIVE_SESSIONS: &str = "SELECT user_id, session_id, keep_until FROM {sessions}
    WHERE ended <> {live} AND (user_id, session_id) >= ($1, $2) ORDER BY user_id, session_id LIMIT $3";

/// From user $1 on, $3 revoked users. $2 is not used, but there.
#[cfg(feature = "postgres")]
const LIVE_USERS: &str = "SELECT user_id, CAST($2 AS text), keep_until, revoked_at FROM {users}
    WHERE user_id >= $1 ORDER BY user_id LIMIT $3";

/// Tells the listeners of this very table, whichever schema it is in, that {entry} is revoked. It
/// happens when the transaction is committed, in the order of the commits. There is room for 8000
/// bytes, and characters have up to four; what is cut off shows by not being readable.
const NOTIFY: &str = "pg_notify({channel}, left(json_build_array({entry}) #>> '{}', 1999)) IS NULL";
const CHANNEL: &str = "'tower_jwt_auth_' || CAST(CAST('{users}'::regclass AS oid) AS text)";
/// The entries, each beginning with what it is.
const TOKEN_ENTRY: &str = "'token', t.user_id, t.jti, t.keep_until";
const SESSION_ENTRY: &str = "'session', s.user_id, s.session_id, s.keep_until";
const USER_ENTRY: &str = "'user', u.user_id, u.revoked_at, u.keep_until";

/// The statements of one store.
pub(super) struct Statements {
    pub(super) create_migrations: SqlStr,
    pub(super) version: SqlStr,
    pub(super) set_version: SqlStr,
    pub(super) migrations: Vec<Vec<SqlStr>>,
    pub(super) ping: SqlStr,
    pub(super) begin: [SqlStr; 2],
    pub(super) spend: SqlStr,
    pub(super) spend_or_adopt: SqlStr,
    pub(super) revoke_token: SqlStr,
    pub(super) revoke_session: SqlStr,
    pub(super) revoke_user: Vec<SqlStr>,
    pub(super) is_revoked: SqlStr,
    pub(super) sessions: SqlStr,
    pub(super) purge: [SqlStr; 3],
    #[cfg(feature = "postgres")]
    pub(super) feed: Option<FeedStatements>,
}

/// The statements of a feed, where the engine has one.
#[cfg(feature = "postgres")]
pub(super) struct FeedStatements {
    /// Names the channel of the notices.
    pub(super) channel: SqlStr,
    pub(super) heartbeat: SqlStr,
    pub(super) live_tokens: SqlStr,
    pub(super) live_sessions: SqlStr,
    pub(super) live_users: SqlStr,
}

impl Statements {
    /// `prefix` was checked to hold nothing but lower-case letters, digits and underscores.
    pub(super) fn new(dialect: &Dialect, prefix: &str) -> Self {
        let fill = |sql: &str| fill(dialect, prefix, sql);
        let telling = |sql: &str, returning: &str, notice: &str| {
            if dialect.notices { format!("{sql} {returning} {notice}") } else { sql.to_owned() }
        };
        let spending = |sql| {
            let notice = format!("CASE WHEN ended = {{reused}} THEN {} END", notice(SESSION_ENTRY));
            fill(&telling(sql, ",", &notice))
        };
        let revoke_user = telling(REVOKE_USER, ",", &notice(USER_ENTRY));
        let purge =
            |table, key| fill(&dialect.purge.replace("{table}", table).replace("{key}", key));
        let revoke_user = if dialect.writing_ctes {
            vec![fill(&format!("WITH revoked AS ({revoke_user}) {END_SESSIONS}"))]
        } else {
            vec![fill(&revoke_user), fill(END_SESSIONS)]
        };
        Self {
            create_migrations: fill(CREATE_MIGRATIONS),
            version: fill(VERSION),
            set_version: fill(SET_VERSION),
            migrations: MIGRATIONS
                .iter()
                .chain(dialect.migrations)
                .map(|statements| statements.iter().map(|sql| fill(sql)).collect())
                .collect(),
            ping: fill(PING),
            begin: [fill(BEGIN), fill(&telling(END_SURPLUS, ",", &notice(SESSION_ENTRY)))],
            spend: spending(SPEND),
            spend_or_adopt: spending(SPEND_OR_ADOPT),
            revoke_token: fill(&telling(REVOKE_TOKEN, "RETURNING", &notice(TOKEN_ENTRY))),
            revoke_session: fill(&telling(REVOKE_SESSION, "RETURNING", &notice(SESSION_ENTRY))),
            revoke_user,
            is_revoked: fill(IS_REVOKED),
            sessions: fill(SESSIONS),
            purge: [
                purge("{sessions}", "user_id, session_id"),
                purge("{tokens}", "user_id, jti"),
                purge("{users}", "user_id"),
            ],
            #[cfg(feature = "postgres")]
            feed: dialect.notices.then(|| FeedStatements {
                channel: fill(&format!("SELECT {CHANNEL}")),
                heartbeat: fill(&format!("SELECT pg_notify({CHANNEL} || $1, $2)::text")),
                live_tokens: fill(LIVE_TOKENS),
                live_sessions: fill(LIVE_SESSIONS),
                live_users: fill(LIVE_USERS),
            }),
        }
    }

    /// All that read or write the tables, but for the migrations.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.ping,
            &self.spend,
            &self.spend_or_adopt,
            &self.revoke_token,
            &self.revoke_session,
        ]
        .into_iter()
        .chain(&self.begin)
        .chain(&self.revoke_user)
        .chain([&self.is_revoked, &self.sessions])
        .chain(&self.purge);
        #[cfg(feature = "postgres")]
        let all = all.chain(
            self.feed
                .iter()
                .flat_map(|feed| [&feed.live_tokens, &feed.live_sessions, &feed.live_users]),
        );
        all.map(SqlStr::as_str)
    }
}

fn notice(entry: &str) -> String {
    NOTIFY.replace("{channel}", CHANNEL).replace("{entry}", entry)
}

fn fill(dialect: &Dialect, prefix: &str, sql: &str) -> SqlStr {
    let mut filled = sql
        .replace("{rules}", RULES)
        .replace("{spendable}", SPENDABLE)
        .replace("{again}", AGAIN)
        .replace("{ended}", ENDED)
        .replace("{abandoned}", ABANDONED);
    for table in ["sessions", "tokens", "users", "migrations"] {
        filled = filled.replace(&format!("{{{table}}}"), &format!("{prefix}{table}"));
    }
    let filled = filled
        .replace("{text}", dialect.text)
        .replace("{options}", dialect.table)
        .replace("{greatest}", dialect.greatest)
        .replace("{live}", &ended::LIVE.to_string())
        .replace("{revoked}", &ended::REVOKED.to_string())
        .replace("{reused}", &ended::REUSED.to_string());
    // The connections find a statement that is prepared by all of its text.
    let filled: Vec<_> = filled.split_whitespace().collect();
    AssertSqlSafe(Arc::<str>::from(filled.join(" "))).into_sql_str()
}
