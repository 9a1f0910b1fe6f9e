//! Calls of a store, and what was observed of them.

use std::{
    collections::BTreeSet,
    num::NonZeroUsize,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use futures::{FutureExt, future::try_join_all};
use tower_jwt_auth::{
    NumericDate,
    store::{
        Begun, Consume, Consumed, NewSession, Page, Revocation, Spend, Spent, StoreError, TokenRef,
        TokenStore,
    },
    token::UserId,
};

use super::client::Client;

/// Seconds for which access and refresh tokens are valid.
pub(super) const ACCESS: u64 = 60;
pub(super) const REFRESH: u64 = 300;

/// A token that a client holds.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) jti: String,
    pub(super) session: Option<String>,
    pub(super) user: String,
    pub(super) issued_at: u64,
    pub(super) valid_until: u64,
    pub(super) is_refresh: bool,
    /// Whether it is a refresh token of another system, whose session the store may adopt.
    pub(super) adopt: bool,
}

#[derive(Clone, Debug)]
pub(super) struct Login {
    pub(super) session: String,
    pub(super) user: String,
    pub(super) refresh: String,
    pub(super) limit: Option<usize>,
    /// The generation that was read before, by the id of its [`Call::Read`].
    pub(super) read: Option<u64>,
    pub(super) now: u64,
}

#[derive(Clone, Debug)]
pub(super) struct Spending {
    pub(super) session: String,
    pub(super) user: String,
    pub(super) refresh: String,
    pub(super) issued_at: u64,
    pub(super) successor: String,
    pub(super) grace: u64,
    pub(super) adopt: bool,
    pub(super) now: u64,
}

/// A token that is used, and can be used once.
#[derive(Clone, Debug)]
pub(super) struct Use {
    pub(super) token: Token,
    /// The generation that was read before the token was issued, by the id of its [`Call::Read`].
    pub(super) read: Option<u64>,
    /// Whether the id is not that of a token, although it equals one.
    pub(super) is_other: bool,
    pub(super) now: u64,
}

/// A session as a store lists it: id, `created_at`, `last_used_at`, `expires_at` and label.
pub(super) type Listed = (String, u64, u64, u64, Option<String>);

#[derive(Clone, Debug)]
pub(super) enum Call {
    Read { id: u64 },
    Begin(Login),
    Spend(Spending),
    Consume(Use),
    Label { session: String, user: String, label: Option<String>, now: u64 },
    RevokeToken { token: Token, now: u64 },
    RevokeSession { session: String, user: String, now: u64 },
    RevokeUser { id: u64, user: String, except: Option<String>, now: u64 },
    IsRevoked(Token),
    Sessions { user: String, now: u64 },
    Purge { limit: usize, now: u64 },
}

/// One atomic step of a store.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    Read {
        id: u64,
    },
    Begun {
        login: Login,
        ended: BTreeSet<String>,
    },
    Refused(Login),
    Spent {
        spending: Spending,
        result: Result<Option<(String, u64)>, Unspent>,
    },
    Consumed {
        used: Use,
        is_first: bool,
    },
    Labelled {
        session: String,
        user: String,
        label: Option<String>,
        now: u64,
        is_live: bool,
    },
    TokenRevoked {
        jti: String,
    },
    SessionRevoked {
        session: String,
    },
    /// The revocation of a user raises the generation, and then marks the user.
    GenerationRaised {
        id: u64,
    },
    UserRevoked {
        id: u64,
        user: String,
        except: Option<String>,
        now: u64,
    },
    IsRevoked {
        token: Token,
        result: bool,
    },
    Listed {
        user: String,
        now: u64,
        sessions: BTreeSet<Listed>,
    },
    Purged,
}

/// Why a token was not spent.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Unspent {
    Reused,
    Revoked,
}

/// A step with the time in which it happened, on a clock that counts starts and ends of calls.
#[derive(Clone, Debug)]
pub(super) struct Event {
    pub(super) kind: Kind,
    pub(super) start: u64,
    pub(super) end: u64,
}

/// Performs the calls of several clients, each list in order and all lists concurrently.
pub(super) async fn perform_all<S: TokenStore + Clone>(
    store: &S,
    client: &Client,
    lists: Vec<Vec<Call>>,
) -> Result<Vec<Event>, StoreError> {
    let clock = AtomicU64::new(0);
    let lists = lists.into_iter().map(async |calls| {
        let mut events = Vec::new();
        for call in calls {
            let start = clock.fetch_add(1, Ordering::SeqCst);
            let kinds = call.perform(store, client).boxed_local().await?;
            let end = clock.fetch_add(1, Ordering::SeqCst);
            events.extend(kinds.into_iter().map(|kind| Event { kind, start, end }));
        }
        Ok(events)
    });
    Ok(try_join_all(lists).await?.concat())
}

const fn at(secs: u64) -> NumericDate {
    NumericDate::from_secs(secs)
}

