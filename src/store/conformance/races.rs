use std::{future::Future, num::NonZeroUsize, panic::resume_unwind, sync::Arc};

use tokio::sync::Barrier;

use crate::store::{Consume, Consumed, Revocation, Spent, TokenRef, TokenStore};

use super::scene::{
    Ids, KEPT, Login, Terms, at, consume, generation, is_revoked, new_id, new_user, revoke,
    revoke_user, sessions,
};

/// The number of concurrent calls.
const CALLS: usize = 64;

/// Makes all calls concurrently, each in its own task.
async fn at_once<S, T, F>(store: &Arc<S>, call: impl Fn(usize, Arc<S>) -> F) -> Vec<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    let barrier = Arc::new(Barrier::new(CALLS));
    let tasks: Vec<_> = (0..CALLS)
        .map(|number| {
            let (barrier, call) = (Arc::clone(&barrier), call(number, Arc::clone(store)));
            tokio::spawn(async move {
                barrier.wait().await;
                call.await
            })
        })
        .collect();
    let mut outcomes = Vec::with_capacity(CALLS);
    for task in tasks {
        outcomes.push(task.await.unwrap_or_else(|error| resume_unwind(error.into_panic())));
    }
    outcomes
}

/// Spends the first refresh token of `ids` in many concurrent calls. Returns the outcomes, and the
/// successor of the call that was first.
async fn spend_at_once<S: TokenStore>(
    store: &Arc<S>,
    ids: &Ids,
    terms: Terms,
) -> (Vec<Spent>, String) {
    let outcomes = at_once(store, |_, store| {
        let (ids, successor) = (ids.clone(), new_id());
        async move {
            let login = ids.on(&*store);
            (login.spend_for(&login.ids.first, &successor, 1, terms).await, successor)
        }
    })
    .await;
    let mut winners = outcomes.iter().filter(|(spent, _)| *spent == Spent::First);
    let (_, successor) = winners.next().expect("one of many spendings is the first").clone();
    assert!(winners.next().is_none(), "only one of many spendings is the first");
    (outcomes.into_iter().map(|(spent, _)| spent).collect(), successor)
}

fn assert_one_reuse(outcomes: &[Spent]) {
    let count = |expected| outcomes.iter().filter(|spent| **spent == expected).count();
    assert_eq!(count(Spent::Reused), 1, "the second spending is reuse");
    assert_eq!(count(Spent::Revoked), CALLS - 2, "all others find the session ended");
}

fn assert_all_again(outcomes: &[Spent], successor: &str) {
    let again = Spent::Again { successor: successor.into(), at: at(1) };
    let count = outcomes.iter().filter(|spent| **spent == again).count();
    assert_eq!(count, CALLS - 1, "all others get the successor of the first");
}

/// If a token is spent by many concurrent calls, one is the first, one is reuse, and the session
/// ends.
pub async fn one_of_many_spendings_is_first<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let login = Login::begun(&**store).await;
        let (outcomes, successor) = spend_at_once(store, &login.ids, Terms::default()).await;
        assert_one_reuse(&outcomes);
        login.assert_ended(&successor, "a session after reuse").await;
    }
}

/// With grace, all other calls get the successor of the first one, and the session stays alive.
pub async fn many_spendings_share_a_successor<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let login = Login::begun(&**store).await;
        let (outcomes, successor) = spend_at_once(store, &login.ids, Terms::grace(10)).await;
        assert_all_again(&outcomes, &successor);
        login.assert_alive(&successor, "a session whose token was spent again").await;
    }
}

/// If many concurrent calls adopt a token, one is the first. The others find a known session.
pub async fn one_of_many_adoptions_is_first<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let login = Ids::without_session(&new_user()).on(&**store);
        let (outcomes, successor) = spend_at_once(store, &login.ids, Terms::adopt(0)).await;
        assert_one_reuse(&outcomes);
        login.assert_ended(&successor, "an adopted session after reuse").await;

        let login = Ids::without_session(&new_user()).on(&**store);
        let terms = Terms { adopt: true, ..Terms::grace(10) };
        let (outcomes, successor) = spend_at_once(store, &login.ids, terms).await;
        assert_all_again(&outcomes, &successor);
        login.assert_alive(&successor, "an adopted session").await;
    }
}

