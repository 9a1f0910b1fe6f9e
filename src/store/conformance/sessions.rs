use std::{collections::BTreeSet, num::NonZeroUsize};

use crate::store::{Revocation, Spent, TokenStore};

use super::scene::{
    DAY, Ids, KEPT, Login, Terms, all_pages, at, new_id, new_user, revoke, revoke_user, sessions,
};

/// A session is listed with the times of its login and its last refresh. Rotation keeps its id.
pub async fn a_session_is_listed_with_its_times<S: TokenStore>(store: &S) {
    let login = Ids::of(&new_user()).on(store);
    login.begin(5, KEPT).await;
    let listed = login.listed().await.expect("a session that was begun is listed");
    assert_eq!(listed.created_at, at(5), "it began at 5");
    assert_eq!(listed.last_used_at, at(5), "its beginning is its first use");
    assert_eq!(listed.expires_at, at(5 + DAY), "its refresh token expires after a day");

    let second = login.rotate(&login.ids.first, 100).await;
    login.rotate(&second, 200).await;
    let listed = login.listed().await.expect("a session that was rotated is listed");
    assert_eq!(listed.created_at, at(5), "it began at 5");
    assert_eq!(listed.last_used_at, at(200), "it was last rotated at 200");
    assert_eq!(listed.expires_at, at(200 + DAY), "its newest refresh token expires a day later");
}

/// A session keeps the label of its login.
pub async fn a_session_keeps_its_label<S: TokenStore>(store: &S) {
    let long = "ü".repeat(100);
    for label in [None, Some("Ada's \"phone\" {🙂}, 100% \\ blue"), Some(&*long)] {
        let login = Ids::of(&new_user()).on(store);
        login.begin_as(&login.beginning(0).with_label(label)).await;
        for now in [1, 2] {
            let listed = login.listed().await.expect("a session that was begun is listed");
            assert_eq!(listed.label.as_deref(), label, "the label is unchanged");
            if now == 1 {
                login.rotate(&login.ids.first, now).await;
            }
        }
    }
    let login = Ids::without_session(&new_user()).on(store);
    login.spend_for(&login.ids.first, &new_id(), 1, Terms::adopt(0)).await;
    let listed = login.listed().await.expect("an adopted session is listed");
    assert_eq!(listed.label, None, "an adopted session has no label");
}

/// The label of a live session can be changed and removed. Nothing else changes.
pub async fn a_live_session_can_be_labelled<S: TokenStore>(store: &S) {
    let user = new_user();
    let (login, other) = (Login::begun_by(&user, store).await, Login::begun_by(&user, store).await);
    let before = login.listed().await.expect("a session that was begun is listed");
    let long = "ü".repeat(127);
    for label in [Some("telephone"), None, None, Some(""), Some("\0\u{1} {}%'\""), Some(&*long)] {
        assert!(login.set_label(label, 1).await, "the session is live");
        let expected = before.clone().with_label(label.map(Into::into));
        assert!(login.listed().await == Some(expected), "its label is set, and nothing else");
    }
    let newest = login.rotate(&login.ids.first, 2).await;
    login.assert_alive(&newest, "a session that was labelled").await;
    let listed = login.listed().await.expect("a session that was rotated is listed");
    assert_eq!(listed.label.as_deref(), Some(&*long), "a rotation keeps the label");
    assert!(login.set_label(Some("tablet"), 3).await, "a rotated session is live");
    let listed = other.listed().await.expect("another session is listed");
    assert_eq!(listed.label, None, "another session has no label");

    let adopted = Ids::without_session(&user).on(store);
    adopted.spend_for(&adopted.ids.first, &new_id(), 1, Terms::adopt(0)).await;
    assert!(adopted.set_label(Some("telephone"), 2).await, "an adopted session is live");
    let listed = adopted.listed().await.expect("an adopted session is listed");
    assert_eq!(listed.label.as_deref(), Some("telephone"), "its label is set");
}

/// Sessions that are unknown, another user's, ended or expired cannot be labelled.
pub async fn only_live_sessions_can_be_labelled<S: TokenStore>(store: &S) {
    let unknown = Ids::of(&new_user()).on(store);
    assert!(!unknown.set_label(Some("telephone"), 1).await, "the session is unknown");
    assert!(unknown.listed().await.is_none(), "a label begins no session");
    unknown.begin(1, KEPT).await;
    let listed = unknown.listed().await.expect("a session that was begun is listed");
    assert_eq!(listed.label, None, "an earlier label had no effect");

    let login = Login::begun(store).await;
    let thief = Ids { user: new_user(), ..login.ids.clone() }.on(store);
    assert!(!thief.set_label(Some("telephone"), 1).await, "the session is another user's");
    let listed = login.listed().await.expect("a session that was begun is listed");
    assert_eq!(listed.label, None, "another user cannot label it");

    assert!(login.set_label(Some("telephone"), DAY - 1).await, "it has not expired");
    assert!(!login.set_label(Some("tablet"), DAY).await, "it has expired");
    let listed = login.listed().await.expect("it is listed at an earlier time");
    assert_eq!(listed.label.as_deref(), Some("telephone"), "its label has not changed");

    login.revoke_session(1).await;
    assert!(!login.set_label(Some("tablet"), 1).await, "it has ended");
    login.assert_ended(&login.ids.first, "a session that has ended").await;
    let login = Login::begun(store).await;
    login.revoke_user(1).await;
    assert!(!login.set_label(Some("tablet"), 1).await, "it has ended with its user");
    login.assert_ended(&login.ids.first, "a session of a revoked user").await;
}

