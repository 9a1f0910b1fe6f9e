use crate::{
    clock::NumericDate,
    store::{Revocation, Spent, TokenRef, TokenStore},
};

use super::scene::{
    Ids, KEPT, Login, Terms, at, is_revoked, new_id, new_user, revoke, revoke_user, sessions,
};

/// An unknown token is not revoked, unless it is a refresh token whose session must be known.
pub async fn unknown_tokens_are_not_revoked<S: TokenStore>(store: &S) {
    let unknown = Ids::of(&new_user()).on(store);
    let token = TokenRef::new(unknown.ids.user.as_str(), at(0));
    assert!(!is_revoked(store, &token).await, "a token without an id");
    assert!(!is_revoked(store, &token.with_jti(Some(&new_id()))).await, "a token without session");
    assert!(!unknown.is_access_revoked().await, "an access token of an unknown session");

    let jti = &unknown.ids.first;
    assert!(unknown.is_refresh_revoked(jti, false).await, "its session must be known");
    assert!(!unknown.is_refresh_revoked(jti, true).await, "its session may be unknown");
    let token = token.with_jti(Some(jti));
    assert!(is_revoked(store, &token.as_refresh(false)).await, "it has no session");
    assert!(sessions(store, &unknown.ids.user, 0).await.is_empty(), "a check begins no session");
}

/// Only the newest refresh token of a session is valid.
pub async fn spent_refresh_tokens_are_revoked<S: TokenStore>(store: &S) {
    let login = Ids::without_session(&new_user()).on(store);
    let successor = new_id();
    login.spend_for(&login.ids.first, &successor, 1, Terms::adopt(0)).await;
    let newest = login.rotate(&successor, 2).await;
    for adopt in [false, true] {
        for spent in [&login.ids.first, &successor] {
            assert!(login.is_refresh_revoked(spent, adopt).await, "it was spent");
        }
        assert!(!login.is_refresh_revoked(&newest, adopt).await, "it is the newest");
        assert!(
            login.is_refresh_revoked(&new_id(), adopt).await,
            "it does not belong to the session"
        );
    }
    assert!(!login.is_access_revoked().await, "access tokens are not spent");
}

/// Revoking a token revokes nothing else, and can be repeated.
pub async fn a_revoked_token_is_refused_alone<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let jti = new_id();
    for now in [1, 1, 2] {
        login.revoke_token(&jti, now).await;
        for session in [None, Some(&*login.ids.session), Some("unknown")] {
            let token = TokenRef::new(login.ids.user.as_str(), at(9)).with_session(session);
            assert!(is_revoked(store, &token.with_jti(Some(&jti))).await, "it was revoked");
            assert!(!is_revoked(store, &token.with_jti(Some(&new_id()))).await, "another token");
            assert!(!is_revoked(store, &token).await, "a token without an id");
        }
    }
    let user = new_user();
    let token = TokenRef::new(user.as_str(), at(0)).with_jti(Some(&jti));
    assert!(!is_revoked(store, &token).await, "a token of another user");
    login.assert_alive(&login.ids.first, "the session of a revoked token").await;

    login.revoke_token(&login.ids.first, 3).await;
    for adopt in [false, true] {
        assert!(login.is_refresh_revoked(&login.ids.first, adopt).await, "it was revoked");
    }
}

/// Revoking a session ends no other session, and can be repeated.
pub async fn a_revoked_session_ends_alone<S: TokenStore>(store: &S) {
    let user = new_user();
    let (login, other) = (Login::begun_by(&user, store).await, Login::begun_by(&user, store).await);
    let newest = login.rotate(&login.ids.first, 1).await;
    for now in [2, 2, 3] {
        login.revoke_session(now).await;
        login.assert_ended(&newest, "a revoked session").await;
    }
    other.assert_alive(&other.ids.first, "another session of the user").await;
    let spent = login.spend(&login.ids.first, 4).await;
    assert_eq!(spent, Spent::Revoked, "a session ends once, so this is not reuse");
}

/// A session is revoked only under the id of its own user.
pub async fn a_session_is_revoked_by_its_user_only<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let thief = Ids { user: new_user(), ..login.ids.clone() }.on(store);
    thief.revoke_session(1).await;
    login.assert_alive(&login.ids.first, "a session that another user revoked").await;
    thief.revoke_token(&login.ids.first, 1).await;
    login.assert_alive(&login.ids.first, "a session whose token another user revoked").await;
    login.rotate(&login.ids.first, 2).await;
}

/// Revoking an unknown session succeeds and changes nothing.
pub async fn revoking_an_unknown_session_changes_nothing<S: TokenStore>(store: &S) {
    let login = Ids::of(&new_user()).on(store);
    for now in [1, 1, 2] {
        login.revoke_session(now).await;
        assert!(!login.is_access_revoked().await, "an access token of an unknown session");
        assert!(login.is_refresh_revoked(&login.ids.first, false).await, "an unknown session");
    }
    login.begin(3, KEPT).await;
    login.assert_alive(&login.ids.first, "a session that began afterwards").await;
}

/// Beginning a known session changes nothing.
pub async fn a_known_session_is_not_begun_again<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 1).await;
    let listed = login.listed().await;
    login.begin(2, KEPT).await;
    assert!(login.listed().await == listed, "nothing has changed");
    login.assert_alive(&newest, "a session that was begun twice").await;
    login.revoke_session(3).await;
    login.begin(4, KEPT).await;
    login.assert_ended(&newest, "a revoked session that was begun again").await;
}