/// If an id is consumed by many concurrent calls, one is the first.
pub async fn one_of_many_uses_is_first<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for round in 0..rounds {
        let login = Login::begun(&**store).await;
        let outcomes = at_once(store, |_, store| {
            let (Ids { user, session, first: id }, kind) = (login.ids.clone(), round % 3);
            async move {
                let token = Consume::token(&id, &user, at(0), at(KEPT));
                let consumption = match kind {
                    0 => token,
                    1 => token.with_session(Some(&session)),
                    _ => Consume::other(&id, &user, at(KEPT)),
                };
                consume(&*store, &consumption, 1).await
            }
        })
        .await;
        let first = outcomes.iter().filter(|consumed| **consumed == Consumed::First).count();
        assert_eq!(first, 1, "one of many uses is the first");
    }
}

/// After a user was revoked, no token from before can be consumed, even if others are consumed
/// concurrently.
pub async fn a_revoked_user_outruns_uses<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let login = Login::begun(&**store).await;
        let read = Some(generation(&**store).await);
        let outcomes = at_once(store, |number, store| {
            let Ids { user, session, .. } = login.ids.clone();
            async move {
                if number == CALLS / 2 {
                    revoke_user(&*store, &user, 5).await;
                }
                let (jti, next) = (new_id(), new_id());
                let session = (number % 3 == 0).then_some(&*session);
                let generation = read.filter(|_| number % 3 == 1);
                let consume_next = async |jti: &str| {
                    let token = Consume::token(jti, &user, at(0), at(KEPT));
                    let token = token.with_session(session).with_generation(generation);
                    consume(&*store, &token, 5).await
                };
                let first = consume_next(&jti).await;
                (number == CALLS / 2, first, consume_next(&next).await)
            }
        })
        .await;
        for (is_revoked, first, second) in outcomes {
            if is_revoked {
                assert_eq!((first, second), (Consumed::Before, Consumed::Before), "it was revoked");
            }
            assert!(
                first == Consumed::First || second == Consumed::Before,
                "a revoked user stays revoked"
            );
        }
    }
}

/// Rotates a session three times or until it is revoked. Returns its newest refresh token.
async fn rotate_while_alive<S: TokenStore>(login: &Login<'_, S>, adopt: bool) -> String {
    let mut newest = login.ids.first.clone();
    for now in 1..=3 {
        let successor = new_id();
        let terms = Terms { adopt, ..Terms::default() };
        match login.spend_for(&newest, &successor, now, terms).await {
            Spent::First => newest = successor,
            Spent::Revoked => break,
            Spent::Again { .. } | Spent::Reused => panic!("each token is spent once"),
        }
    }
    newest
}

/// Revoking a user ends all sessions of the user, even if tokens are spent concurrently.
pub async fn a_revoked_user_outruns_spendings<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for round in 0..rounds {
        let user = new_user();
        let adopt = round % 2 == 0;
        let mut logins = Vec::new();
        for _ in 0..CALLS {
            let login = if adopt {
                Ids::without_session(&user).on(&**store)
            } else {
                Login::begun_by(&user, &**store).await
            };
            logins.push(login);
        }
        let newest = at_once(store, |number, store| {
            let ids = logins[number].ids.clone();
            async move {
                let login = ids.on(&*store);
                if number == CALLS / 2 {
                    login.revoke_user(5).await;
                }
                rotate_while_alive(&login, adopt).await
            }
        })
        .await;
        for (login, newest) in logins.iter().zip(newest) {
            login.assert_ended(&newest, "a session of a revoked user").await;
            let spent = login.spend_for(&newest, &new_id(), 9, Terms::adopt(0)).await;
            assert_eq!(spent, Spent::Revoked, "its token is not adopted");
        }
        assert!(sessions(&**store, &user, 1).await.is_empty(), "no session is listed");
    }
}

