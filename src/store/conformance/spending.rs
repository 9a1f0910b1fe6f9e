use std::time::Duration;

use crate::store::{Spent, TokenStore};

use super::scene::{Ids, KEPT, Login, Terms, at, new_id, new_user};

/// Each refresh token is spent once, and its successor is the next.
pub async fn a_spent_token_gives_way_to_its_successor<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let mut newest = login.ids.first.clone();
    for now in 1..=5 {
        login.assert_alive(&newest, "a session that nobody ended").await;
        let spent = newest;
        newest = login.rotate(&spent, now).await;
        assert!(login.is_refresh_revoked(&spent, false).await, "a spent token counts as revoked");
    }
    login.assert_alive(&newest, "a session that was rotated").await;
}

/// Without grace, spending a token twice is reuse, and ends its session but no other.
pub async fn a_second_spending_ends_the_session<S: TokenStore>(store: &S) {
    let user = new_user();
    let (login, other) = (Login::begun_by(&user, store).await, Login::begun_by(&user, store).await);
    let newest = login.rotate(&login.ids.first, 1).await;

    let spent = login.spend(&login.ids.first, 1).await;
    assert_eq!(spent, Spent::Reused, "a second spending is reuse, also in the same second");
    login.assert_ended(&newest, "a session after reuse").await;
    let spent = login.spend(&login.ids.first, 2).await;
    assert_eq!(spent, Spent::Revoked, "reuse is told once");
    other.assert_alive(&other.ids.first, "another session of the user").await;
}

/// A token that was spent long ago, or was never named, is reuse too, with grace or without.
pub async fn any_token_but_the_newest_ends_the_session<S: TokenStore>(store: &S) {
    for grace in [0, 1_000] {
        let login = Login::begun(store).await;
        let second = login.rotate(&login.ids.first, 1).await;
        let third = login.rotate(&second, 2).await;
        let spent = login.spend_for(&login.ids.first, &new_id(), 3, Terms::grace(grace)).await;
        assert_eq!(spent, Spent::Reused, "a token of two rotations ago");
        login.assert_ended(&third, "a session after reuse of an old token").await;

        let login = Login::begun(store).await;
        let spent = login.spend_for(&new_id(), &new_id(), 3, Terms::grace(grace)).await;
        assert_eq!(spent, Spent::Reused, "a token that is none of the session's");
        login.assert_ended(&login.ids.first, "a session after use of a strange token").await;
    }
}

/// Tokens of a session that was never begun, or is another user's, cannot be spent, and nothing
/// comes of the try.
pub async fn tokens_of_unknown_sessions_cannot_be_spent<S: TokenStore>(store: &S) {
    let unknown = Ids::of(&new_user()).on(store);
    for _ in 0..2 {
        let spent = unknown.spend(&unknown.ids.first, 1).await;
        assert_eq!(spent, Spent::Revoked, "the session is unknown");
    }
    assert!(!unknown.is_access_revoked().await, "an unknown session has not ended");
    unknown.begin(2, KEPT).await;
    unknown.rotate(&unknown.ids.first, 3).await;

    let login = Login::begun(store).await;
    let thief = Ids { user: new_user(), ..login.ids.clone() }.on(store);
    let spent = thief.spend(&login.ids.first, 1).await;
    assert_eq!(spent, Spent::Revoked, "the session is another user's");
    login.rotate(&login.ids.first, 2).await;
}

/// Within the grace time of the call, the token spent last gets the same successor any number of
/// times, with the time of the first spending, and nothing changes by it.
pub async fn within_the_grace_a_token_gets_the_same_successor<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let successor = login.rotate(&login.ids.first, 100).await;
    let listed = login.listed().await;
    let again = Spent::Again { successor: (&*successor).into(), at: at(100) };
    for now in [100, 101, 105, 105, 109] {
        let spent = login.spend_for(&login.ids.first, &new_id(), now, Terms::grace(10)).await;
        assert_eq!(spent, again, "at {now}, within ten seconds of 100");
    }
    assert!(login.listed().await == listed, "spending again changes nothing");
    login.assert_alive(&successor, "a session whose token was spent again").await;
    login.rotate(&successor, 110).await;
}

/// The grace ends when as many whole seconds have passed.
pub async fn after_the_grace_a_second_spending_is_reuse<S: TokenStore>(store: &S) {
    for now in [110, 111, 1_000_000] {
        let login = Login::begun(store).await;
        let newest = login.rotate(&login.ids.first, 100).await;
        let spent = login.spend_for(&login.ids.first, &new_id(), now, Terms::grace(10)).await;
        assert_eq!(spent, Spent::Reused, "at {now}, ten seconds after 100 or more");
        login.assert_ended(&newest, "a session after reuse when the grace was over").await;
    }
}

/// Spending again does not prolong the grace.
pub async fn the_grace_does_not_slide<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 100).await;
    for now in [103, 106, 109] {
        let spent = login.spend_for(&login.ids.first, &new_id(), now, Terms::grace(10)).await;
        assert!(matches!(spent, Spent::Again { .. }), "at {now}, within ten seconds of 100");
    }
    let spent = login.spend_for(&login.ids.first, &new_id(), 110, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Reused, "the grace counts from the first spending");
    login.assert_ended(&newest, "a session after reuse when the grace was over").await;
}

/// Once its successor was spent, a token is reuse even within the grace time.
pub async fn the_grace_ends_when_the_successor_is_spent<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let second = login.rotate(&login.ids.first, 100).await;
    let third = login.rotate(&second, 101).await;
    let spent = login.spend_for(&second, &new_id(), 102, Terms::grace(10)).await;
    assert_eq!(
        spent,
        Spent::Again { successor: (&*third).into(), at: at(101) },
        "the token spent last has its own grace"
    );
    let spent = login.spend_for(&login.ids.first, &new_id(), 102, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Reused, "its ancestor has none left");
    login.assert_ended(&third, "a session after reuse of an ancestor").await;
}

/// A clock that is behind makes no grace where there is none, and ends none where there is one.
pub async fn the_grace_bears_clocks_that_differ<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 100).await;
    let spent = login.spend_for(&login.ids.first, &new_id(), 95, Terms::grace(10)).await;
    let again = Spent::Again { successor: (&*newest).into(), at: at(100) };
    assert_eq!(spent, again, "no time has passed since a spending yet to come");
    let spent = login.spend(&login.ids.first, 95).await;
    assert_eq!(spent, Spent::Reused, "there is no grace, whatever the clock says");

    let login = Login::begun(store).await;
    login.rotate(&login.ids.first, 100).await;
    let terms = Terms { grace: Duration::from_millis(999), ..Terms::default() };
    let spent = login.spend_for(&login.ids.first, &new_id(), 100, terms).await;
    assert_eq!(spent, Spent::Reused, "less than a second is no grace");
}

/// A token that was itself revoked cannot be spent, and trying it ends nothing.
pub async fn a_revoked_token_cannot_be_spent<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    login.revoke_token(&login.ids.first, 1).await;
    let spent = login.spend(&login.ids.first, 2).await;
    assert_eq!(spent, Spent::Revoked, "the token was revoked");
    assert!(!login.is_access_revoked().await, "its session was not");

    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 1).await;
    login.revoke_token(&login.ids.first, 1).await;
    let spent = login.spend_for(&login.ids.first, &new_id(), 2, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Revoked, "a revoked token has no grace");
    login.assert_alive(&newest, "a session of which a spent token was revoked").await;
}
