//! The effect of a request on the database.

use std::collections::HashMap;

use super::{
    database::{Blacklisted, Outstanding, Rows, Time, User},
    deviations::{FLUSH, NO_TOKEN, RECORDED, WHOLE_SECONDS},
    minting::now,
    response::Seen,
};

/// The end of the year 9999, which no leeway exceeds.
const LATEST: i64 = 253_402_300_799;

/// The new and changed rows, with a description in place of everything that differs between two runs.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Effect {
    outstanding: Vec<OutstandingRow>,
    blacklisted: Vec<String>,
    users: Vec<String>,
    deleted: usize,
    /// Whether a time has a fraction of a second.
    has_fractions: bool,
}

#[derive(Debug, PartialEq)]
struct OutstandingRow {
    is_new: bool,
    id: String,
    user: Option<String>,
    created_at: String,
    expires_at: String,
    holds_token: bool,
    /// The time between the expiry of the token and of the row, in seconds.
    margin: Option<i64>,
    leeway: i64,
}

impl Effect {
    pub(super) fn between(before: &Rows, after: &Rows, seen: &mut Seen) -> Self {
        let mut effect = Self::default();
        let known: HashMap<i64, &Outstanding> =
            before.outstanding.iter().map(|row| (row.id, row)).collect();
        for row in &after.outstanding {
            let old = known.get(&row.id).copied();
            if old != Some(row) {
                effect.has_fractions |= old.is_none() && is_fraction(&row.created_at);
                effect.outstanding.push(OutstandingRow::new(row, old.is_none(), seen));
            }
        }
        let known: HashMap<&str, &Blacklisted> =
            before.blacklisted.iter().map(|row| (&*row.jti, row)).collect();
        for row in &after.blacklisted {
            let old = known.get(&*row.jti).copied();
            if old != Some(row) {
                effect.has_fractions |= is_fraction(&row.blacklisted_at);
                let (id, at) = (seen.id(&row.jti, None), stored(&row.blacklisted_at, seen, now()));
                effect.blacklisted.push(format!("{id}, at {at}"));
            }
        }
        for user in &after.users {
            let old = before.users.iter().find(|old| old.id == user.id);
            if old != Some(user) {
                let login = user.last_login.as_ref();
                let is_new = old.is_none_or(|old| old.last_login.as_ref() != login);
                effect.has_fractions |= is_new && login.is_some_and(is_fraction);
                effect.users.push(changes_of(user, old, seen));
            }
        }
        let gone = |before: usize, after: usize| before.saturating_sub(after);
        effect.deleted = gone(before.outstanding.len(), after.outstanding.len())
            + gone(before.blacklisted.len(), after.blacklisted.len())
            + gone(before.users.len(), after.users.len());
        effect
    }

    /// Removes the deviations that any row may have, and returns them.
    pub(super) fn excuse(&mut self, of_django: &Self, slides: bool) -> Vec<&'static str> {
        let mut deviations = Vec::new();
        if of_django.has_fractions && !self.has_fractions {
            self.has_fractions = true;
            deviations.push(WHOLE_SECONDS);
        }
        if slides && of_django.outstanding.is_empty() && !self.outstanding.is_empty() {
            let is_new = self.outstanding.iter().any(|row| row.is_new);
            self.outstanding.retain(|row| row.margin != Some(row.leeway));
            deviations.push(if is_new { RECORDED } else { FLUSH });
        }
        // A row from Django gets the expiry of one of ours.
        let is_extended =
            |row: &OutstandingRow| row.leeway > 0 && !row.is_new && row.margin == Some(row.leeway);
        if !of_django.outstanding.iter().any(|row| !row.is_new)
            && self.outstanding.iter().any(is_extended)
        {
            self.outstanding.retain(|row| !is_extended(row));
            deviations.push(FLUSH);
        }
        for (ours, django) in self.outstanding.iter_mut().zip(&of_django.outstanding) {
            if django.holds_token && !ours.holds_token {
                ours.holds_token = true;
                deviations.push(NO_TOKEN);
            }
            if ours.leeway > 0 && ours.margin == Some(ours.leeway) && django.margin == Some(0) {
                ours.margin = Some(0);
                deviations.push(FLUSH);
            }
        }
        deviations
    }
}

impl OutstandingRow {
    fn new(row: &Outstanding, is_new: bool, seen: &mut Seen) -> Self {
        let Outstanding { jti, user_id, token, created_at, expires_at, .. } = row;
        let expiry = seen.expiry(jti);
        Self {
            is_new,
            // The id of a changed row is not described.
            id: if is_new { seen.id(jti, None) } else { "known".to_owned() },
            user: user_id.map(|id| seen.user(&id.to_string())),
            created_at: stored(created_at, seen, now()),
            expires_at: match expiry {
                Some(_) => form_of(&expires_at.0),
                None => stored(expires_at, seen, now()),
            },
            holds_token: token.starts_with("eyJ"),
            margin: expiry.map(|expiry| match expires_at.1 {
                LATEST => seen.leeway,
                time => time - expiry,
            }),
            leeway: seen.leeway,
        }
    }
}

fn changes_of(user: &User, old: Option<&User>, seen: &Seen) -> String {
    let mut changes = format!("{}:", seen.user(&user.id.to_string()));
    if old.map(|old| &old.last_login) != Some(&user.last_login) {
        let at = user.last_login.as_ref().map(|at| stored(at, seen, now()));
        changes += &format!(" last_login {at:?}");
    }
    if old.map(|old| &old.password) != Some(&user.password) {
        let parts: Vec<_> = user.password.split('$').collect();
        // Algorithm, iterations, and the lengths of salt and hash.
        let lens: Vec<_> = parts.iter().skip(2).map(|part| part.len()).collect();
        changes += &format!(" password {:?} {lens:?}", &parts[..parts.len().min(2)]);
    }
    if old.map(|old| &old.is_active) != Some(&user.is_active) {
        changes += &format!(" is_active {}", user.is_active);
    }
    changes
}

/// Describes a time and the form in which it is stored.
fn stored(time: &Time, seen: &Seen, base: i64) -> String {
    format!("{} as {}", seen.moment(time.1, base), form_of(&time.0))
}

fn is_fraction(time: &Time) -> bool {
    time.0.contains('.')
}

/// The time with `9` for every digit, and without the digits of a fraction.
fn form_of(text: &str) -> String {
    let form: String =
        text.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect();
    match form.split_once('.') {
        // PostgreSQL omits trailing zeros.
        Some((whole, rest)) => format!("{whole}{}", rest.trim_start_matches('9')),
        None => form,
    }
}
