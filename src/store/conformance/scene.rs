//! Helpers for the rules: ids, times, and a login at a store.

use std::{collections::BTreeMap, time::Duration};

use aws_lc_rs::rand;

use crate::{
    clock::NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, Session, Spend, Spent,
        TokenRef, TokenStore,
    },
    token::UserId,
};

/// 2100-01-01. It is in the future, so a database that expires entries by itself keeps them.
const START: NumericDate = NumericDate::from_secs(4_102_444_800);

/// The lifetime of refresh tokens in tests.
pub(super) const DAY: u64 = 86_400;

/// The time until which the entries of a test are kept. The rules about purging use earlier times.
pub(super) const KEPT: u64 = 3_650 * DAY;

/// The time `secs` seconds after the beginning of a test.
pub(super) const fn at(secs: u64) -> NumericDate {
    START.saturating_add(Duration::from_secs(secs))
}

/// A new id, unused by other tests and by earlier runs on the same database.
pub(super) fn new_id() -> String {
    let mut bits = [0; 16];
    rand::fill(&mut bits).expect("the system has random numbers");
    format!("{:032x}", u128::from_be_bytes(bits))
}

pub(super) fn new_user() -> UserId {
    new_id().into()
}

/// The ids of a login.
#[derive(Clone)]
pub(super) struct Ids {
    pub(super) user: UserId,
    pub(super) session: String,
    /// The id of the first refresh token.
    pub(super) first: String,
}

impl Ids {
    pub(super) fn of(user: &UserId) -> Self {
        Self { user: user.clone(), session: new_id(), first: new_id() }
    }

    /// The ids of a refresh token without a session.
    pub(super) fn without_session(user: &UserId) -> Self {
        let jti = new_id();
        Self { user: user.clone(), session: jti.clone(), first: jti }
    }

    pub(super) fn on<S>(self, store: &S) -> Login<'_, S> {
        Login { store, ids: self }
    }
}

/// How a token is spent. Default: issued at 0, without grace or adoption.
#[derive(Clone, Copy, Default)]
pub(super) struct Terms {
    pub(super) grace: Duration,
    pub(super) adopt: bool,
    pub(super) issued_at: u64,
}

impl Terms {
    pub(super) const fn grace(secs: u64) -> Self {
        Self { grace: Duration::from_secs(secs), adopt: false, issued_at: 0 }
    }

    pub(super) const fn adopt(issued_at: u64) -> Self {
        Self { grace: Duration::ZERO, adopt: true, issued_at }
    }
}

/// A login at a store. Its session may not have begun.
pub(super) struct Login<'a, S> {
    store: &'a S,
    pub(super) ids: Ids,
}

impl<'a, S: TokenStore> Login<'a, S> {
    /// A login of a new user, begun at 0.
    pub(super) async fn begun(store: &'a S) -> Self {
        Self::begun_by(&new_user(), store).await
    }

    pub(super) async fn begun_by(user: &UserId, store: &'a S) -> Self {
        let login = Ids::of(user).on(store);
        login.begin(0, KEPT).await;
        login
    }

    pub(super) async fn begin(&self, now: u64, keep_until: u64) {
        self.begin_as(&self.beginning(now).with_expiry(at(now + DAY), at(keep_until))).await;
    }

    /// Begins the session. Returns the sorted ids of the sessions that this ended.
    pub(super) async fn begin_as(&self, session: &NewSession<'_>) -> Vec<Box<str>> {
        match self.try_begin(session).await {
            Begun::Started { mut ended } => {
                ended.sort();
                ended
            }
            Begun::UserRevoked => panic!("the user was not revoked since the generation was read"),
        }
    }

    pub(super) async fn try_begin(&self, session: &NewSession<'_>) -> Begun {
        self.store.begin(session).await.expect("the store begins a session")
    }

