//! Random histories of revocations, compared with a plain `HashMap`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use futures::{
    Stream, StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    stream,
};
use tokio::time::sleep;
use tower_jwt_auth::{
    ManualClock, NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, TokenRef, TokenStore,
        replica::{Heartbeat, Notice, RevocationFeed, RevocationReplica, Revoked},
    },
    token::UserId,
};

use super::{NOW, SWEEP, secs, settle};

const HISTORIES: u64 = 16;
const STEPS: u64 = 62_500;

/// More than the minute by which a clock may be set back without consequences.
const JUMP: Duration = Duration::from_secs(10 * 86_400);

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Entry {
    Token { user: u64, id: u64 },
    Session { user: u64, id: u64 },
    User(u64),
}

impl Entry {
    fn random(random: &mut Random, users: u64, ids: u64) -> Self {
        let (user, id) = (random.below(users), random.below(ids));
        match random.below(20) {
            0 => Self::User(user),
            1..8 => Self::Session { user, id },
            _ => Self::Token { user, id },
        }
    }

    const fn user(self) -> u64 {
        match self {
            Self::Token { user, .. } | Self::Session { user, .. } | Self::User(user) => user,
        }
    }

    fn revoked(self, keep_until: NumericDate) -> Revoked {
        let user_id = self.user().to_string().into();
        match self {
            Self::Token { id, .. } => {
                Revoked::Token { user_id, jti: id.to_string().into(), keep_until }
            }
            Self::Session { id, .. } => {
                Revoked::Session { user_id, session_id: id.to_string().into(), keep_until }
            }
            Self::User(_) => Revoked::User { user_id, at: NOW, keep_until },
        }
    }
}

/// The model, which is also the store behind the replica. It remembers everything.
#[derive(Clone, Default)]
struct Model(Arc<Mutex<Facts>>);

#[derive(Default)]
struct Facts {
    keep_until: HashMap<Entry, NumericDate>,
    entries: Vec<Entry>,
    subscriber: Option<UnboundedSender<Result<Notice, StoreError>>>,
}

impl Model {
    fn add(&self, entry: Entry, keep_until: NumericDate) {
        let mut facts = self.0.lock().unwrap();
        match facts.keep_until.get_mut(&entry) {
            Some(known) => *known = keep_until.max(*known),
            None => {
                facts.keep_until.insert(entry, keep_until);
                facts.entries.push(entry);
            }
        }
    }

    /// Revokes something as another process does.
    fn publish(&self, entry: Entry, keep_until: NumericDate) {
        self.add(entry, keep_until);
        let facts = self.0.lock().unwrap();
        let subscriber = facts.subscriber.as_ref().expect("the replica has subscribed");
        let notice = Notice::Revoked(entry.revoked(keep_until));
        subscriber.unbounded_send(Ok(notice)).expect("the replica is subscribed");
    }

    fn len(&self) -> usize {
        self.0.lock().unwrap().entries.len()
    }

    fn pick(&self, random: &mut Random) -> Option<Entry> {
        let facts = self.0.lock().unwrap();
        let len = facts.entries.len() as u64;
        (len > 0).then(|| facts.entries[random.below(len) as usize])
    }

    fn keep_until(&self, entry: Entry) -> Option<NumericDate> {
        self.0.lock().unwrap().keep_until.get(&entry).copied()
    }

    /// Forgets what the replica has forgotten, which keeps everything a minute longer.
    fn forget_expired(&self, now: NumericDate) {
        let facts = &mut *self.0.lock().unwrap();
        facts.keep_until.retain(|_, keep_until| keep_until.saturating_add(secs(60)) > now);
        facts.entries.retain(|entry| facts.keep_until.contains_key(entry));
    }
}

impl RevocationFeed for Model {
    async fn subscribe(
        &self,
        _: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let (sender, receiver) = unbounded();
        self.0.lock().unwrap().subscriber = Some(sender);
        Ok(receiver)
    }

    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        let facts = self.0.lock().unwrap();
        let live: Vec<_> =
            facts.keep_until.iter().map(|(entry, keep_until)| entry.revoked(*keep_until)).collect();
        stream::iter(live).chunks(1_000).map(Ok)
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        if let Some(subscriber) = &self.0.lock().unwrap().subscriber {
            let _ = subscriber.unbounded_send(Ok(Notice::Heartbeat(heartbeat)));
        }
        Ok(())
    }
}

impl TokenStore for Model {
    async fn generation(&self) -> Result<Generation, StoreError> {
        Ok(Generation::default())
    }

    async fn begin(&self, _: &NewSession<'_>) -> Result<Begun, StoreError> {
        Ok(Begun::Started { ended: Vec::new() })
    }

    async fn spend(&self, _: &Spend<'_>) -> Result<Spent, StoreError> {
        Ok(Spent::First)
    }

    async fn consume(&self, _: &Consume<'_>, _: NumericDate) -> Result<Consumed, StoreError> {
        Ok(Consumed::First)
    }

    async fn revoke(&self, _: &Revocation<'_>, _: NumericDate) -> Result<(), StoreError> {
        Ok(())
    }

    /// The replica checks by this whether it has revoked a known session.
    async fn is_revoked(&self, _: &TokenRef<'_>) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn sessions(
        &self,
        _: &UserId,
        _: NumericDate,
        _: Page<'_>,
    ) -> Result<SessionPage, StoreError> {
        Ok(SessionPage::new(Vec::new(), None))
    }

    async fn set_label(
        &self,
        _: &UserId,
        _: &str,
        _: Option<&str>,
        _: NumericDate,
    ) -> Result<bool, StoreError> {
        Ok(true)
    }

