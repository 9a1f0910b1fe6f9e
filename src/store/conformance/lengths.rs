use std::fmt::Debug;

use crate::{
    store::{
        Consume, Consumed, NewSession, Page, Revocation, Spend, StoreError, StoreErrorKind,
        TokenRef, TokenStore,
    },
    token::UserId,
};

use super::scene::{Ids, KEPT, Login, at, new_id, new_user, revoke_user};

/// Every method rejects ids and labels of more than 255 bytes. Nothing is stored.
pub async fn ids_that_are_too_long_are_rejected<S: TokenStore>(store: &S) {
    let (long, user) = ("ü".repeat(128), new_user());
    let (long, id) = (&*long, &*new_id());
    let long_user = &UserId::from(long);
    for (user, session_id, refresh, label) in [
        (long_user, id, id, None),
        (&user, long, id, None),
        (&user, id, long, None),
        (&user, id, id, Some(long)),
    ] {
        let session = NewSession::new(session_id, user, refresh, at(0))
            .with_expiry(at(KEPT), at(KEPT))
            .with_label(label);
        assert_rejected(store.begin(&session).await);
        if label.is_none() {
            let spend = Spend::new(&session, at(0), id).with_adoption(true);
            assert_rejected(store.spend(&spend).await);
        }
    }
    let session = NewSession::new(id, &user, id, at(0)).with_expiry(at(KEPT), at(KEPT));
    assert_rejected(store.spend(&Spend::new(&session, at(0), long).with_adoption(true)).await);

    let (keep_until, except) = (at(KEPT), None);
    for revocation in [
        Revocation::Token { jti: long, user_id: &user, keep_until },
        Revocation::Token { jti: id, user_id: long_user, keep_until },
        Revocation::Session { session_id: long, user_id: &user, keep_until },
        Revocation::Session { session_id: id, user_id: long_user, keep_until },
        Revocation::User { user_id: long_user, except, keep_until },
        Revocation::User { user_id: &user, except: Some(long), keep_until },
    ] {
        assert_rejected(store.revoke(&revocation, at(0)).await);
    }
    let token = TokenRef::new(user.as_str(), at(0));
    for token in [
        TokenRef::new(long, at(0)),
        token.with_jti(Some(long)),
        token.with_session(Some(long)),
        token.with_jti(Some(long)).as_refresh(true),
    ] {
        assert_rejected(store.is_revoked(&token).await);
        assert_eq!(store.is_revoked_now(&token), None, "the error comes from `is_revoked`");
    }
    assert_rejected(store.sessions(long_user, at(0), Page::first()).await);
    for (user_id, session_id, label) in
        [(long_user, id, None), (&user, long, None), (&user, id, Some(long))]
    {
        assert_rejected(store.set_label(user_id, session_id, label, at(0)).await);
    }
    let consume = Consume::token(id, &user, at(0), keep_until);
    for consume in [
        Consume::token(long, &user, at(0), keep_until),
        Consume::token(id, long_user, at(0), keep_until),
        consume.with_session(Some(long)),
        Consume::other(long, &user, keep_until),
        Consume::other(id, long_user, keep_until),
    ] {
        assert_rejected(store.consume(&consume, at(0)).await);
    }
    let first = store.consume(&consume, at(0)).await.expect("the store consumes an id");
    assert_eq!(first, Consumed::First, "nothing was stored");

    let login = Ids { session: id.to_owned(), first: id.to_owned(), user }.on(store);
    assert!(login.listed().await.is_none(), "nothing was stored");
    assert!(!login.is_access_revoked().await, "nothing was stored");
}

fn assert_rejected<T: Debug>(outcome: Result<T, StoreError>) {
    let error = outcome.expect_err("an id that is too long is rejected");
    assert_eq!(error.kind(), StoreErrorKind::InvalidInput, "the kind of the error");
}

/// Ids and labels of 255 bytes are accepted.
pub async fn the_longest_ids_are_accepted<S: TokenStore>(store: &S) {
    let long = |id: String| id.clone() + &"é".repeat((255 - id.len()) / 2) + "x";
    let ids = Ids {
        user: long(new_user().as_str().to_owned()).into(),
        session: long(new_id()),
        first: long(new_id()),
    };
    assert_eq!(ids.session.len(), 255, "the longest id");
    let login: Login<'_, S> = ids.on(store);
    let label = long(new_id());
    login.begin_as(&login.beginning(0).with_label(Some(&label))).await;
    let listed = login.listed().await.expect("a session that was begun is listed");
    assert_eq!(listed.label.as_deref(), Some(&*label), "the label is complete");
    let newest = login.rotate(&login.ids.first, 1).await;
    login.assert_alive(&newest, "a session with the longest ids").await;
    login.revoke_token(&login.ids.first, 2).await;
    let (jti, session) = (long(new_id()), Some(&*login.ids.session));
    let token = Consume::token(&jti, &login.ids.user, at(0), at(KEPT)).with_session(session);
    for consume in [token, Consume::other(&jti, &login.ids.user, at(KEPT))] {
        let first = store.consume(&consume, at(2)).await.expect("the store consumes an id");
        assert_eq!(first, Consumed::First, "it was not consumed before");
    }
    assert!(login.set_label(Some(&long(new_id())), 2).await, "the session is live");
    login.revoke_session(2).await;
    revoke_user(store, &login.ids.user, 2).await;
    login.assert_ended(&newest, "a session with the longest ids").await;
}
