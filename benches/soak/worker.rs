//! Clients.

use std::{
    hash::{BuildHasher, Hasher, RandomState},
    io, thread,
    time::{Duration, Instant},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use super::{
    client::{Client, Reply},
    copy::Copies,
    model::{ACCESS_LIFETIME, BOUND, Count, Ended, GRACE, Model, Session},
};

/// The age at which a client replaces its access token.
const REFRESH_AFTER: Duration = Duration::from_secs(20);
/// The pause of a client whose request failed.
const RETRY_AFTER: Duration = Duration::from_millis(200);
const ME: &str = "GET /api/me";
const REFRESH: &str = "POST /api/token/refresh/";

/// A random number below `limit`.
fn random(limit: u64) -> u64 {
    RandomState::new().build_hasher().finish() % limit
}

fn any_copy() -> usize {
    usize::from(random(2) == 1)
}

/// One client of `user`, with three tabs.
struct Worker<'a> {
    user: &'static str,
    tabs: [Client<'a>; 3],
    model: &'a Model,
}

/// Acts as one client of `user` until the model is stopped.
pub(super) fn run(user: &'static str, copies: &Copies, model: &Model) {
    let tabs = [(); 3].map(|()| Client::new(copies));
    let mut worker = Worker { user, tabs, model };
    let mut session = None;
    while !model.is_stopped() {
        session = match session {
            None => worker.log_in(),
            Some(session) => worker.use_session(session),
        };
        thread::sleep(Duration::from_millis(5 + random(20)));
    }
    if let Some(session) = session {
        model.survive(session);
    }
}

impl Worker<'_> {
    /// Sends a request to any copy. `None` if there is no response or the store is unavailable.
    fn send(&mut self, line: &str, access: Option<&str>, body: Option<&Value>) -> Option<Reply> {
        let reply = self.tabs[0].send(any_copy(), line, access, body);
        let reply = self.decided(line, reply);
        if reply.is_none() {
            thread::sleep(RETRY_AFTER);
        }
        reply
    }

    fn decided(&self, line: &str, reply: io::Result<Reply>) -> Option<Reply> {
        match reply {
            Ok(reply) if matches!(reply.status, 200 | 401) => return Some(reply),
            Ok(Reply { status: 503, .. }) => self.model.count(Count::Unavailable),
            Ok(Reply { status, .. }) => self.model.violation(format!("{line}: {status}")),
            Err(_) => self.model.count(Count::NoResponse),
        }
        None
    }

    fn log_in(&mut self) -> Option<Session> {
        let user = self.user;
        let body = json!({ "username": user, "password": format!("{user}-password") });
        let sent = Instant::now();
        let reply = self.send("POST /api/token/", None, Some(&body))?;
        let Some((access, refresh)) = tokens(&reply) else {
            self.model.violation("a login was rejected");
            return None;
        };
        self.model.count(Count::Login);
        let login = (sent, Instant::now());
        Some(Session { user, access, refresh, access_since: sent, login, unanswered: None })
    }

    /// Does something with a session. Returns it unless it has ended.
    fn use_session(&mut self, session: Session) -> Option<Session> {
        if session.access_since.elapsed() > REFRESH_AFTER || session.unanswered.is_some() {
            return self.refresh(session);
        }
        match random(5_000) {
            0 => self.log_out_everywhere(session),
            1..=50 => self.log_out(session),
            51..=400 => self.refresh(session),
            _ => self.request(session),
        }
    }

    /// Calls a protected route.
    fn request(&mut self, session: Session) -> Option<Session> {
        let sent = Instant::now();
        let Some(reply) = self.send(ME, Some(&session.access), None) else {
            return Some(session);
        };
        if reply.status == 401 {
            return self.lose(session, "an access token was rejected");
        }
        self.model.record(sent.elapsed());
        self.model.count(Count::Protected);
        if self.model.must_be_rejected(&session, sent) {
            self.model.violation("an access token was accepted after a logout everywhere");
        }
        Some(session)
    }

    /// Refreshes, in a third of the cases in all tabs at once.
    fn refresh(&mut self, mut session: Session) -> Option<Session> {
        let body = json!({ "refresh": session.refresh });
        let sent = Instant::now();
        let replies: Vec<_> = if random(3) == 0 {
            thread::scope(|scope| {
                let tabs = self
                    .tabs
                    .iter_mut()
                    .map(|tab| scope.spawn(|| tab.send(any_copy(), REFRESH, None, Some(&body))));
                let tabs: Vec<_> = tabs.collect();
                tabs.into_iter().map(|tab| tab.join().expect("no panic")).collect()
            })
        } else {
            vec![self.tabs[0].send(any_copy(), REFRESH, None, Some(&body))]
        };
        let replies: Vec<_> =
            replies.into_iter().filter_map(|reply| self.decided(REFRESH, reply)).collect();
        let successors: Vec<_> = replies.iter().filter_map(tokens).collect();

        if replies.is_empty() {
            session.unanswered.get_or_insert(sent);
            thread::sleep(RETRY_AFTER);
            return Some(session);
        }
        if successors.len() < replies.len() {
            if session.unanswered.is_some_and(|since| since.elapsed() + BOUND > GRACE) {
                self.model.count(Count::LostInFlight);
                self.model.end(session);
                return None;
            }
            return self.lose(session, "a refresh token was rejected");
        }
        if self.model.must_be_rejected(&session, sent) {
            self.model.violation("a refresh token was accepted after a logout everywhere");
        }
        self.model.count(Count::Refresh);
        let ids: Vec<_> = successors.iter().map(|(_, refresh)| token_id(refresh)).collect();
        if ids.iter().any(|id| *id != ids[0]) {
            self.model.violation("two successors of one refresh token");
        } else if ids.len() > 1 {
            self.model.count(Count::SameSuccessor);
        }
        let (access, refresh) = successors.into_iter().next()?;
        Some(Session { access, refresh, access_since: sent, unanswered: None, ..session })
    }

    fn log_out(&mut self, session: Session) -> Option<Session> {
        let body = json!({ "refresh": session.refresh });
        // A client repeats it until it knows that the session has ended.
        while self.send("POST /api/token/blacklist/", None, Some(&body)).is_none() {
            if self.model.is_stopped() {
                return None;
            }
        }
        self.model.count(Count::Logout);
        self.model.end(session);
        None
    }

    fn log_out_everywhere(&mut self, session: Session) -> Option<Session> {
        let number = self.model.begin_logout_all(self.user);
        loop {
            let sent = Instant::now();
            match self.send("POST /api/logout-all", Some(&session.access), None) {
                Some(reply) => {
                    let sent = (reply.status == 200).then_some(sent);
                    self.model.end_logout_all(number, sent);
                    self.model.count(Count::LogoutEverywhere);
                    self.model.end(session);
                    return None;
                }
                // The access token has expired, or will soon.
                None if session.access_since.elapsed() + BOUND > ACCESS_LIFETIME => {
                    self.model.end_logout_all(number, None);
                    return Some(session);
                }
                None => {}
            }
        }
    }

    /// Ends a session that a copy has rejected, which needs a reason.
    fn lose(&self, session: Session, what: &str) -> Option<Session> {
        if !self.model.may_be_ended(&session) {
            self.model.violation(format!("{what}, of a session that has not ended"));
        }
        self.model.end(session);
        None
    }
}

