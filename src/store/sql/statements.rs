//! All the SQL there is, with the few places where the dialects differ.
//!
//! Names in braces are filled in when a store is made. Times are seconds since 1970 and flags are 0
//! or 1, both as `BIGINT`, which both engines know.

use sqlx::{AssertSqlSafe, SqlSafeStr, SqlStr};

use super::{
    dialect::Dialect,
    schema::{CREATE_MIGRATIONS, SET_VERSION, VERSION},
    statement::Statement,
};

/// How a session stands: the values of the column `ended`.
pub(super) mod ended {
    pub(in super::super) const LIVE: i64 = 0;
    /// Ended by a revocation or a limit.
    pub(in super::super) const REVOKED: i64 = 1;
    /// Ended by reuse; `current_jti` is then the successor that this spending named.
    pub(in super::super) const REUSED: i64 = 2;
}

/// Writes nothing, but fails where a write would.
const PING: &str = "DELETE FROM {users} WHERE user_id = '' AND revoked_at < 0";

/// The current generation.
const GENERATION: &str = "SELECT {current_generation}";
const CURRENT_GENERATION: &str = "COALESCE((SELECT value FROM {generation} WHERE id = 0), 0)";

/// The lowest generation of live sessions of user $1.
const USER_GENERATION: &str =
    "COALESCE((SELECT u.generation FROM {users} u WHERE u.user_id = $1), 0)";

/// Whether session `s` has ended, by itself or with its user.
const HAS_ENDED: &str = "(s.ended <> {live} OR {is_outdated})";

/// Whether session `s` has ended with its user.
///
/// No session is touched by the revocation of its user. So this needs no lock: a session that began,
/// or was spent, at the same time as the revocation has a generation from before it.
const IS_OUTDATED: &str = "EXISTS (
        SELECT 1 FROM {users} u WHERE u.user_id = s.user_id AND u.generation > s.generation)";

/// Until when session `s` must be remembered if it ends. Processes of an earlier version leave this
/// open.
const ACCESS_UNTIL: &str = "COALESCE(s.access_until, s.keep_until)";

/// Begins session $2 of user $1, with the refresh token $3, at $4; it expires at $5, and is kept
/// until $6, or until $10 if it ends early; its label is $7. The user must not have been revoked
/// with a higher generation than $9.
///
/// A session that exists stays as it is, so this may be repeated.
const BEGIN: &str = "INSERT INTO {sessions} (user_id, session_id, current_jti,
        created_at, last_used_at, expires_at, keep_until, label,
        access_until, generation, adopted, ended)
    SELECT $1, $2, $3, $4, $4, $5, $6, $7, $10, {least}({current_generation}, $9), 0, {live}
    WHERE NOT EXISTS (SELECT 1 FROM {users} u WHERE u.user_id = $1 AND u.generation > $9)
    ON CONFLICT (user_id, session_id) DO NOTHING
    RETURNING CAST(NULL AS TEXT) AS session_id";

/// Whether user $1 was revoked with a higher generation than $2.
const IS_REFUSED: &str =
    "SELECT CAST(CASE WHEN {user_generation} > $2 THEN 1 ELSE 0 END AS BIGINT)";

/// Ends the live sessions of user $1 that were used longest ago, except $8 others beside $2. Returns
/// their ids.
///
/// This looks at a limited number of sessions, those used last first. On the way it also ends those
/// that are not live any more, so that they do not pile up.
const END_SURPLUS: &str = "UPDATE {sessions} AS s SET ended = {revoked},
        keep_until = {greatest}({access_until}, $10)
    WHERE s.user_id = $1 AND s.ended = {live} AND s.session_id {any}
        SELECT n.session_id FROM (
            SELECT r.session_id, r.is_live, sum(r.is_live) OVER (
                ORDER BY r.last_used_at DESC, r.session_id DESC ROWS UNBOUNDED PRECEDING) AS number
            FROM (
                SELECT session_id, last_used_at,
                    CASE WHEN expires_at > $4 AND generation >= {user_generation} THEN 1 ELSE 0 END
                        AS is_live
                FROM {sessions}
                WHERE user_id = $1 AND ended = {live} AND session_id <> $2
                ORDER BY last_used_at DESC, session_id DESC LIMIT $8 + 100) r) n
        WHERE n.is_live = 0 OR n.number > $8 {/any}";
