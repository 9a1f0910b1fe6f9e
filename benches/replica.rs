//! The time of a replica's lookup, and its memory.
//!
//! `cargo bench --bench replica`. A lookup is one `is_revoked_now` for a token with an id, a session
//! and a user of 32 to 36 characters each. None was looked up recently. A fence between the lookups
//! keeps the processor from starting the next one early, as it could not in a server either.
//!
//! `miss` is a token of a user without revocations, `other` a valid token of a user with a
//! revocation, `hit` a revoked token.

use std::{
    alloc::System,
    hint::black_box,
    sync::atomic::{Ordering, fence},
    thread,
    time::{Duration, Instant},
};

use futures::{
    Stream, StreamExt,
    channel::mpsc::{UnboundedSender, unbounded},
    stream,
};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use tower_jwt_auth::{
    NumericDate,
    store::{
        Begun, Consume, Consumed, Generation, NewSession, Page, Revocation, SessionPage, Spend,
        Spent, StoreError, TokenRef, TokenStore,
        replica::{Heartbeat, Notice, RevocationFeed, RevocationReplica, Revoked},
    },
    token::UserId,
};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

const SIZES: [u64; 3] = [1_000, 100_000, 1_000_000];
/// Too many for the caches, together with the entries that they find.
const LOOKUPS: u64 = 200_000;
const ROUNDS: usize = 9;
const NOW: NumericDate = NumericDate::from_secs(4_102_444_800);

/// Of ten entries six are tokens, three are sessions and one is a user.
fn entry(number: u64) -> Revoked {
    let user_id = user_id(number).into();
    let keep_until = NumericDate::from_secs(NOW.as_secs() + 86_400);
    match number % 10 {
        0..6 => Revoked::Token { user_id, jti: id(number, 1).into(), keep_until },
        6..9 => Revoked::Session { user_id, session_id: id(number, 2).into(), keep_until },
        _ => Revoked::User { user_id, at: NOW, keep_until },
    }
}

fn user_id(number: u64) -> String {
    let id = id(number, 0);
    format!("{}-{}-{}-{}-{}", &id[..8], &id[8..12], &id[12..16], &id[16..20], &id[20..])
}

fn id(number: u64, kind: u64) -> String {
    format!("{:016x}{:016x}", mix(number * 8 + kind), mix(!(number * 8 + kind)))
}

