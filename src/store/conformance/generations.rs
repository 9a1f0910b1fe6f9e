use std::num::NonZeroUsize;

use crate::store::{Begun, Revocation, TokenStore};

use super::scene::{
    Ids, KEPT, Login, at, generation, new_id, new_user, revoke, revoke_user, sessions,
};

/// Revoking a user raises the generation. Nothing lowers it.
pub async fn revoking_a_user_raises_the_generation<S: TokenStore>(store: &S) {
    let mut last = generation(store).await;
    for now in [5, 5, 3] {
        revoke_user(store, &new_user(), now).await;
        let raised = generation(store).await;
        assert!(raised > last, "every revocation raises the generation");
        last = raised;
    }
    let login = Login::begun(store).await;
    login.rotate(&login.ids.first, 1).await;
    login.revoke_token(&new_id(), 1).await;
    login.revoke_session(1).await;
    assert!(generation(store).await >= last, "the generation never falls");
}

/// A login is refused if its user was revoked after the login read the generation. A refused login
/// changes nothing.
pub async fn a_login_before_a_revocation_is_refused<S: TokenStore>(store: &S) {
    let user = new_user();
    let before = generation(store).await;
    let earlier = Login::begun_by(&user, store).await;
    earlier.revoke_user(5).await;
    let live = Login::begun_by(&user, store).await;

    let login = Ids::of(&user).on(store);
    // The time of the login does not matter.
    for now in [0, 5, 10] {
        let limit = NonZeroUsize::new(1);
        let session = login.beginning(now).with_limit(limit).with_generation(Some(before));
        assert_eq!(
            login.try_begin(&session).await,
            Begun::UserRevoked,
            "it read the generation before"
        );
    }
    assert!(login.listed().await.is_none(), "a refused login is not listed");
    live.assert_alive(&live.ids.first, "a session that began after the revocation").await;
}

/// A login that read the generation after the revocation of its user succeeds, even in the same
/// second. Its session lasts until the next revocation.
pub async fn a_login_after_a_revocation_stands<S: TokenStore>(store: &S) {
    let user = new_user();
    for now in [5, 5, 4] {
        revoke_user(store, &user, now).await;
        let login = Ids::of(&user).on(store);
        let read = Some(generation(store).await);
        login.begin_as(&login.beginning(now).with_generation(read)).await;
        let newest = login.rotate(&login.ids.first, now).await;
        login.assert_alive(&newest, "a session that began after the revocation").await;
        assert_eq!(sessions(store, &user, 1).await.len(), 1, "the others have ended");
        login.revoke_user(now).await;
        login.assert_ended(&newest, "a session that began before the next revocation").await;
    }
}

/// The revocation of one user does not affect logins of others.
pub async fn logins_of_other_users_are_not_refused<S: TokenStore>(store: &S) {
    let read = Some(generation(store).await);
    revoke_user(store, &new_user(), 5).await;
    let login = Ids::of(&new_user()).on(store);
    login.begin_as(&login.beginning(5).with_generation(read)).await;
    login.assert_alive(&login.ids.first, "a session of another user").await;
    revoke_user(store, &new_user(), 6).await;
    login.assert_alive(&login.ids.first, "a session of another user").await;
}

/// An exception spares a live session. It spares neither logins nor ended sessions.
pub async fn an_exception_spares_live_sessions_only<S: TokenStore>(store: &S) {
    let user_id = &new_user();
    let (ended, live) =
        (Login::begun_by(user_id, store).await, Login::begun_by(user_id, store).await);
    ended.revoke_session(1).await;
    let read = Some(generation(store).await);
    for session in [&*live.ids.session, &*ended.ids.session] {
        let except = Some(session);
        revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, 2).await;
        ended.assert_ended(&ended.ids.first, "a session that had ended").await;
        let login = Ids::of(user_id).on(store);
        let begun = login.try_begin(&login.beginning(3).with_generation(read)).await;
        assert_eq!(begun, Begun::UserRevoked, "a login that began before");
    }
    live.assert_ended(&live.ids.first, "a session that was not spared the second time").await;
    let except = Some(&*live.ids.session);
    revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, 4).await;
    live.assert_ended(&live.ids.first, "a session that had ended with its user").await;
}