/// SQLite knows no alias here.
const RETURNING_LIVE: &str = "RETURNING CASE
        WHEN expires_at > $4 AND generation >= {user_generation} THEN session_id END
        AS session_id";

/// Spends the refresh token $3 of user $1 and session $2 for $4 at $5. It is repeated if it was
/// spent after $6. The session then expires at $7, and is kept until $8, or until $10 if it ends
/// early.
///
/// Both queries of other tables refer to the row. Otherwise PostgreSQL would run the first one in a
/// step of its own, which takes longer.
const SPEND: &str = "UPDATE {sessions} AS s SET {rules}
    WHERE user_id = $1 AND session_id = $2 AND {spendable} AND NOT ({is_outdated} OR EXISTS (
        SELECT 1 FROM {tokens} t WHERE t.user_id = s.user_id AND t.jti = $3))
    RETURNING current_jti, last_used_at, ended";

/// The same, but begins the session if it is unknown and its user was not revoked at or after $9.
const SPEND_OR_ADOPT: &str = "INSERT INTO {sessions} AS s (user_id, session_id, previous_jti,
        current_jti, last_used_at, expires_at, keep_until, created_at,
        access_until, generation, adopted, ended)
    SELECT $1, $2, $3, $4, $5, $7, $8, $9, $8, {current_generation}, 0, {live}
    WHERE NOT EXISTS (SELECT 1 FROM {tokens} t WHERE t.user_id = $1 AND t.jti = $3)
        AND (NOT EXISTS (SELECT 1 FROM {users} u WHERE u.user_id = $1 AND u.revoked_at >= $9)
            OR EXISTS (SELECT 1 FROM {sessions} k WHERE k.user_id = $1 AND k.session_id = $2))
    ON CONFLICT (user_id, session_id) DO UPDATE SET {rules}
        WHERE {spendable} AND NOT {is_outdated}
    RETURNING current_jti, last_used_at, ended";

/// Whether session `s` has not ended by itself. The same spending may be repeated after its response
/// was lost: this changes nothing, and `current_jti` shows that it was this one.
const SPENDABLE: &str = "(s.ended = {live} OR s.current_jti = $4)";

/// What spending does to session `s`: the rules of `TokenStore::spend`, in their order.
///
/// PostgreSQL evaluates this on the newest version of the row, which is locked by then, even if the
/// row was changed after the statement began (READ COMMITTED: "re-evaluated using the updated
/// version of the row"). So of concurrent spendings each one sees the result of the one before.
///
/// Each column decides for itself, with as few comparisons as possible: PostgreSQL prepares each
/// comparison whenever the statement runs, which takes longer than evaluating it, and a subquery
/// that decides once takes as long as all the rest. If the session ends, only `ended`,
/// `current_jti` and `keep_until` matter afterwards.
const RULES: &str = "
    current_jti = CASE WHEN {again} THEN s.current_jti ELSE $4 END,
    previous_jti = $3,
    last_used_at = CASE WHEN s.current_jti = $3 THEN $5 ELSE s.last_used_at END,
    expires_at = CASE WHEN s.current_jti = $3 THEN $7 ELSE s.expires_at END,
    access_until = CASE WHEN {again} THEN s.access_until
        ELSE {greatest}({access_until}, $10) END,
    keep_until = CASE WHEN {again} OR s.ended <> {live} THEN s.keep_until
        WHEN s.current_jti = $3 OR s.current_jti = $4 THEN {greatest}(s.keep_until, $8)
        ELSE {greatest}({access_until}, $10) END,
    ended = CASE WHEN s.current_jti = $3 OR s.current_jti = $4 OR {again} THEN s.ended
        ELSE {reused} END";

/// Within the grace.
const AGAIN: &str = "(s.previous_jti = $3 AND s.last_used_at > $6)";