/// A login with a limit ends the least recently used live sessions that exceed it.
pub async fn a_limit_ends_what_was_used_longest_ago<S: TokenStore>(store: &S) {
    let user = new_user();
    let other = Login::begun(store).await;
    let [first, second, third, fourth, fifth, last] = [(); 6].map(|()| Ids::of(&user).on(store));
    let limit = NonZeroUsize::new;
    let ids = |logins: &[&Login<'_, S>]| {
        let ids = logins.iter().map(|login| Box::from(&*login.ids.session));
        ids.collect::<BTreeSet<Box<str>>>().into_iter().collect::<Vec<_>>()
    };
    for (login, now) in [(&first, 0), (&second, 1), (&third, 2)] {
        let ended = login.begin_as(&login.beginning(now).with_limit(limit(3))).await;
        assert!(ended.is_empty(), "the limit allows three");
    }
    let newest = first.rotate(&first.ids.first, 10).await;
    assert_eq!(sessions(store, &user, 10).await.len(), 3, "the limit allows three");

    let ended = fourth.begin_as(&fourth.beginning(20).with_limit(limit(2))).await;
    assert!(ended == ids(&[&second, &third]), "the ended sessions are returned");
    second.assert_ended(&second.ids.first, "the least recently used session").await;
    third.assert_ended(&third.ids.first, "the second least recently used session").await;
    first.assert_alive(&newest, "the most recently used session").await;
    fourth.assert_alive(&fourth.ids.first, "the new session").await;

    fourth.revoke_session(21).await;
    let ended = fifth.begin_as(&fifth.beginning(22).with_limit(limit(2))).await;
    assert!(ended.is_empty(), "a session that ended before does not end again");
    first.assert_alive(&newest, "a session within the limit, because one had ended").await;
    let ended = fifth.begin_as(&fifth.beginning(23).with_limit(limit(1))).await;
    assert!(ended.is_empty(), "beginning a known session changes nothing");
    first.assert_alive(&newest, "beginning a known session changes nothing").await;
    // A clock is behind, so this session looks like the least recently used one.
    let ended = last.begin_as(&last.beginning(5).with_limit(limit(1))).await;
    assert!(ended == ids(&[&first, &fifth]), "the ended sessions are returned");
    first.assert_ended(&newest, "a session beyond the limit").await;
    fifth.assert_ended(&fifth.ids.first, "a session beyond the limit").await;
    last.assert_alive(&last.ids.first, "the new session").await;
    other.assert_alive(&other.ids.first, "a session of another user").await;
}

/// A limit also applies to users with many more sessions, after at most a few more logins.
pub async fn a_limit_ends_many_sessions<S: TokenStore>(store: &S) {
    let user = new_user();
    let spared = Login::begun_by(&user, store).await;
    for _ in 0..110 {
        Login::begun_by(&user, store).await;
    }
    let mut ended = BTreeSet::new();
    spared.rotate(&spared.ids.first, 1).await;
    let mut newest = None;
    for now in 2..=4 {
        let login = Ids::of(&user).on(store);
        let begun = login.begin_as(&login.beginning(now).with_limit(NonZeroUsize::new(5))).await;
        ended.extend(begun);
        newest = Some(login);
    }
    assert_eq!(sessions(store, &user, 5).await.len(), 5, "the limit allows five");
    assert_eq!(ended.len(), 114 - 5, "the ids of all that have ended are returned");
    assert!(spared.listed().await.is_some(), "it was used more recently than most");
    let newest = newest.expect("there were three logins");
    newest.assert_alive(&newest.ids.first, "the most recently used session").await;
}

/// Expired sessions, and sessions that ended with their user, do not count.
pub async fn a_limit_counts_live_sessions_only<S: TokenStore>(store: &S) {
    let user = new_user();
    let limit = NonZeroUsize::new(2);
    for _ in 0..3 {
        Login::begun_by(&user, store).await;
    }
    revoke_user(store, &user, 1).await;
    let expired = Ids::of(&user).on(store);
    expired.begin_as(&expired.beginning(2).with_expiry(at(3), at(KEPT))).await;
    let [first, second, third] = [(); 3].map(|()| Ids::of(&user).on(store));
    for (login, now) in [(&first, 4), (&second, 5)] {
        let ended = login.begin_as(&login.beginning(now).with_limit(limit)).await;
        assert!(ended.is_empty(), "the limit allows two");
    }
    let ended = third.begin_as(&third.beginning(6).with_limit(limit)).await;
    assert!(ended == [Box::from(&*first.ids.session)], "the least recently used one ends");
    second.assert_alive(&second.ids.first, "a session within the limit").await;
}

