use std::time::Duration;

use crate::store::{Spent, TokenStore};

use super::scene::{Ids, KEPT, Login, Terms, at, new_id, new_user};

/// Each refresh token is spent once. Then its successor can be spent.
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

/// Without grace, spending a token twice is reuse. This ends its session and no other.
pub async fn a_second_spending_ends_the_session<S: TokenStore>(store: &S) {
    let user = new_user();
    let (login, other) = (Login::begun_by(&user, store).await, Login::begun_by(&user, store).await);
    let newest = login.rotate(&login.ids.first, 1).await;

    let spent = login.spend(&login.ids.first, 1).await;
    assert_eq!(spent, Spent::Reused, "a second spending is reuse, even in the same second");
    login.assert_ended(&newest, "a session after reuse").await;
    let spent = login.spend(&login.ids.first, 2).await;
    assert_eq!(spent, Spent::Revoked, "reuse is reported once");
    other.assert_alive(&other.ids.first, "another session of the user").await;
}

/// Spending an older or unknown token of a session is reuse too, with or without grace.
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
        assert_eq!(spent, Spent::Reused, "a token that does not belong to the session");
        login.assert_ended(&login.ids.first, "a session after use of an unknown token").await;
    }
}

/// Tokens of an unknown session, or of another user's session, cannot be spent. The attempt changes
/// nothing.
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

/// Within the grace time, spending the last spent token again returns the same successor, with the
/// time of the first spending. This changes nothing, and can be repeated.
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

/// The grace time ends after that many whole seconds.
pub async fn after_the_grace_a_second_spending_is_reuse<S: TokenStore>(store: &S) {
    for now in [110, 111, 1_000_000] {
        let login = Login::begun(store).await;
        let newest = login.rotate(&login.ids.first, 100).await;
        let spent = login.spend_for(&login.ids.first, &new_id(), now, Terms::grace(10)).await;
        assert_eq!(spent, Spent::Reused, "at {now}, ten seconds after 100 or more");
        login.assert_ended(&newest, "a session after reuse when the grace time was over").await;
    }
}

/// Spending again does not extend the grace time.
pub async fn the_grace_does_not_slide<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 100).await;
    for now in [103, 106, 109] {
        let spent = login.spend_for(&login.ids.first, &new_id(), now, Terms::grace(10)).await;
        assert!(matches!(spent, Spent::Again { .. }), "at {now}, within ten seconds of 100");
    }
    let spent = login.spend_for(&login.ids.first, &new_id(), 110, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Reused, "the grace time starts at the first spending");
    login.assert_ended(&newest, "a session after reuse when the grace time was over").await;
}

/// Spending a token is reuse after its successor was spent, even within the grace time.
pub async fn the_grace_ends_when_the_successor_is_spent<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let second = login.rotate(&login.ids.first, 100).await;
    let third = login.rotate(&second, 101).await;
    let spent = login.spend_for(&second, &new_id(), 102, Terms::grace(10)).await;
    assert_eq!(
        spent,
        Spent::Again { successor: (&*third).into(), at: at(101) },
        "the last spent token has its own grace time"
    );
    let spent = login.spend_for(&login.ids.first, &new_id(), 102, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Reused, "its ancestor has no grace time left");
    login.assert_ended(&third, "a session after reuse of an ancestor").await;
}

/// A clock that is behind neither creates nor ends a grace time.
pub async fn the_grace_bears_clocks_that_differ<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 100).await;
    let spent = login.spend_for(&login.ids.first, &new_id(), 95, Terms::grace(10)).await;
    let again = Spent::Again { successor: (&*newest).into(), at: at(100) };
    assert_eq!(spent, again, "a spending in the future counts as just made");
    let spent = login.spend(&login.ids.first, 95).await;
    assert_eq!(spent, Spent::Reused, "there is no grace time, even if clocks differ");

    let login = Login::begun(store).await;
    login.rotate(&login.ids.first, 100).await;
    let terms = Terms { grace: Duration::from_millis(999), ..Terms::default() };
    let spent = login.spend_for(&login.ids.first, &new_id(), 100, terms).await;
    assert_eq!(spent, Spent::Reused, "less than a second is no grace time");
}

/// A revoked token cannot be spent. The attempt does not end its session.
pub async fn a_revoked_token_cannot_be_spent<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    login.revoke_token(&login.ids.first, 1).await;
    let spent = login.spend(&login.ids.first, 2).await;
    assert_eq!(spent, Spent::Revoked, "the token was revoked");
    assert!(!login.is_access_revoked().await, "its session was not revoked");

    let login = Login::begun(store).await;
    let newest = login.rotate(&login.ids.first, 1).await;
    login.revoke_token(&login.ids.first, 1).await;
    let spent = login.spend_for(&login.ids.first, &new_id(), 2, Terms::grace(10)).await;
    assert_eq!(spent, Spent::Revoked, "a revoked token has no grace time");
    login.assert_alive(&newest, "a session with a revoked spent token").await;
}