/// Counts attempt $2 under the name $1 at $3, unless attempts are blocked. $4 attempts are free, and
/// each is forgotten after $5 seconds. The first block lasts for $6 seconds, and no block lasts beyond
/// $7. $8 is the highest level that is counted up. A first attempt has the level $9 and the block
/// $10, and is kept until $11.
///
/// A repeated attempt finds its own id and changes nothing.
const ATTEMPT: &str = "INSERT INTO {attempts} AS a
        (name, level_until, blocked_until, keep_until, last_id)
    VALUES ($1, $9, $10, $11, $2)
    ON CONFLICT (name) DO UPDATE SET
        level_until = CASE WHEN {uncounted} THEN a.level_until ELSE {level} + $5 END,
        blocked_until = CASE WHEN {uncounted} THEN {least}(a.blocked_until, $7)
            WHEN {level} - $3 <= (CAST($4 AS BIGINT) - 2) * {recovery} THEN 0
            ELSE {least}($7, $3 + $6 * (CAST(1 AS BIGINT) << CAST(
                ({level} - $3 + 2 * {recovery} - 1) / {recovery} - $4 AS INTEGER))) END,
        keep_until = CASE WHEN {uncounted} THEN a.keep_until
            ELSE {greatest}({level} + $5, $7) END,
        last_id = CASE WHEN {uncounted} THEN a.last_id ELSE $2 END
    RETURNING blocked_until, CAST(CASE WHEN last_id = $2 THEN 1 ELSE 0 END AS BIGINT)";
const UNCOUNTED: &str = "(a.last_id = $2 OR a.blocked_until > $3)";
const LEVEL: &str = "{least}({greatest}(a.level_until, $3), $8)";
const RECOVERY: &str = "CAST($5 AS BIGINT)";

/// Takes back attempt $2 under the name $1, which would have been forgotten after $3 seconds.
const TAKE_BACK: &str = "UPDATE {attempts} AS a SET level_until = a.level_until - $3,
        blocked_until = CASE WHEN a.last_id = $2 THEN 0 ELSE a.blocked_until END
    WHERE name = $1";

/// Forgets all attempts under the name $1.
const FORGET_ATTEMPTS: &str = "DELETE FROM {attempts} WHERE name = $1";

/// Revokes token $2 of user $1 until $3.
const REVOKE_TOKEN: &str = "INSERT INTO {tokens} AS t (user_id, jti, keep_until)
    VALUES ($1, $2, $3) ON CONFLICT (user_id, jti)
    DO UPDATE SET keep_until = {greatest}(t.keep_until, excluded.keep_until)";

/// Consumes $2, which is kept until $3, for user $1. A session $4 must be live. Without a session,
/// the user must not have been revoked after $5 or with a higher generation than $6.
const CONSUME: &str = "INSERT INTO {tokens} AS t (user_id, jti, keep_until)
    SELECT $1, $2, $3 WHERE CASE WHEN $4 IS NULL
        THEN NOT EXISTS (SELECT 1 FROM {users} u
            WHERE u.user_id = $1 AND (u.revoked_at > $5 OR u.generation > $6))
        ELSE EXISTS (SELECT 1 FROM {sessions} AS s
            WHERE s.user_id = $1 AND s.session_id = $4 AND NOT {has_ended}) END
    ON CONFLICT (user_id, jti) DO NOTHING RETURNING CAST(1 AS BIGINT)";

/// Ends session $2 of user $1, which is then kept until $3.
const REVOKE_SESSION: &str = "UPDATE {sessions} AS s SET ended = {greatest}(s.ended, {revoked}),
        keep_until = {greatest}($3,
            CASE WHEN s.ended = {live} THEN {access_until} ELSE s.keep_until END)
    WHERE s.user_id = $1 AND s.session_id = $2";

/// Raises the generation. This comes first, so that revocations of users wait for each other here.
const RAISE_GENERATION: &str = "INSERT INTO {generation} AS g (id, value) VALUES (0, 1)
    ON CONFLICT (id) DO UPDATE SET value = g.value + 1 RETURNING value";

/// Marks user $1 as revoked at $2 with the generation in {raised}, until $4.
///
/// What the generation was before is read from the row that is updated, and not by a query, which
/// could see an older version of it.
const MARK_USER: &str = "INSERT INTO {users} AS u
        (user_id, revoked_at, keep_until, generation, prior_generation)
    SELECT $1, $2, $4, r.value, 0 FROM {raised} r WHERE true
    ON CONFLICT (user_id) DO UPDATE SET
        revoked_at = {greatest}(u.revoked_at, excluded.revoked_at),
        keep_until = {greatest}(u.keep_until, excluded.keep_until),
        prior_generation = u.generation,
        generation = {greatest}(u.generation, excluded.generation)
    RETURNING generation, prior_generation";