    pub(super) fn beginning(&self, now: u64) -> NewSession<'_> {
        let Ids { user, session, first } = &self.ids;
        NewSession::new(session, user, first, at(now)).with_expiry(at(now + DAY), at(KEPT))
    }

    /// Spends `refresh` with a random successor.
    pub(super) async fn spend(&self, refresh: &str, now: u64) -> Spent {
        self.spend_for(refresh, &new_id(), now, Terms::default()).await
    }

    /// Spends `refresh`, which must be valid. Returns its successor.
    pub(super) async fn rotate(&self, refresh: &str, now: u64) -> String {
        let successor = new_id();
        let spent = self.spend_for(refresh, &successor, now, Terms::default()).await;
        assert_eq!(spent, Spent::First, "the newest refresh token of a session can be spent");
        successor
    }

    pub(super) async fn spend_for(
        &self,
        refresh: &str,
        successor: &str,
        now: u64,
        terms: Terms,
    ) -> Spent {
        self.spend_keeping(refresh, successor, now, terms, KEPT).await
    }

    pub(super) async fn spend_keeping(
        &self,
        refresh: &str,
        successor: &str,
        now: u64,
        terms: Terms,
        keep_until: u64,
    ) -> Spent {
        let session = NewSession::new(&self.ids.session, &self.ids.user, refresh, at(now))
            .with_expiry(at(now + DAY), at(keep_until));
        let spend = Spend::new(&session, at(terms.issued_at), successor)
            .with_grace(terms.grace)
            .with_adoption(terms.adopt);
        self.store.spend(&spend).await.expect("the store spends a token")
    }

    /// Labels the session, and returns whether it is live.
    pub(super) async fn set_label(&self, label: Option<&str>, now: u64) -> bool {
        let Ids { user, session, .. } = &self.ids;
        let labelled = self.store.set_label(user, session, label, at(now)).await;
        labelled.expect("the store labels a session")
    }

    pub(super) async fn revoke_session(&self, now: u64) {
        let Ids { user: user_id, session: session_id, .. } = &self.ids;
        let keep_until = at(KEPT);
        let revocation = Revocation::Session { session_id, user_id, keep_until };
        revoke(self.store, &revocation, now).await;
    }

    pub(super) async fn revoke_token(&self, jti: &str, now: u64) {
        let user_id = &self.ids.user;
        let revocation = Revocation::Token { jti, user_id, keep_until: at(KEPT) };
        revoke(self.store, &revocation, now).await;
    }

    pub(super) async fn revoke_user(&self, now: u64) {
        revoke_user(self.store, &self.ids.user, now).await;
    }

    /// Whether an access token of the session, issued at 0, counts as revoked.
    pub(super) async fn is_access_revoked(&self) -> bool {
        let jti = new_id();
        let token = TokenRef::new(self.ids.user.as_str(), at(0))
            .with_jti(Some(&jti))
            .with_session(Some(&self.ids.session));
        is_revoked(self.store, &token).await
    }

    /// Whether a refresh token of the session, issued at 0, counts as revoked.
    pub(super) async fn is_refresh_revoked(&self, jti: &str, adopt: bool) -> bool {
        let token = TokenRef::new(self.ids.user.as_str(), at(0))
            .with_jti(Some(jti))
            .with_session(Some(&self.ids.session))
            .as_refresh(adopt);
        is_revoked(self.store, &token).await
    }

    /// The session as it is listed at the beginning of the test.
    pub(super) async fn listed(&self) -> Option<Session> {
        sessions(self.store, &self.ids.user, 0).await.remove(&*self.ids.session)
    }

    /// Checks that `newest` can be spent next, without spending it.
    pub(super) async fn assert_alive(&self, newest: &str, why: &str) {
        assert!(!self.is_access_revoked().await, "{why}: its access tokens are valid");
        assert!(
            !self.is_refresh_revoked(newest, false).await,
            "{why}: its newest refresh token is valid"
        );
        assert!(self.listed().await.is_some(), "{why}: it is listed");
    }

    /// Checks that the session has ended. `newest` is its newest refresh token.
    pub(super) async fn assert_ended(&self, newest: &str, why: &str) {
        assert!(self.is_access_revoked().await, "{why}: its access tokens are revoked");
        assert!(
            self.is_refresh_revoked(newest, false).await,
            "{why}: its newest refresh token is revoked"
        );
        assert!(self.listed().await.is_none(), "{why}: it is not listed");
        let spent = self.spend_for(newest, &new_id(), 0, Terms::grace(60)).await;
        assert_eq!(spent, Spent::Revoked, "{why}: its newest refresh token cannot be spent");
    }
}

pub(super) async fn consume<S: TokenStore>(store: &S, consume: &Consume<'_>, now: u64) -> Consumed {
    store.consume(consume, at(now)).await.expect("the store consumes an id")
}

pub(super) async fn revoke<S: TokenStore>(store: &S, revocation: &Revocation<'_>, now: u64) {
    store.revoke(revocation, at(now)).await.expect("the store revokes");
}

pub(super) async fn revoke_user<S: TokenStore>(store: &S, user_id: &UserId, now: u64) {
    revoke(store, &Revocation::User { user_id, except: None, keep_until: at(KEPT) }, now).await;
}

pub(super) async fn generation<S: TokenStore>(store: &S) -> Generation {
    store.generation().await.expect("the store returns a generation")
}

/// Whether the store reports `token` as revoked. `is_revoked_now` must agree.
pub(super) async fn is_revoked<S: TokenStore>(store: &S, token: &TokenRef<'_>) -> bool {
    let revoked = store.is_revoked(token).await.expect("the store checks a token");
    if let Some(at_once) = store.is_revoked_now(token) {
        assert_eq!(at_once, revoked, "`is_revoked_now` agrees with `is_revoked`");
    }
    revoked
}

/// The sessions of a user by id. Each must be listed once.
pub(super) async fn sessions<S: TokenStore>(
    store: &S,
    user_id: &UserId,
    now: u64,
) -> BTreeMap<Box<str>, Session> {
    let mut list = BTreeMap::new();
    for session in all_pages(store, user_id, now, Page::MAX_LIMIT).await {
        let known = list.insert(session.id.clone(), session);
        assert!(known.is_none(), "no session is listed twice");
    }
    list
}

/// The sessions of a user, read in pages of `limit`.
pub(super) async fn all_pages<S: TokenStore>(
    store: &S,
    user_id: &UserId,
    now: u64,
    limit: usize,
) -> Vec<Session> {
    let mut sessions = Vec::new();
    let mut cursor: Option<Box<str>> = None;
    loop {
        let page = cursor.as_deref().map_or(Page::first(), Page::after).with_limit(limit);
        let page = store.sessions(user_id, at(now), page).await.expect("the store lists sessions");
        assert!(page.sessions.len() <= limit, "a page does not exceed its limit");
        sessions.extend(page.sessions);
        match page.next {
            Some(next) => cursor = Some(next),
            None => return sessions,
        }
    }
}
