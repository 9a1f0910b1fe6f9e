//! What clients know and do.

use std::{
    cell::{Cell, RefCell},
    collections::HashMap,
};

use proptest::{prelude::*, sample::select};
use tower_jwt_auth::store::Generation;

use crate::support::session::new_id;

use super::event::{ACCESS, Call, Event, Kind, Login, REFRESH, Spending, Token, Use};

const USERS: usize = 2;

/// A step of a history. `pick` selects one of the tokens, sessions or generations known by then.
#[derive(Clone, Debug)]
pub(super) struct Step {
    action: Action,
    pick: usize,
    user: usize,
    /// Seconds that have passed since the step before.
    wait: u64,
}

#[derive(Clone, Copy, Debug)]
enum Action {
    /// Reads the generation and begins a session.
    LogIn {
        limit: Option<usize>,
    },
    /// Reads the generation for a later login.
    BeginLogin,
    /// Begins a session with a generation that was read earlier.
    FinishLogin,
    /// Begins a session without a generation.
    LogInAnyway,
    /// Begins a known session again.
    RepeatLogin,
    Refresh {
        grace: u64,
    },
    /// Receives a refresh token of another system.
    ReceiveForeign,
    /// Receives a token that belongs to no session.
    ReceiveSessionless,
    /// Uses a token that can be used once.
    Use {
        with_session: bool,
        with_generation: bool,
    },
    /// Uses an id that equals the id of a token.
    UseOther,
    Label,
    RevokeToken,
    RevokeSession,
    RevokeUser {
        except: bool,
    },
    Check,
    List,
    Purge,
}

pub(super) fn step() -> impl Strategy<Value = Step> {
    use Action::*;
    let action = select(vec![
        LogIn { limit: None },
        LogIn { limit: None },
        LogIn { limit: Some(1) },
        LogIn { limit: Some(2) },
        LogIn { limit: Some(3) },
        BeginLogin,
        FinishLogin,
        LogInAnyway,
        RepeatLogin,
        Refresh { grace: 0 },
        Refresh { grace: 10 },
        Refresh { grace: 10 },
        Refresh { grace: 20 },
        ReceiveForeign,
        ReceiveSessionless,
        Use { with_session: true, with_generation: false },
        Use { with_session: false, with_generation: false },
        Use { with_session: false, with_generation: true },
        UseOther,
        Label,
        RevokeToken,
        RevokeSession,
        RevokeUser { except: false },
        RevokeUser { except: true },
        Check,
        Check,
        List,
        Purge,
    ]);
    let wait = select(vec![0, 0, 0, 1, 4, 10, 30]);
    (action, any::<prop::sample::Index>(), 0..USERS, wait).prop_map(|(action, pick, user, wait)| {
        Step { action, pick: pick.index(1 << 16), user, wait }
    })
}

/// The clients of one history.
pub(super) struct Client {
    /// Makes ids unique, since histories share a store.
    prefix: String,
    ids: Cell<u64>,
    now: Cell<u64>,
    tokens: RefCell<Vec<Token>>,
    /// Sessions with their users.
    sessions: Vec<Login>,
    reads: RefCell<Vec<u64>>,
    generations: RefCell<HashMap<u64, Generation>>,
}

impl Client {
    pub(super) fn new() -> Self {
        Self {
            prefix: new_id(),
            ids: Cell::new(0),
            now: Cell::new(1_000_000),
            tokens: RefCell::default(),
            sessions: Vec::new(),
            reads: RefCell::default(),
            generations: RefCell::default(),
        }
    }

    pub(super) fn note(&self, id: u64, generation: Generation) {
        self.generations.borrow_mut().insert(id, generation);
    }

    pub(super) fn noted(&self, id: u64) -> Generation {
        self.generations.borrow()[&id]
    }

    fn next(&self) -> u64 {
        self.ids.set(self.ids.get() + 1);
        self.ids.get()
    }