/// Takes session $3 of user $1 to the new generation in {marked}, if it is live.
const SPARE_SESSION: &str = "UPDATE {sessions} AS s SET generation = m.generation FROM {marked} m
    WHERE s.user_id = $1 AND s.session_id = $3
        AND s.ended = {live} AND s.generation >= m.prior_generation";

/// Whether token $2 of user $1 and session $3, issued at $4, is revoked. $5: it is a refresh token;
/// $6: its session may be unknown.
const IS_REVOKED: &str = "SELECT CAST(CASE
        WHEN EXISTS (SELECT 1 FROM {tokens} t WHERE t.user_id = $1 AND t.jti = $2) THEN 1
        ELSE COALESCE(
            (SELECT CASE WHEN {has_ended} OR ($5 = 1 AND s.current_jti IS DISTINCT FROM $2)
                THEN 1 ELSE 0 END
            FROM {sessions} AS s WHERE s.user_id = $1 AND s.session_id = $3),
            CASE WHEN ($5 = 1 AND $6 = 0) OR EXISTS (
                SELECT 1 FROM {users} u WHERE u.user_id = $1 AND u.revoked_at >= $4)
                THEN 1 ELSE 0 END)
    END AS BIGINT)";

/// The sessions of user $1 that have not ended by themselves, those used last first, after the one
/// that was used at $3 and has the id $4: at most $5. The last column is 1 if the session is live at
/// $2.
const SESSIONS: &str = "SELECT s.session_id, s.created_at, s.last_used_at, s.expires_at, s.label,
        CAST(CASE WHEN s.expires_at > $2 AND s.generation >= {user_generation} THEN 1 ELSE 0 END
            AS BIGINT)
    FROM {sessions} AS s
    WHERE s.user_id = $1 AND s.ended = {live} AND (s.last_used_at, s.session_id) < ($3, $4)
    ORDER BY s.last_used_at DESC, s.session_id DESC LIMIT $5";

/// Labels session $2 of user $1 with $3, if it is live at $4.
const SET_LABEL: &str = "UPDATE {sessions} AS s SET label = $3
    WHERE s.user_id = $1 AND s.session_id = $2 AND s.expires_at > $4 AND NOT {has_ended}
    RETURNING 1";

/// From user $1 and token $2 on, $3 revoked tokens. What else was consumed is left out.
#[cfg(feature = "postgres")]
const LIVE_TOKENS: &str = "SELECT user_id, jti, keep_until FROM {tokens}
    WHERE (user_id, jti) >= ($1, $2) AND left(jti, 2) <> chr(1) || '2' ORDER BY user_id, jti LIMIT $3";

/// From user $1 and session $2 on, $3 sessions that have ended.
#[cfg(feature = "postgres")]
const LIVE_SESSIONS: &str = "SELECT user_id, session_id, keep_until FROM {sessions}
    WHERE ended <> {live} AND (user_id, session_id) >= ($1, $2) ORDER BY user_id, session_id LIMIT $3";

/// From user $1 on, $3 revoked users. $2 is unused.
#[cfg(feature = "postgres")]
const LIVE_USERS: &str = "SELECT user_id, CAST($2 AS text), keep_until, revoked_at FROM {users}
    WHERE user_id >= $1 ORDER BY user_id LIMIT $3";

/// Notifies the listeners of this table, in whichever schema it is, that {entry} is revoked.
/// PostgreSQL delivers notifications when the transaction commits, in the order of commits. A payload
/// has at most 8000 bytes, and a character up to four. A payload that was cut off is not valid JSON.
const NOTIFY: &str = "pg_notify({channel}, left(json_build_array({entry}) #>> '{}', 1999)) IS NULL";
const CHANNEL: &str = "'tower_jwt_auth_' || CAST(CAST('{users}'::regclass AS oid) AS text)";
/// The entries. Each begins with its kind.
const TOKEN_ENTRY: &str = "'token', t.user_id, t.jti, t.keep_until";
const SESSION_ENTRY: &str = "'session', s.user_id, s.session_id, s.keep_until";
const USER_ENTRY: &str = "'user', u.user_id, u.revoked_at, u.keep_until";

