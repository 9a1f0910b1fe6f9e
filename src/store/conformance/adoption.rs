use crate::store::{Revocation, Spent, TokenStore};

use super::scene::{Ids, KEPT, Login, Terms, at, new_id, new_user, revoke};

/// Spending a refresh token without a session begins a session only with adoption.
pub async fn an_unknown_session_is_adopted_when_asked<S: TokenStore>(store: &S) {
    let login = Ids::without_session(&new_user()).on(store);
    let jti = &login.ids.first;
    assert_eq!(login.spend(jti, 10).await, Spent::Revoked, "adoption was not requested");
    assert!(login.listed().await.is_none(), "no session began");

    let successor = new_id();
    let spent = login.spend_for(jti, &successor, 11, Terms::adopt(5)).await;
    assert_eq!(spent, Spent::First, "adoption was requested");
    login.assert_alive(&successor, "an adopted session").await;
    let listed = login.listed().await.expect("an adopted session is listed");
    assert_eq!(listed.created_at, at(5), "it began when its token was issued");
    assert_eq!(listed.last_used_at, at(11), "it was used when it was adopted");
    let newest = login.rotate(&successor, 12).await;
    login.assert_alive(&newest, "an adopted session that was rotated").await;
}

/// A token is adopted once. Spending it again returns the same successor within the grace time,
/// and is reuse afterwards.
pub async fn a_token_is_adopted_once<S: TokenStore>(store: &S) {
    let login = Ids::without_session(&new_user()).on(store);
    let (jti, successor) = (&login.ids.first, new_id());
    let spent = login.spend_for(jti, &successor, 10, Terms::adopt(0)).await;
    assert_eq!(spent, Spent::First, "adoption was requested");
    let terms = Terms { adopt: true, ..Terms::grace(10) };
    let spent = login.spend_for(jti, &new_id(), 19, terms).await;
    let again = Spent::Again { successor: (&*successor).into(), at: at(10) };
    assert_eq!(spent, again, "within the grace time");
    let spent = login.spend_for(jti, &new_id(), 20, terms).await;
    assert_eq!(spent, Spent::Reused, "after the grace time");
    login.assert_ended(&successor, "an adopted session after reuse").await;
    let spent = login.spend_for(jti, &new_id(), 21, terms).await;
    assert_eq!(spent, Spent::Revoked, "an ended session is not adopted again");
}

/// A revoked token is not adopted.
pub async fn a_revoked_token_is_not_adopted<S: TokenStore>(store: &S) {
    let login = Ids::without_session(&new_user()).on(store);
    login.revoke_token(&login.ids.first, 1).await;
    let spent = login.spend_for(&login.ids.first, &new_id(), 2, Terms::adopt(0)).await;
    assert_eq!(spent, Spent::Revoked, "the token was revoked");
    assert!(login.listed().await.is_none(), "no session began");
}

/// A token is adopted only if it was issued after the last revocation of its user.
pub async fn a_revoked_user_has_only_later_tokens_adopted<S: TokenStore>(store: &S) {
    let user = new_user();
    revoke(store, &Revocation::User { user_id: &user, except: None, keep_until: at(KEPT) }, 10)
        .await;
    for (issued_at, expected) in
        [(0, Spent::Revoked), (9, Spent::Revoked), (10, Spent::Revoked), (11, Spent::First)]
    {
        let login = Ids::without_session(&user).on(store);
        let successor = new_id();
        let terms = Terms::adopt(issued_at);
        let spent = login.spend_for(&login.ids.first, &successor, 20, terms).await;
        assert_eq!(spent, expected, "issued at {issued_at}, the user revoked at 10");
        if expected == Spent::First {
            login.rotate(&successor, 21).await;
        } else {
            assert!(login.listed().await.is_none(), "no session began");
        }
    }
}

/// Revoking a user ends the user's adopted sessions, even if clocks differ.
pub async fn a_revoked_user_keeps_no_adopted_session<S: TokenStore>(store: &S) {
    for (issued_at, revoked_at) in [(0, 20), (10, 10), (10, 5)] {
        let login = Ids::without_session(&new_user()).on(store);
        let (jti, successor) = (&login.ids.first, new_id());
        let spent = login.spend_for(jti, &successor, 20, Terms::adopt(issued_at)).await;
        assert_eq!(spent, Spent::First, "adoption was requested");
        login.revoke_user(revoked_at).await;
        login.assert_ended(&successor, "an adopted session of a revoked user").await;
        let spent = login.spend_for(jti, &new_id(), 21, Terms::adopt(issued_at)).await;
        assert_eq!(spent, Spent::Revoked, "it is not adopted again");
    }
}

/// Adoption makes no difference for a session that exists.
pub async fn a_known_session_is_not_adopted<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let successor = new_id();
    let spent = login.spend_for(&login.ids.first, &successor, 1, Terms::adopt(0)).await;
    assert_eq!(spent, Spent::First, "it is the newest token");
    let listed = login.listed().await.expect("it is listed");
    assert_eq!(listed.created_at, at(0), "the time of its beginning is kept");
    let spent = login.spend_for(&login.ids.first, &new_id(), 2, Terms::adopt(0)).await;
    assert_eq!(spent, Spent::Reused, "it was spent before");
    login.assert_ended(&successor, "a session after reuse").await;
}