/// SplitMix64.
fn mix(number: u64) -> u64 {
    let mut bits = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A feed with `size` live revocations that stores nothing.
struct Source {
    size: u64,
    subscriber: std::sync::Mutex<Option<UnboundedSender<Result<Notice, StoreError>>>>,
}

impl RevocationFeed for Source {
    async fn subscribe(
        &self,
        _subscriber: u64,
    ) -> Result<impl Stream<Item = Result<Notice, StoreError>> + Send, StoreError> {
        let (sender, receiver) = unbounded();
        *self.subscriber.lock().expect("nothing panics") = Some(sender);
        Ok(receiver)
    }

    fn live(&self) -> impl Stream<Item = Result<Vec<Revoked>, StoreError>> + Send {
        stream::iter(0..self.size).map(entry).chunks(1_000).map(Ok)
    }

    async fn heartbeat(&self, heartbeat: Heartbeat) -> Result<(), StoreError> {
        if let Some(subscriber) = &*self.subscriber.lock().expect("nothing panics") {
            let _ = subscriber.unbounded_send(Ok(Notice::Heartbeat(heartbeat)));
        }
        Ok(())
    }
}

impl TokenStore for Source {
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

    async fn is_revoked(&self, _: &TokenRef<'_>) -> Result<bool, StoreError> {
        Ok(false)
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

/// Tokens in consecutive memory: in a server, too, the token of a request is in the cache.
struct Tokens {
    ids: String,
    count: u64,
}

const USER_LEN: usize = 36;
const ID_LEN: usize = 32;
const TOKEN_LEN: usize = USER_LEN + 2 * ID_LEN;

impl Tokens {
    fn of(numbers: impl Iterator<Item = u64>) -> Self {
        Self::with_kinds(numbers, 1, 2)
    }

    /// Tokens of the same users that are not revoked.
    fn of_users(numbers: impl Iterator<Item = u64>) -> Self {
        Self::with_kinds(numbers, 3, 4)
    }

    fn with_kinds(numbers: impl Iterator<Item = u64>, jti: u64, session: u64) -> Self {
        let mut tokens = Self { ids: String::new(), count: 0 };
        for number in numbers {
            tokens.ids += &user_id(number);
            tokens.ids += &id(number, jti);
            tokens.ids += &id(number, session);
            tokens.count += 1;
        }
        tokens
    }

    fn iter(&self) -> impl Iterator<Item = TokenRef<'_>> {
        (0..self.count as usize).map(|index| {
            let token = &self.ids[index * TOKEN_LEN..][..TOKEN_LEN];
            let (user_id, ids) = token.split_at(USER_LEN);
            let (jti, session_id) = ids.split_at(ID_LEN);
            TokenRef::new(user_id, NOW).with_jti(Some(jti)).with_session(Some(session_id))
        })
    }
}

/// The nanoseconds of a lookup on each of `threads`: the median of the rounds, and the fastest.
fn measure(
    replica: &RevocationReplica<Source>,
    tokens: &Tokens,
    threads: usize,
    expected: impl Fn(u64) -> bool + Sync,
) -> (f64, f64) {
    let mut rounds: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let spent: Duration = thread::scope(|scope| {
                let lookups: Vec<_> = (0..threads)
                    .map(|_| {
                        scope.spawn(|| {
                            let began = Instant::now();
                            let mut hits = 0;
                            for token in tokens.iter() {
                                let is_revoked = replica.is_revoked_now(black_box(&token));
                                // Sessions of a revoked user are left to the store.
                                hits += u64::from(is_revoked != Some(false));
                                fence(Ordering::SeqCst);
                            }
                            let spent = began.elapsed();
                            assert!(expected(hits), "{hits} of {} are revoked", tokens.count);
                            spent
                        })
                    })
                    .collect();
                lookups.into_iter().map(|lookup| lookup.join().expect("it ran")).sum()
            });
            spent.as_nanos() as f64 / (tokens.count * threads as u64) as f64
        })
        .collect();
    rounds.sort_by(f64::total_cmp);
    (rounds[ROUNDS / 2], rounds[0])
}

fn main() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .expect("a runtime");
    println!("entries   bytes/entry   load      ns a lookup, median (fastest)");
    for size in SIZES {
        let region = Region::new(ALLOCATOR);
        let began = Instant::now();
        let replica = runtime.block_on(async {
            let source = Source { size, subscriber: std::sync::Mutex::default() };
            let replica = RevocationReplica::new(source);
            replica.until_fresh().await;
            replica
        });
        let load = began.elapsed();
        let change = region.change();
        let bytes = change.bytes_allocated - change.bytes_deallocated;
        assert_eq!(replica.len() as u64, size);
        let lookups = size.min(LOOKUPS);
        // In another order than they were added in.
        let hits = Tokens::of((0..lookups).map(|number| mix(number) % size));
        let misses = Tokens::of((0..LOOKUPS).map(|number| size + number));
        // Other tokens and sessions of users that were not revoked themselves.
        let others = (0..lookups).map(|number| mix(number) % size);
        let others = others.map(|number| number - u64::from(number % 10 == 9));
        let others = Tokens::of_users(others);
        print!("{size:<9} {:<13.1} {load:<9.1?}", bytes as f64 / size as f64);
        for threads in [1, 2] {
            let miss = measure(&replica, &misses, threads, |revoked| revoked == 0);
            let hit = measure(&replica, &hits, threads, |revoked| revoked == lookups);
            let other = measure(&replica, &others, threads, |revoked| revoked == 0);
            print!(
                " {threads} thread: miss {:.0} ({:.0}), other {:.0} ({:.0}), hit {:.0} ({:.0});",
                miss.0, miss.1, other.0, other.1, hit.0, hit.1
            );
        }
        println!();
    }
}