/// The statements of one store. Several stand for a transaction, in which they run as long as there
/// are rows.
pub(super) struct Statements {
    pub(super) create_migrations: SqlStr,
    pub(super) version: SqlStr,
    pub(super) migrations: Vec<Vec<SqlStr>>,
    pub(super) ping: Statement,
    pub(super) generation: Statement,
    pub(super) begin: Statement,
    /// Begins a session within a limit.
    pub(super) begin_limited: Vec<Statement>,
    pub(super) is_refused: Statement,
    pub(super) spend: Statement,
    pub(super) spend_or_adopt: Statement,
    pub(super) consume_token: Statement,
    pub(super) consume_other: Statement,
    pub(super) revoke_token: Statement,
    pub(super) revoke_session: Statement,
    pub(super) revoke_user: Vec<Statement>,
    pub(super) is_revoked: Statement,
    pub(super) sessions: Statement,
    pub(super) set_label: Statement,
    pub(super) attempt: Statement,
    pub(super) take_back: Statement,
    pub(super) forget_attempts: Statement,
    pub(super) purge_attempts: Statement,
    pub(super) purge_sessions: Statement,
    pub(super) purge_tokens: Statement,
    pub(super) purge_users: Statement,
    pub(super) postpone_users: Statement,
    #[cfg(feature = "postgres")]
    pub(super) feed: Option<FeedStatements>,
}

/// The statements of a feed, where the engine has one.
#[cfg(feature = "postgres")]
pub(super) struct FeedStatements {
    /// Names the channel of the notices.
    pub(super) channel: Statement,
    pub(super) heartbeat: Statement,
    pub(super) live_tokens: Statement,
    pub(super) live_sessions: Statement,
    pub(super) live_users: Statement,
}

