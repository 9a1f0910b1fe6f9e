//! What a store must know, as one simple state.

use std::collections::{BTreeMap, BTreeSet};

use super::event::{Kind, Listed, Login, REFRESH, Spending, Token, Unspent, Use};

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Model {
    /// How many users were revoked.
    generation: u64,
    /// The generations that logins have read and that revocations have raised.
    noted: BTreeMap<u64, u64>,
    sessions: BTreeMap<String, Session>,
    users: BTreeMap<String, User>,
    revoked_tokens: BTreeSet<String>,
    used_others: BTreeSet<String>,
}

/// The revocation of a user.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct User {
    revoked_at: Option<u64>,
    generation: u64,
}

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Session {
    user: String,
    created_at: u64,
    last_used_at: u64,
    expires_at: u64,
    current: String,
    previous: Option<(String, u64)>,
    /// The session has ended if its user was revoked with a higher generation.
    generation: u64,
    is_ended: bool,
    label: Option<String>,
}

impl Model {
    /// The states in which the store may be after `event`; none if its result is wrong.
    pub(super) fn after(&self, event: &Kind) -> Vec<Self> {
        let mut next = self.clone();
        let is_possible = match event {
            Kind::Read { id } => {
                next.noted.insert(*id, self.generation);
                true
            }
            Kind::Begun { login, ended } => return self.begin(login, ended),
            Kind::Refused(login) => self.refuses(login),
            Kind::Spent { spending, result } => next.spend(spending) == *result,
            Kind::Consumed { used, is_first } => next.consume(used) == *is_first,
            Kind::Labelled { session, user, label, now, is_live } => {
                next.label(session, user, label.as_ref(), *now) == *is_live
            }
            Kind::TokenRevoked { jti } => {
                next.revoked_tokens.insert(jti.clone());
                true
            }
            Kind::SessionRevoked { session } => {
                if let Some(session) = next.sessions.get_mut(session) {
                    session.is_ended = true;
                }
                true
            }
            Kind::GenerationRaised { id } => {
                next.generation += 1;
                next.noted.insert(*id, next.generation);
                true
            }
            Kind::UserRevoked { id, user, except, now } => match self.noted.get(id) {
                Some(generation) => {
                    next.revoke(*generation, user, except.as_deref(), *now);
                    true
                }
                // The generation is raised first.
                None => false,
            },
            Kind::IsRevoked { token, result } => self.revokes(token) == *result,
            Kind::Listed { user, now, sessions } => self.list(user, *now) == *sessions,
            Kind::Purged => true,
        };
        if is_possible { vec![next] } else { Vec::new() }
    }

    fn user(&self, user: &str) -> User {
        self.users.get(user).cloned().unwrap_or_default()
    }

    fn has_ended(&self, session: &Session) -> bool {
        session.is_ended || session.generation < self.user(&session.user).generation
    }

    fn is_live(&self, session: &Session, now: u64) -> bool {
        !self.has_ended(session) && session.expires_at > now
    }

    fn refuses(&self, login: &Login) -> bool {
        login.read.is_some_and(|id| self.noted[&id] < self.user(&login.user).generation)
    }

    fn begin(&self, login: &Login, ended: &BTreeSet<String>) -> Vec<Self> {
        if self.refuses(login) {
            return Vec::new();
        }
        if self.sessions.contains_key(&login.session) {
            return if ended.is_empty() { vec![self.clone()] } else { Vec::new() };
        }
        if !self.is_surplus(ended, login) {
            return Vec::new();
        }
        let mut next = self.clone();
        for id in ended {
            next.sessions.get_mut(id).expect("is live").is_ended = true;
        }
        // While the user is being revoked, a new session may survive or not.
        let generations = BTreeSet::from([self.user(&login.user).generation, self.generation]);
        let begun = generations.into_iter().map(|generation| {
            let mut next = next.clone();
            let session = Session {
                user: login.user.clone(),
                created_at: login.now,
                last_used_at: login.now,
                expires_at: login.now + REFRESH,
                current: login.refresh.clone(),
                previous: None,
                generation,
                is_ended: false,
                label: None,
            };
            next.sessions.insert(login.session.clone(), session);
            next
        });
        begun.collect()
    }