    fn new_id(&self) -> String {
        format!("{}-{}", self.prefix, self.next())
    }

    fn user(&self, index: usize) -> String {
        format!("{}-user-{index}", self.prefix)
    }

    /// The calls of a step; none if the client lacks what the step needs.
    pub(super) fn calls(&self, step: &Step) -> Vec<Call> {
        self.now.set(self.now.get() + step.wait);
        let (now, user) = (self.now.get(), self.user(step.user));
        match step.action {
            Action::LogIn { limit } => {
                let id = self.next();
                vec![Call::Read { id }, self.log_in(user, limit, Some(id))]
            }
            Action::BeginLogin => {
                let id = self.next();
                vec![Call::Read { id }]
            }
            Action::FinishLogin => {
                let read = pick(&self.reads.borrow(), step.pick).copied();
                read.map(|id| self.log_in(user, None, Some(id))).into_iter().collect()
            }
            Action::LogInAnyway => vec![self.log_in(user, None, None)],
            Action::RepeatLogin => {
                // A session that has ended may be forgotten afterwards.
                let login = pick(&self.sessions, step.pick);
                let login = login.filter(|login| now < login.now + ACCESS).cloned();
                login.map(|login| Call::Begin(Login { now, ..login })).into_iter().collect()
            }
            Action::Refresh { grace } => self.refresh(step.pick, grace).into_iter().collect(),
            Action::ReceiveForeign => {
                let token = self.foreign(user, step.pick);
                self.tokens.borrow_mut().push(Token {
                    session: Some(token.jti.clone()),
                    is_refresh: true,
                    adopt: true,
                    ..token
                });
                Vec::new()
            }
            Action::ReceiveSessionless => {
                let token = self.foreign(user, step.pick);
                self.tokens.borrow_mut().push(token);
                Vec::new()
            }
            Action::Use { with_session, with_generation } => {
                let is_suitable = |token: &Token| !token.is_refresh;
                let token = self.valid_token(step.pick, is_suitable);
                let reads = self.reads.borrow();
                let read = pick(&reads, step.pick).copied().filter(|_| with_generation);
                let used = token.map(|token| {
                    let session = token.session.clone().filter(|_| with_session);
                    Use { token: Token { session, ..token }, read, is_other: false, now }
                });
                used.map(Call::Consume).into_iter().collect()
            }
            Action::UseOther => {
                let token = self.valid_token(step.pick, |_| true);
                let used = token.map(|token| Use { token, read: None, is_other: true, now });
                used.map(Call::Consume).into_iter().collect()
            }
            Action::Label => {
                let session = pick(&self.sessions, step.pick).cloned();
                let label = (step.user == 0).then(|| self.new_id());
                let call = |Login { session, user, .. }| Call::Label { session, user, label, now };
                session.map(call).into_iter().collect()
            }
            Action::RevokeToken => {
                let token = self.valid_token(step.pick, |_| true);
                token.map(|token| Call::RevokeToken { token, now }).into_iter().collect()
            }
            Action::RevokeSession => {
                let session = pick(&self.sessions, step.pick).cloned();
                let revoke =
                    |Login { session, user, .. }| Call::RevokeSession { session, user, now };
                session.map(revoke).into_iter().collect()
            }
            Action::RevokeUser { except } => {
                let session = pick(&self.sessions, step.pick).filter(|_| except);
                let user = session.map_or(user, |session| session.user.clone());
                let except = session.map(|session| session.session.clone());
                vec![Call::RevokeUser { id: self.next(), user, except, now }]
            }
            Action::Check => {
                self.valid_token(step.pick, |_| true).map(Call::IsRevoked).into_iter().collect()
            }
            Action::List => vec![Call::Sessions { user, now }],
            Action::Purge => vec![Call::Purge { limit: 1 + step.pick % 10, now }],
        }
    }