impl Statements {
    /// `prefix` consists of lower-case letters, digits and underscores.
    pub(super) fn new(dialect: &Dialect, prefix: &str) -> Self {
        let fill = |sql: &str| Statement::new(fill(dialect, prefix, sql));
        let raw = |sql: &str| AssertSqlSafe(self::fill(dialect, prefix, sql)).into_sql_str();
        let notifying = |sql: &str, returning: &str, notice: &str| {
            if dialect.notices { format!("{sql} {returning} {notice}") } else { sql.to_owned() }
        };
        let spending = |sql| {
            let notice = format!("CASE WHEN ended = {{reused}} THEN {} END", notice(SESSION_ENTRY));
            fill(&notifying(sql, ",", &notice))
        };
        let returning_live = notifying(RETURNING_LIVE, ",", &notice(SESSION_ENTRY));
        let begin_limited = if dialect.writing_ctes {
            vec![fill(&format!(
                "WITH begun AS ({BEGIN}),
                ended AS ({END_SURPLUS} AND EXISTS (SELECT 1 FROM begun) {returning_live})
                SELECT session_id FROM begun UNION ALL SELECT session_id FROM ended"
            ))]
        } else {
            vec![fill(BEGIN), fill(&format!("{END_SURPLUS} {returning_live}"))]
        };
        let mark_user = notifying(MARK_USER, ",", &notice(USER_ENTRY));
        let revoke_user = if dialect.writing_ctes {
            let (mark, spare) = (
                mark_user.replace("{raised}", "raised"),
                SPARE_SESSION.replace("{marked}", "marked"),
            );
            vec![fill(&format!(
                "WITH raised AS ({RAISE_GENERATION}), marked AS ({mark}),
                spared AS ({spare} RETURNING 1)
                SELECT 1 FROM marked"
            ))]
        } else {
            let mark = mark_user.replace("{raised}", "{generation}");
            let spare = SPARE_SESSION.replace("{marked}", "{users}") + " AND m.user_id = $1";
            vec![fill(RAISE_GENERATION), fill(&mark), fill(&spare)]
        };
        let purge =
            |table, key| fill(&dialect.purge.replace("{table}", table).replace("{key}", key));
        Self {
            create_migrations: raw(CREATE_MIGRATIONS),
            version: raw(VERSION),
            migrations: (1..)
                .zip(dialect.migrations)
                .map(|(number, statements)| {
                    let set_version = SET_VERSION.replace("$1", &i64::to_string(&number));
                    let statements = statements.iter().map(|sql| raw(sql));
                    statements.chain([raw(&set_version)]).collect()
                })
                .collect(),
            ping: fill(PING),
            generation: fill(GENERATION),
            begin: fill(BEGIN),
            begin_limited,
            is_refused: fill(IS_REFUSED),
            spend: spending(SPEND),
            spend_or_adopt: spending(SPEND_OR_ADOPT),
            consume_token: fill(&notifying(CONSUME, ",", &notice(TOKEN_ENTRY))),
            consume_other: fill(CONSUME),
            revoke_token: fill(&notifying(REVOKE_TOKEN, "RETURNING", &notice(TOKEN_ENTRY))),
            revoke_session: fill(&notifying(REVOKE_SESSION, "RETURNING", &notice(SESSION_ENTRY))),
            revoke_user,
            is_revoked: fill(IS_REVOKED),
            sessions: fill(SESSIONS),
            set_label: fill(SET_LABEL),
            attempt: fill(ATTEMPT),
            take_back: fill(TAKE_BACK),
            forget_attempts: fill(FORGET_ATTEMPTS),
            purge_attempts: purge("{attempts}", "name"),
            purge_sessions: purge("{sessions}", "user_id, session_id"),
            purge_tokens: purge("{tokens}", "user_id, jti"),
            purge_users: fill(dialect.purge_users),
            postpone_users: fill(dialect.postpone_users),
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

    /// All statements that read or write the tables, except the migrations.
    pub(super) fn iter(&self) -> impl Iterator<Item = &str> {
        let all = [
            &self.ping,
            &self.generation,
            &self.begin,
            &self.is_refused,
            &self.spend,
            &self.spend_or_adopt,
            &self.consume_token,
            &self.consume_other,
            &self.revoke_token,
            &self.revoke_session,
            &self.is_revoked,
            &self.sessions,
            &self.set_label,
            &self.attempt,
            &self.take_back,
            &self.forget_attempts,
            &self.purge_attempts,
            &self.purge_sessions,
            &self.purge_tokens,
            &self.purge_users,
            &self.postpone_users,
        ];
        let all = all.into_iter().chain(&self.begin_limited).chain(&self.revoke_user);
        #[cfg(feature = "postgres")]
        let all = all.chain(
            self.feed
                .iter()
                .flat_map(|feed| [&feed.live_tokens, &feed.live_sessions, &feed.live_users]),
        );
        all.map(Statement::as_str)
    }
}

fn notice(entry: &str) -> String {
    NOTIFY.replace("{channel}", CHANNEL).replace("{entry}", entry)
}

fn fill(dialect: &Dialect, prefix: &str, sql: &str) -> String {
    let (any, end_any) = dialect.any;
    let mut filled = sql
        .replace("{rules}", RULES)
        .replace("{spendable}", SPENDABLE)
        .replace("{again}", AGAIN)
        .replace("{has_ended}", HAS_ENDED)
        .replace("{is_outdated}", IS_OUTDATED)
        .replace("{access_until}", ACCESS_UNTIL)
        .replace("{current_generation}", CURRENT_GENERATION)
        .replace("{user_generation}", USER_GENERATION)
        .replace("{uncounted}", UNCOUNTED)
        .replace("{level}", LEVEL)
        .replace("{recovery}", RECOVERY)
        .replace("{live}", &ended::LIVE.to_string())
        .replace("{revoked}", &ended::REVOKED.to_string())
        .replace("{reused}", &ended::REUSED.to_string())
        .replace("{any}", any)
        .replace("{/any}", end_any)
        .replace("{text}", dialect.text)
        .replace("{options}", dialect.table)
        .replace("{greatest}", dialect.greatest)
        .replace("{least}", dialect.least)
        .replace("{due}", dialect.due);
    for table in ["sessions", "tokens", "users", "generation", "attempts", "migrations"] {
        filled = filled.replace(&format!("{{{table}}}"), &format!("{prefix}{table}"));
    }
    let words: Vec<_> = filled.split_whitespace().collect();
    words.join(" ")
}