    /// Whether a login may end exactly the sessions `ended`.
    fn is_surplus(&self, ended: &BTreeSet<String>, login: &Login) -> bool {
        let sessions = self.sessions.iter().filter(|(_, session)| session.user == login.user);
        let live = sessions.filter(|(_, session)| self.is_live(session, login.now));
        let (gone, kept): (Vec<_>, Vec<_>) = live.partition(|(id, _)| ended.contains(*id));
        let others = gone.len() + kept.len();
        let surplus = login.limit.map_or(0, |limit| (others + 1).saturating_sub(limit));
        let last_used_at = |(_, session): &(_, &Session)| session.last_used_at;
        let newest_gone = gone.iter().map(last_used_at).max();
        let oldest_kept = kept.iter().map(last_used_at).min().unwrap_or(u64::MAX);
        ended.len() == surplus && gone.len() == surplus && newest_gone <= Some(oldest_kept)
    }

    fn spend(&mut self, spend: &Spending) -> Result<Option<(String, u64)>, Unspent> {
        if self.revoked_tokens.contains(&spend.refresh) {
            return Err(Unspent::Revoked);
        }
        if !self.sessions.contains_key(&spend.session) {
            if !spend.adopt || self.user(&spend.user).revoked_at >= Some(spend.issued_at) {
                return Err(Unspent::Revoked);
            }
            let adopted = Session {
                user: spend.user.clone(),
                created_at: spend.issued_at,
                last_used_at: spend.issued_at,
                expires_at: spend.now + REFRESH,
                current: spend.refresh.clone(),
                previous: None,
                generation: self.generation,
                is_ended: false,
                label: None,
            };
            self.sessions.insert(spend.session.clone(), adopted);
        }
        let has_ended = self.has_ended(&self.sessions[&spend.session]);
        let session = self.sessions.get_mut(&spend.session).expect("is known");
        if has_ended {
            return Err(Unspent::Revoked);
        }
        if session.current == spend.refresh {
            session.current = spend.successor.clone();
            session.previous = Some((spend.refresh.clone(), spend.now));
            session.last_used_at = spend.now;
            session.expires_at = spend.now + REFRESH;
            return Ok(None);
        }
        match &session.previous {
            Some((jti, at))
                if *jti == spend.refresh && spend.now.saturating_sub(*at) < spend.grace =>
            {
                Ok(Some((session.current.clone(), *at)))
            }
            _ => {
                session.is_ended = true;
                Err(Unspent::Reused)
            }
        }
    }

    /// Whether this is the only use.
    fn consume(&mut self, used: &Use) -> bool {
        let Use { token, read, is_other, .. } = used;
        if *is_other {
            return self.used_others.insert(token.jti.clone());
        }
        let user = self.user(&token.user);
        let is_usable = match (&token.session, read) {
            (Some(id), _) => self.sessions.get(id).is_some_and(|session| !self.has_ended(session)),
            (None, Some(id)) => {
                self.noted[id] >= user.generation && user.revoked_at <= Some(token.issued_at)
            }
            (None, None) => user.revoked_at < Some(token.issued_at),
        };
        is_usable && self.revoked_tokens.insert(token.jti.clone())
    }

    /// Labels a session if it is live, and returns whether it is.
    fn label(&mut self, id: &str, user: &str, label: Option<&String>, now: u64) -> bool {
        let live = self.sessions.get(id).filter(|session| session.user == user);
        let Some(session) = live.filter(|session| self.is_live(session, now)).cloned() else {
            return false;
        };
        self.sessions.insert(id.to_owned(), Session { label: label.cloned(), ..session });
        true
    }

    fn revoke(&mut self, generation: u64, user: &str, except: Option<&str>, now: u64) {
        if let Some(id) = except
            && let Some(session) = self.sessions.get(id)
            && session.user == user
            && !self.has_ended(session)
        {
            let session = self.sessions.get_mut(id).expect("is known");
            session.generation = session.generation.max(generation);
        }
        let user = self.users.entry(user.to_owned()).or_default();
        user.revoked_at = user.revoked_at.max(Some(now));
        user.generation = user.generation.max(generation);
    }

    fn revokes(&self, token: &Token) -> bool {
        if self.revoked_tokens.contains(&token.jti) {
            return true;
        }
        let session = token.session.as_ref().and_then(|id| self.sessions.get(id));
        match session {
            Some(session) => {
                self.has_ended(session) || (token.is_refresh && session.current != token.jti)
            }
            None => {
                (token.is_refresh && !token.adopt)
                    || self.user(&token.user).revoked_at >= Some(token.issued_at)
            }
        }
    }

    fn list(&self, user: &str, now: u64) -> BTreeSet<Listed> {
        let live = self.sessions.iter().filter(|(_, session)| session.user == user);
        let live = live.filter(|(_, session)| self.is_live(session, now));
        let listed = live.map(|(id, session)| {
            let Session { created_at, last_used_at, expires_at, label, .. } = session.clone();
            (id.clone(), created_at, last_used_at, expires_at, label)
        });
        listed.collect()
    }
}