    async fn purge(&self, _: NumericDate, _: usize) -> Result<usize, StoreError> {
        Ok(0)
    }
}

/// SplitMix64.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^ (bits >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }
}

struct History {
    model: Model,
    replica: RevocationReplica<Model>,
    clock: ManualClock,
    random: Random,
    users: u64,
    ids: u64,
    /// What was revoked lasts no longer than so many seconds.
    longest: u64,
}

impl History {
    async fn new(seed: u64) -> Self {
        let (model, clock) = (Model::default(), ManualClock::new(NOW));
        let builder = RevocationReplica::builder(model.clone()).clock(&clock);
        let replica = builder.build().unwrap();
        replica.until_fresh().await;
        // From one user with everything to many users with a little each.
        let users = [1, 3, 100, 20_000][seed as usize % 4];
        let (random, ids, longest) = (Random(seed), 40_000 / users.min(100), 400);
        Self { model, replica, clock, random, users, ids, longest }
    }

    async fn step(&mut self) {
        match self.random.below(2_000) {
            0 => self.wait(40).await,
            1 => self.change_phase().await,
            2 if self.random.below(5) == 0 => self.jump().await,
            2..1_000 => self.revoke().await,
            1_000..1_020 => {
                let (entry, keep_until) = self.revocation();
                self.model.publish(entry, keep_until);
                settle().await;
                self.check(entry);
            }
            _ => self.check_any(),
        }
    }

    fn revocation(&mut self) -> (Entry, NumericDate) {
        let entry = Entry::random(&mut self.random, self.users, self.ids);
        let lifetime = secs(self.random.below(self.longest));
        (entry, self.clock.now().saturating_add(lifetime))
    }

    async fn revoke(&mut self) {
        let (entry, keep_until) = self.revocation();
        let (user_id, id) = (&UserId::from(entry.user()), String::new());
        let id = match entry {
            Entry::Token { id, .. } | Entry::Session { id, .. } => id.to_string(),
            Entry::User(_) => id,
        };
        let revocation = match entry {
            Entry::Token { .. } => Revocation::Token { jti: &id, user_id, keep_until },
            Entry::Session { .. } => Revocation::Session { session_id: &id, user_id, keep_until },
            Entry::User(_) => Revocation::User { user_id, except: None, keep_until },
        };
        self.replica.revoke(&revocation, NOW).await.unwrap();
        self.model.add(entry, keep_until);
        self.check(entry);
    }

    /// Lets time pass, during which the replica is swept.
    async fn wait(&mut self, longest: u64) {
        let pause = secs(self.random.below(longest));
        self.clock.advance(pause);
        sleep(pause).await;
    }

    /// Alternates between revocations that accumulate and revocations that expire soon, so that the
    /// tables grow and shrink.
    async fn change_phase(&mut self) {
        if self.longest == 400 {
            self.longest = 20_000;
        } else {
            self.longest = 400;
            self.clock.advance(secs(19_000));
            sleep(SWEEP).await;
            self.model.forget_expired(self.clock.now());
        }
    }

    /// Moves the clock ahead until everything is swept, then back.
    async fn jump(&mut self) {
        let now = self.clock.now();
        self.clock.advance(JUMP);
        sleep(SWEEP).await;
        assert_eq!(self.replica.len(), 0, "everything is swept");
        self.clock.set(now);
        for _ in 0..20 {
            self.check_any();
        }
        sleep(secs(1)).await;
        self.replica.until_fresh().await;
        for _ in 0..20 {
            self.check_any();
        }
    }

    fn check_any(&mut self) {
        let known = self.model.pick(&mut self.random).filter(|_| self.random.below(3) > 0);
        let entry = known.unwrap_or_else(|| Entry::random(&mut self.random, self.users, self.ids));
        self.check(entry);
    }

    /// Compares a decision about a token that `entry` concerns.
    fn check(&self, entry: Entry) {
        let user = entry.user();
        let user_id = user.to_string();
        let (jti, session) = match entry {
            Entry::Token { id, .. } => (Some(id), None),
            Entry::Session { id, .. } => (None, Some(id)),
            Entry::User(_) => (None, None),
        };
        let (jti_string, session_string) =
            (jti.map(|id| id.to_string()), session.map(|id| id.to_string()));
        let token = TokenRef::new(&user_id, NOW)
            .with_jti(jti_string.as_deref())
            .with_session(session_string.as_deref());
        let decision = self.replica.is_revoked_now(&token);

        let keep_until = |entry| self.model.keep_until(entry);
        let itself = keep_until(entry);
        let through_user = keep_until(Entry::User(user));
        let now = self.clock.now();
        let is_live = |keep_until: Option<NumericDate>| keep_until.is_some_and(|until| until > now);
        if is_live(itself) || is_live(through_user) {
            assert_ne!(decision, Some(false), "a live revocation is missed");
        }
        if self.replica.is_fresh() {
            if is_live(itself) {
                assert_eq!(decision, Some(true), "a fresh replica knows what is revoked");
            }
            if itself.is_none() && through_user.is_none() {
                assert_eq!(decision, Some(false), "nothing was revoked");
            }
        }
    }
}

/// A million steps in all.
#[tokio::test(start_paused = true)]
async fn no_live_revocation_is_missed_in_any_history() {
    for seed in 0..HISTORIES {
        let mut history = History::new(seed).await;
        for _ in 0..STEPS {
            history.step().await;
        }
        assert!(history.model.len() > 0, "something was revoked");
    }
}