/// Revoking a user ends all sessions of this user only, and can be repeated.
pub async fn a_revoked_user_loses_all_sessions<S: TokenStore>(store: &S) {
    let user = new_user();
    let (first, second) =
        (Login::begun_by(&user, store).await, Login::begun_by(&user, store).await);
    let newest = second.rotate(&second.ids.first, 1).await;
    let other = Login::begun(store).await;
    for now in [2, 2, 3] {
        revoke_user(store, &user, now).await;
        first.assert_ended(&first.ids.first, "the first session of a revoked user").await;
        second.assert_ended(&newest, "the second session of a revoked user").await;
        assert!(sessions(store, &user, 0).await.is_empty(), "no session is listed");
    }
    other.assert_alive(&other.ids.first, "a session of another user").await;
}

/// Revoking a user spares the excepted session if it is known and belongs to the user.
pub async fn a_revoked_user_may_keep_a_session<S: TokenStore>(store: &S) {
    let user_id = &new_user();
    let (kept, lost) =
        (Login::begun_by(user_id, store).await, Login::begun_by(user_id, store).await);
    let newest = kept.rotate(&kept.ids.first, 1).await;
    let other = Ids { user: new_user(), ..kept.ids.clone() }.on(store);
    other.begin(0, KEPT).await;
    let except = Some(&*kept.ids.session);
    for now in [2, 2] {
        revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, now).await;
        kept.assert_alive(&newest, "the session that was excepted").await;
        lost.assert_ended(&lost.ids.first, "another session of a revoked user").await;
    }
    let token = TokenRef::new(user_id.as_str(), at(2));
    assert!(is_revoked(store, &token).await, "a token without session has no exception");

    let user_id = &other.ids.user;
    let unknown = Ids::without_session(user_id).on(store);
    let except = Some(&*unknown.ids.session);
    revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, 2).await;
    other.assert_ended(&other.ids.first, "a session that was not excepted").await;
    assert!(unknown.is_access_revoked().await, "an unknown session is no exception");
    let spent = unknown.spend_for(&unknown.ids.first, &new_id(), 3, Terms::adopt(0)).await;
    assert_eq!(spent, Spent::Revoked, "an unknown session is not adopted either");

    let newest = kept.rotate(&newest, 3).await;
    kept.revoke_user(4).await;
    kept.assert_ended(&newest, "a session that was excepted before").await;
}

/// The order of calls counts, not their times. A session that began before the revocation ends, and
/// a later one stays alive, even in the same second or if clocks differ.
pub async fn a_revoked_user_may_log_in_again<S: TokenStore>(store: &S) {
    for revoked_at in [5, 10, 15] {
        let user = new_user();
        let (before, after) = (Ids::of(&user).on(store), Ids::of(&user).on(store));
        before.begin(10, KEPT).await;
        revoke_user(store, &user, revoked_at).await;
        after.begin(10, KEPT).await;
        before.assert_ended(&before.ids.first, "a session begun before").await;
        after.assert_alive(&after.ids.first, "a session begun afterwards").await;
        let newest = after.rotate(&after.ids.first, 11).await;
        after.assert_alive(&newest, "a session begun afterwards and rotated").await;
        assert_eq!(sessions(store, &user, 11).await.len(), 1, "one of the two is listed");
        revoke_user(store, &user, revoked_at).await;
        after.assert_ended(&newest, "a session begun before the second revocation").await;
    }
}

/// Revoking a user revokes tokens without a known session that were issued up to that time.
pub async fn a_revoked_user_loses_tokens_without_session<S: TokenStore>(store: &S) {
    let (user, other) = (new_user(), new_user());
    revoke_user(store, &user, 10).await;
    for session in [None, Some(&*new_id())] {
        for (issued_at, expected) in [(0, true), (9, true), (10, true), (11, false)] {
            let token = TokenRef::new(user.as_str(), at(issued_at)).with_session(session);
            let why = format!("issued at {issued_at}, the user revoked at 10");
            assert_eq!(is_revoked(store, &token).await, expected, "{why}");
            let token = token.with_jti(session.or(Some("7"))).as_refresh(true);
            assert_eq!(is_revoked(store, &token).await, expected, "a refresh token {why}");
            let token = TokenRef { user_id: other.as_str(), ..token };
            assert!(!is_revoked(store, &token).await, "a token of another user");
        }
    }
    let undated = TokenRef::new(user.as_str(), NumericDate::default());
    assert!(is_revoked(store, &undated).await, "a token without a time counts as old");
}

/// A later revocation of a user with an earlier time does not weaken the first one.
pub async fn a_revocation_is_not_weakened_by_an_earlier_date<S: TokenStore>(store: &S) {
    let user = new_user();
    revoke_user(store, &user, 10).await;
    let revocation = Revocation::User { user_id: &user, except: None, keep_until: at(KEPT - 1) };
    revoke(store, &revocation, 5).await;
    let token = TokenRef::new(user.as_str(), at(10));
    assert!(is_revoked(store, &token).await, "the first revocation applies");
    revoke_user(store, &user, 20).await;
    let token = TokenRef::new(user.as_str(), at(20));
    assert!(is_revoked(store, &token).await, "a later time revokes more tokens");
}