    /// The calls of steps that run beside others. Listing is left out: it is not atomic.
    pub(super) fn concurrent_calls(&self, steps: &[Step]) -> Vec<Call> {
        let steps = steps.iter().filter(|step| !matches!(step.action, Action::List));
        steps.flat_map(|step| self.calls(step)).collect()
    }

    /// Steps that observe all that the clients know.
    pub(super) fn observations(&self) -> Vec<Step> {
        let step = |action, pick, user| Step { action, pick, user, wait: 0 };
        let tokens = 0..self.valid_tokens(|_| true).len();
        let checks = tokens.map(|pick| step(Action::Check, pick, 0));
        checks.chain((0..USERS).map(|user| step(Action::List, 0, user))).collect()
    }

    fn log_in(&self, user: String, limit: Option<usize>, read: Option<u64>) -> Call {
        let (session, refresh) = (self.new_id(), self.new_id());
        Call::Begin(Login { session, user, refresh, limit, read, now: self.now.get() })
    }

    fn refresh(&self, pick: usize, grace: u64) -> Option<Call> {
        let token = self.valid_token(pick, |token| token.is_refresh)?;
        Some(Call::Spend(Spending {
            session: token.session?,
            user: token.user,
            refresh: token.jti,
            issued_at: token.issued_at,
            successor: self.new_id(),
            grace,
            adopt: token.adopt,
            now: self.now.get(),
        }))
    }

    fn foreign(&self, user: String, pick: usize) -> Token {
        let issued_at = self.now.get() - pick as u64 % 20;
        Token {
            jti: self.new_id(),
            session: None,
            user,
            issued_at,
            valid_until: issued_at + REFRESH,
            is_refresh: false,
            adopt: false,
        }
    }

    /// The tokens that have not expired. What a store knows of others does not matter.
    fn valid_tokens(&self, is_suitable: impl Fn(&Token) -> bool) -> Vec<Token> {
        let tokens = self.tokens.borrow();
        let valid = tokens.iter().filter(|token| token.valid_until > self.now.get());
        valid.filter(|token| is_suitable(token)).cloned().collect()
    }

    fn valid_token(&self, index: usize, is_suitable: impl Fn(&Token) -> bool) -> Option<Token> {
        pick(&self.valid_tokens(is_suitable), index).cloned()
    }

    /// Takes tokens, sessions and generations from results.
    pub(super) fn learn(&mut self, events: &[Event]) {
        for event in events {
            match &event.kind {
                Kind::Read { id } => self.reads.borrow_mut().push(*id),
                Kind::Begun { login, .. } => {
                    if self.sessions.iter().any(|known| known.session == login.session) {
                        continue;
                    }
                    self.sessions.push(login.clone());
                    let Login { session, user, refresh, now, .. } = login;
                    self.add_tokens(session, user, refresh, *now);
                }
                Kind::Spent { spending, result: Ok(again) } => {
                    let Spending { session, user, successor, now, .. } = spending;
                    let successor = again.as_ref().map_or(successor, |(jti, _)| jti);
                    self.add_tokens(session, user, successor, *now);
                }
                _ => {}
            }
        }
    }

    /// Adds the tokens of a response: the refresh token unless it is known, and an access token.
    fn add_tokens(&self, session: &str, user: &str, refresh: &str, now: u64) {
        let access = Token {
            jti: self.new_id(),
            session: Some(session.to_owned()),
            user: user.to_owned(),
            issued_at: now,
            valid_until: now + ACCESS,
            is_refresh: false,
            adopt: false,
        };
        let mut tokens = self.tokens.borrow_mut();
        if !tokens.iter().any(|token| token.jti == *refresh) {
            let jti = refresh.to_owned();
            tokens.push(Token {
                jti,
                valid_until: now + REFRESH,
                is_refresh: true,
                ..access.clone()
            });
        }
        tokens.push(access);
    }
}

fn pick<T>(list: &[T], index: usize) -> Option<&T> {
    // Late entries come first, since most of them are of interest.
    list.len().checked_sub(1).map(|last| &list[last - index % list.len()])
}