/// Pages of any size list each session once.
pub async fn pages_list_each_session_once<S: TokenStore>(store: &S) {
    let user = new_user();
    let mut expected = Vec::new();
    for now in 0..130 {
        let login = Ids::of(&user).on(store);
        // Several have the same time of last use.
        login.begin(now / 9, KEPT).await;
        match now % 13 {
            0 => login.revoke_session(now).await,
            _ => expected.push(login.ids.session.into_boxed_str()),
        }
    }
    expected.sort();
    for limit in [1, 2, 7, 64, 100] {
        let listed = all_pages(store, &user, 20, limit).await;
        let mut listed: Vec<_> = listed.into_iter().map(|session| session.id).collect();
        listed.sort();
        assert!(listed == expected, "pages of {limit}");
    }
}

/// Ended and expired sessions are not listed.
pub async fn only_live_sessions_are_listed<S: TokenStore>(store: &S) {
    let user = new_user();
    let revoked = Login::begun_by(&user, store).await;
    revoked.revoke_session(1).await;
    let reused = Login::begun_by(&user, store).await;
    reused.rotate(&reused.ids.first, 1).await;
    reused.spend(&reused.ids.first, 2).await;
    Ids::of(&user).on(store).revoke_session(1).await;
    assert!(sessions(store, &user, 3).await.is_empty(), "all sessions have ended");

    let rotated = Login::begun_by(&user, store).await;
    rotated.rotate(&rotated.ids.first, 10).await;
    let unused = Login::begun_by(&user, store).await;
    for (now, expected) in [(0, 2), (DAY - 1, 2), (DAY, 1), (DAY + 9, 1), (DAY + 10, 0)] {
        let listed = sessions(store, &user, now).await;
        assert_eq!(listed.len(), expected, "{now} seconds after login");
        assert_eq!(listed.contains_key(&*rotated.ids.session), expected >= 1, "after {now}");
        assert_eq!(listed.contains_key(&*unused.ids.session), expected == 2, "after {now}");
    }
}

/// All sessions of a user are listed, and no others.
pub async fn each_user_has_its_own_list<S: TokenStore>(store: &S) {
    let users = [new_user(), new_user()];
    let mut expected = [Vec::new(), Vec::new()];
    for _ in 0..60 {
        for (user, expected) in users.iter().zip(&mut expected) {
            expected.push(Login::begun_by(user, store).await.ids.session.into_boxed_str());
        }
    }
    for (user, mut expected) in users.iter().zip(expected) {
        expected.sort();
        let listed: Vec<_> = sessions(store, user, 1).await.into_keys().collect();
        assert!(listed == expected, "all sixty, and only these");
    }
    assert!(sessions(store, &new_user(), 1).await.is_empty(), "another user has none");
}

/// Two users with the same session id have two sessions.
pub async fn users_may_share_ids<S: TokenStore>(store: &S) {
    let first = Ids::without_session(&new_user()).on(store);
    let second = Ids { user: new_user(), ..first.ids.clone() }.on(store);
    first.begin(0, KEPT).await;
    let successor = new_id();
    let terms = Terms::adopt(0);
    let spent = second.spend_for(&second.ids.first, &successor, 1, terms).await;
    assert_eq!(spent, Spent::First, "the second user's session is adopted");
    first.assert_alive(&first.ids.first, "the first user's session").await;
    second.assert_alive(&successor, "the second user's session").await;
    first.revoke_user(2).await;
    first.assert_ended(&first.ids.first, "the first user's session").await;
    second.assert_alive(&successor, "the second user's session").await;
}

/// Ending sessions of one user, or sparing one, leaves a session of another user with the same id
/// as it is.
pub async fn users_with_the_same_session_id_do_not_affect_each_other<S: TokenStore>(store: &S) {
    let first = Login::begun(store).await;
    let second = Ids { user: new_user(), ..first.ids.clone() }.on(store);
    second.begin(0, KEPT).await;
    let login = Ids::of(&first.ids.user).on(store);
    let ended = login.begin_as(&login.beginning(1).with_limit(NonZeroUsize::new(1))).await;
    assert_eq!(
        ended,
        [first.ids.session.clone().into_boxed_str()],
        "the limit ends the first session"
    );
    second.assert_alive(&second.ids.first, "the session of the second user").await;

    second.revoke_user(2).await;
    let (user_id, except) = (&login.ids.user, Some(&*second.ids.session));
    revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, 3).await;
    second.assert_ended(&second.ids.first, "a session of the second user that had ended").await;
}