/// A login that read the generation before the revocation of its user does not survive it.
pub async fn a_revoked_user_outruns_logins<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for round in 0..rounds {
        let user = new_user();
        let read = Some(generation(&**store).await);
        let limit = NonZeroUsize::new(if round % 2 == 0 { 0 } else { 3 });
        at_once(store, |number, store| {
            let ids = Ids::of(&user);
            async move {
                let login = ids.on(&*store);
                if number == CALLS / 2 {
                    login.revoke_user(5).await;
                } else {
                    let session = login.beginning(0).with_limit(limit).with_generation(read);
                    login.try_begin(&session).await;
                }
            }
        })
        .await;
        assert!(sessions(&**store, &user, 1).await.is_empty(), "no session is listed");
    }
}

/// A session ends if one revocation of its user spares it and a concurrent one does not.
pub async fn a_revocation_outruns_exceptions<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let login = Login::begun(&**store).await;
        at_once(store, |number, store| {
            let Ids { user, session, .. } = login.ids.clone();
            async move {
                let except = (number != CALLS / 2).then_some(&*session);
                let (user_id, keep_until) = (&user, at(KEPT));
                revoke(&*store, &Revocation::User { user_id, except, keep_until }, 5).await;
            }
        })
        .await;
        login.assert_ended(&login.ids.first, "a session that one revocation did not spare").await;
    }
}

/// Revoking a session revokes its refresh tokens, even if one is spent concurrently.
pub async fn a_revoked_session_outruns_spendings<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let mut logins = Vec::new();
        for _ in 0..CALLS / 2 {
            logins.push(Login::begun(&**store).await);
        }
        let newest = at_once(store, |number, store| {
            let ids = logins[number / 2].ids.clone();
            async move {
                let login = ids.on(&*store);
                if number % 2 == 1 {
                    login.revoke_session(5).await;
                    return None;
                }
                Some(rotate_while_alive(&login, false).await)
            }
        })
        .await;
        for (login, newest) in logins.iter().zip(newest.into_iter().flatten()) {
            login.assert_ended(&newest, "a revoked session").await;
        }
    }
}

/// Concurrent logins do not exceed the limit of sessions.
pub async fn many_logins_keep_to_a_limit<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let user = new_user();
        at_once(store, |_, store| {
            let ids = Ids::of(&user);
            async move {
                let login = ids.on(&*store);
                login.begin_as(&login.beginning(0).with_limit(NonZeroUsize::new(3))).await;
            }
        })
        .await;
        assert_eq!(sessions(&**store, &user, 1).await.len(), 3, "the limit allows three");
    }
}

/// Logins and revocations of one user can run concurrently.
pub async fn writes_of_one_user_do_not_collide<S: TokenStore>(store: &Arc<S>, rounds: usize) {
    for _ in 0..rounds {
        let (user, jti) = (new_user(), new_id());
        let session_id = Login::begun_by(&user, &**store).await.ids.session;
        at_once(store, |_, store| {
            let ids = Ids::of(&user);
            async move { ids.on(&*store).begin(0, KEPT).await }
        })
        .await;
        assert_eq!(sessions(&**store, &user, 1).await.len(), CALLS + 1, "all have logged in");

        at_once(store, |number, store| {
            let (user_id, jti, session_id) = (user.clone(), jti.clone(), session_id.clone());
            async move {
                let (user_id, jti, session_id) = (&user_id, &*jti, &*session_id);
                let keep_until = at(KEPT);
                let revocation = match number % 3 {
                    0 => Revocation::Token { jti, user_id, keep_until },
                    1 => Revocation::Session { session_id, user_id, keep_until },
                    _ => return revoke_user(&*store, user_id, 5).await,
                };
                revoke(&*store, &revocation, 5).await;
            }
        })
        .await;
        let token = TokenRef::new(user.as_str(), at(6));
        let revoked = [
            token.with_jti(Some(&jti)),
            token.with_session(Some(&session_id)),
            TokenRef::new(user.as_str(), at(5)),
        ];
        for token in &revoked {
            assert!(is_revoked(&**store, token).await, "it was revoked many times");
        }
        assert!(!is_revoked(&**store, &token).await, "it was issued afterwards");
        assert!(sessions(&**store, &user, 1).await.is_empty(), "all sessions have ended");
    }
}