/// Sends tokens of ended sessions until the model is stopped.
pub(super) fn try_ended_tokens(copies: &Copies, model: &Model) {
    let mut client = Client::new(copies);
    while !model.is_stopped() {
        thread::sleep(Duration::from_millis(10));
        if let Some(ended) = model.ended(random(u64::MAX) as usize) {
            expect_rejection(&mut client, any_copy(), &ended, model);
        }
    }
}

fn expect_rejection(client: &mut Client<'_>, copy: usize, ended: &Ended, model: &Model) {
    let body = json!({ "refresh": ended.refresh });
    let mut requests = vec![(REFRESH, None, Some(&body))];
    if Instant::now() < ended.access_until {
        requests.push((ME, Some(&*ended.access), None));
    }
    for (line, access, body) in requests {
        match client.send(copy, line, access, body) {
            Ok(Reply { status: 401, .. }) => model.count(Count::EndedTried),
            Ok(Reply { status: 503, .. }) => model.count(Count::Unavailable),
            Ok(Reply { status, .. }) => {
                model.violation(format!("{line}: {status} for an ended session"));
            }
            Err(_) => model.count(Count::NoResponse),
        }
    }
}

/// After all faults: every session that has not ended works, and every one that has does not.
pub(super) fn check_all(copies: &Copies, model: &Model) {
    let mut client = Client::new(copies);
    for session in model.take_survivors() {
        let body = json!({ "refresh": session.refresh });
        match client.send(any_copy(), REFRESH, None, Some(&body)) {
            Ok(Reply { status: 200, .. }) => model.count(Count::Refresh),
            _ if model.may_be_ended(&session) => {}
            _ => model.violation("a session was lost by the end"),
        }
    }
    thread::sleep(BOUND);
    for ended in model.all_ended() {
        for copy in 0..copies.all().len() {
            expect_rejection(&mut client, copy, &ended, model);
        }
    }
}

/// The access and the refresh token of a response.
fn tokens(reply: &Reply) -> Option<(String, String)> {
    let token = |name| Some(reply.body.get(name)?.as_str()?.to_owned());
    token("access").zip(token("refresh"))
}

/// The `jti` of a token.
fn token_id(token: &str) -> Option<Value> {
    let payload = BASE64_URL_SAFE_NO_PAD.decode(token.split('.').nth(1)?).ok()?;
    let payload: Value = serde_json::from_slice(&payload).ok()?;
    payload.get("jti").cloned()
}