impl Call {
    async fn perform<S: TokenStore>(
        self,
        store: &S,
        client: &Client,
    ) -> Result<Vec<Kind>, StoreError> {
        let kind = match self {
            Self::Read { id } => {
                client.note(id, store.generation().await?);
                Kind::Read { id }
            }
            Self::Begin(login) => begin(store, client, login).await?,
            Self::Spend(spending) => spend(store, spending).await?,
            Self::Consume(used) => consume(store, client, used).await?,
            Self::Label { session, user, label, now } => {
                let user_id = &UserId::from(&*user);
                let is_live = store.set_label(user_id, &session, label.as_deref(), at(now)).await?;
                Kind::Labelled { session, user, label, now, is_live }
            }
            Self::RevokeToken { token: Token { jti, user, valid_until, .. }, now } => {
                let user_id = &UserId::from(user);
                let keep_until = at(valid_until);
                let revocation = Revocation::Token { jti: &jti, user_id, keep_until };
                store.revoke(&revocation, at(now)).await?;
                Kind::TokenRevoked { jti }
            }
            Self::RevokeSession { session, user, now } => {
                let user_id = &UserId::from(user);
                let keep_until = at(now + ACCESS);
                let revocation = Revocation::Session { session_id: &session, user_id, keep_until };
                store.revoke(&revocation, at(now)).await?;
                Kind::SessionRevoked { session }
            }
            Self::RevokeUser { id, user, except, now } => {
                let user_id = &UserId::from(&*user);
                let keep_until = at(now + REFRESH);
                let revocation =
                    Revocation::User { user_id, except: except.as_deref(), keep_until };
                store.revoke(&revocation, at(now)).await?;
                let raised = Kind::GenerationRaised { id };
                return Ok(vec![raised, Kind::UserRevoked { id, user, except, now }]);
            }
            Self::IsRevoked(token) => {
                let mut reference = TokenRef::new(&token.user, at(token.issued_at))
                    .with_jti(Some(&token.jti))
                    .with_session(token.session.as_deref());
                if token.is_refresh {
                    reference = reference.as_refresh(token.adopt);
                }
                let result = store.is_revoked(&reference).await?;
                Kind::IsRevoked { token, result }
            }
            Self::Sessions { user, now } => {
                let sessions = sessions(store, &user, now).await?;
                Kind::Listed { user, now, sessions }
            }
            Self::Purge { limit, now } => {
                assert!(store.purge(at(now), limit).await? <= limit, "purged more than the limit");
                Kind::Purged
            }
        };
        Ok(vec![kind])
    }
}

async fn begin<S: TokenStore>(
    store: &S,
    client: &Client,
    login: Login,
) -> Result<Kind, StoreError> {
    let user_id = &UserId::from(&*login.user);
    let (now, expires_at) = (at(login.now), at(login.now + REFRESH));
    let session = NewSession::new(&login.session, user_id, &login.refresh, now)
        .with_expiry(expires_at, expires_at)
        .with_access_until(at(login.now + ACCESS))
        .with_limit(login.limit.and_then(NonZeroUsize::new))
        .with_generation(login.read.map(|id| client.noted(id)));
    Ok(match store.begin(&session).await? {
        Begun::Started { ended } => {
            let ended = ended.into_iter().map(String::from).collect();
            Kind::Begun { login, ended }
        }
        Begun::UserRevoked => Kind::Refused(login),
        _ => panic!("an unknown outcome"),
    })
}

async fn spend<S: TokenStore>(store: &S, spending: Spending) -> Result<Kind, StoreError> {
    let user_id = &UserId::from(&*spending.user);
    let (now, expires_at) = (at(spending.now), at(spending.now + REFRESH));
    let session = NewSession::new(&spending.session, user_id, &spending.refresh, now)
        .with_expiry(expires_at, expires_at)
        .with_access_until(at(spending.now + ACCESS + spending.grace));
    let spend = Spend::new(&session, at(spending.issued_at), &spending.successor)
        .with_grace(Duration::from_secs(spending.grace))
        .with_adoption(spending.adopt);
    let result = match store.spend(&spend).await? {
        Spent::First => Ok(None),
        Spent::Again { successor, at } => Ok(Some((successor.into(), at.as_secs()))),
        Spent::Reused => Err(Unspent::Reused),
        Spent::Revoked => Err(Unspent::Revoked),
    };
    Ok(Kind::Spent { spending, result })
}

async fn consume<S: TokenStore>(store: &S, client: &Client, used: Use) -> Result<Kind, StoreError> {
    let Token { jti, user, session, issued_at, valid_until, .. } = &used.token;
    let (user_id, keep_until) = (&UserId::from(&**user), at(*valid_until));
    let token = Consume::token(jti, user_id, at(*issued_at), keep_until)
        .with_session(session.as_deref())
        .with_generation(used.read.map(|id| client.noted(id)));
    let consume = if used.is_other { Consume::other(jti, user_id, keep_until) } else { token };
    let is_first = store.consume(&consume, at(used.now)).await? == Consumed::First;
    Ok(Kind::Consumed { used, is_first })
}

/// All pages of a user's sessions, two on a page.
async fn sessions<S: TokenStore>(
    store: &S,
    user: &str,
    now: u64,
) -> Result<BTreeSet<Listed>, StoreError> {
    let user_id = UserId::from(user);
    let mut listed = BTreeSet::new();
    let mut cursor = None;
    loop {
        let page = cursor.as_deref().map_or(Page::first(), Page::after).with_limit(2);
        let page = store.sessions(&user_id, at(now), page).await?;
        for session in page.sessions {
            let times = [session.created_at, session.last_used_at, session.expires_at];
            let [created_at, last_used_at, expires_at] = times.map(NumericDate::as_secs);
            let label = session.label.map(Into::into);
            let entry = (session.id.into(), created_at, last_used_at, expires_at, label);
            assert!(listed.insert(entry), "a session is listed twice");
        }
        cursor = page.next;
        if cursor.is_none() {
            return Ok(listed);
        }
    }
}
