//! What a request did to the database.

use std::collections::HashMap;

use super::{
    answer::Seen,
    database::{Blacklisted, Outstanding, Rows, Time, User},
    deviations::{FLUSH, NO_TOKEN, WHOLE_SECONDS},
    minting::now,
};

/// The rows that are new or not as they were, with all that must differ replaced by what it means.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Effect {
    outstanding: Vec<OutstandingRow>,
    blacklisted: Vec<String>,
    users: Vec<String>,
    deleted: usize,
    /// Whether a moment is told more exactly than to the second.
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
    /// By how much it is kept longer than the token is good.
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

    /// Makes equal what may differ in any row; tells which deviations that were.
    pub(super) fn excuse(&mut self, of_django: &Self, slides: bool) -> Vec<&'static str> {
        let mut deviations = Vec::new();
        if of_django.has_fractions && !self.has_fractions {
            self.has_fractions = true;
            deviations.push(WHOLE_SECONDS);
        }
        if slides && of_django.outstanding.is_empty() && !self.outstanding.is_empty() {
            // The stored expiry follows the token, of which there may be no row yet.
            self.outstanding.retain(|row| row.margin != Some(row.leeway));
            deviations.push(FLUSH);
        }
        // A row of Django's is made to last as long as one of ours.
        let is_lengthened =
            |row: &OutstandingRow| row.leeway > 0 && !row.is_new && row.margin == Some(row.leeway);
        if !of_django.outstanding.iter().any(|row| !row.is_new)
            && self.outstanding.iter().any(is_lengthened)
        {
            self.outstanding.retain(|row| !is_lengthened(row));
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
            // A row that was changed says nothing about which token was meant.
            id: if is_new { seen.id(jti, None) } else { "known".to_owned() },
            user: user_id.map(|id| seen.user(&id.to_string())),
            created_at: stored(created_at, seen, now()),
            expires_at: match expiry {
                Some(_) => form_of(&expires_at.0),
                None => stored(expires_at, seen, now()),
            },
            holds_token: token.starts_with("eyJ"),
            margin: expiry.map(|expiry| expires_at.1 - expiry),
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
        // Algorithm, iterations, and how long salt and hash are.
        let lens: Vec<_> = parts.iter().skip(2).map(|part| part.len()).collect();
        changes += &format!(" password {:?} {lens:?}", &parts[..parts.len().min(2)]);
    }
    if old.map(|old| &old.is_active) != Some(&user.is_active) {
        changes += &format!(" is_active {}", user.is_active);
    }
    changes
}

/// A moment, and the form in which it is stored.
fn stored(time: &Time, seen: &Seen, base: i64) -> String {
    format!("{} as {}", seen.moment(time.1, base), form_of(&time.0))
}

fn is_fraction(time: &Time) -> bool {
    time.0.contains('.')
}

/// With `9` for any digit; a fraction of a second is left out where it is none.
fn form_of(text: &str) -> String {
    let form: String =
        text.chars().map(|char| if char.is_ascii_digit() { '9' } else { char }).collect();
    match form.split_once('.') {
        // PostgreSQL leaves out the zeros at its end.
        Some((whole, rest)) => format!("{whole}{}", rest.trim_start_matches('9')),
        None => form,
    }
}
