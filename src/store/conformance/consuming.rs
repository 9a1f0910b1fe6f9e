use crate::{
    store::{Consume, ConsumeId, Consumed, Generation, Revocation, TokenRef, TokenStore},
    token::UserId,
};

use super::scene::{
    DAY, Ids, KEPT, Login, at, consume, generation, is_revoked, new_id, new_user, revoke,
    revoke_user,
};

fn token<'a>(jti: &'a str, user_id: &'a UserId) -> Consume<'a> {
    Consume::token(jti, user_id, at(0), at(KEPT))
}

fn other<'a>(id: &'a str, user_id: &'a UserId) -> Consume<'a> {
    Consume::other(id, user_id, at(KEPT))
}

/// A token is consumed once. It is revoked then, and no other token is.
pub async fn a_token_is_consumed_once<S: TokenStore>(store: &S) {
    let (user, jti) = (new_user(), new_id());
    let reference = TokenRef::new(user.as_str(), at(0));
    assert!(!is_revoked(store, &reference.with_jti(Some(&jti))).await, "it was not consumed");
    let first = consume(store, &token(&jti, &user), 1).await;
    assert_eq!(first, Consumed::First, "it was not consumed before");
    for now in [1, 0, 1_000] {
        let second = consume(store, &token(&jti, &user), now).await;
        assert_eq!(second, Consumed::Before, "it was consumed before");
    }
    for session in [None, Some("unknown")] {
        let revoked = reference.with_jti(Some(&jti)).with_session(session);
        assert!(is_revoked(store, &revoked).await, "a token that was consumed is revoked");
    }
    assert!(!is_revoked(store, &reference).await, "a token without an id is not revoked");
    assert!(!is_revoked(store, &reference.with_jti(Some(&new_id()))).await, "another token");
    for (jti, user) in [(&*new_id(), &user), (&jti, &new_user())] {
        let first = consume(store, &token(jti, user), 2).await;
        assert_eq!(first, Consumed::First, "another token, or one of another user");
    }
}

/// A token that was revoked cannot be consumed.
pub async fn a_revoked_token_cannot_be_consumed<S: TokenStore>(store: &S) {
    let login = Login::begun(store).await;
    let (jti, user) = (new_id(), &login.ids.user);
    login.revoke_token(&jti, 1).await;
    let session = Some(&*login.ids.session);
    for consumption in [token(&jti, user), token(&jti, user).with_session(session)] {
        let before = consume(store, &consumption, 2).await;
        assert_eq!(before, Consumed::Before, "it was revoked");
    }
}

/// Without a session or a generation, a token must have been issued after the last revocation of
/// its user.
pub async fn a_revoked_user_has_only_later_tokens_consumed<S: TokenStore>(store: &S) {
    let user = new_user();
    revoke_user(store, &user, 10).await;
    revoke_user(store, &new_user(), 20).await;
    for (issued_at, expected) in [
        (0, Consumed::Before),
        (9, Consumed::Before),
        (10, Consumed::Before),
        (11, Consumed::First),
    ] {
        let jti = new_id();
        let consumption = Consume::token(&jti, &user, at(issued_at), at(KEPT));
        let consumed = consume(store, &consumption, 20).await;
        assert_eq!(consumed, expected, "issued at {issued_at}, the user revoked at 10");
    }
}

/// With a generation, a token that was issued in the same second as the revocation can be consumed
/// if it was issued afterwards. An earlier time counts even if the generation was lost since.
pub async fn a_generation_orders_events_of_one_second<S: TokenStore>(store: &S) {
    let user = new_user();
    let before = Some(generation(store).await);
    let lost = Some(Generation::new(1_000_000_000));
    let early = consume(store, &token(&new_id(), &user).with_generation(before), 5).await;
    assert_eq!(early, Consumed::First, "the user was not revoked");
    for except in [None, Some("unknown")] {
        let revocation = Revocation::User { user_id: &user, except, keep_until: at(KEPT) };
        let read = Some(generation(store).await);
        revoke(store, &revocation, 10).await;
        let after = Some(generation(store).await);
        for (issued_at, generation, expected) in [
            (9, before, Consumed::Before),
            (9, read, Consumed::Before),
            (9, after, Consumed::Before),
            (9, lost, Consumed::Before),
            (10, before, Consumed::Before),
            (10, read, Consumed::Before),
            (10, None, Consumed::Before),
            (10, after, Consumed::First),
            (10, lost, Consumed::First),
            (11, read, Consumed::Before),
            (11, after, Consumed::First),
        ] {
            let jti = new_id();
            let consumption = Consume::token(&jti, &user, at(issued_at), at(KEPT));
            let consumption = consumption.with_generation(generation);
            let consumed = consume(store, &consumption, 11).await;
            assert_eq!(consumed, expected, "issued at {issued_at}, the user revoked at 10");
        }
    }
    revoke_user(store, &new_user(), 10).await;
    let (jti, other_user) = (new_id(), new_user());
    let last = token(&jti, &other_user).with_generation(before);
    assert_eq!(consume(store, &last, 10).await, Consumed::First, "another user was revoked");
}

/// A token with a session can be consumed while the session is live, and only then.
pub async fn a_token_is_consumed_while_its_session_is_live<S: TokenStore>(store: &S) {
    let of_session = async |login: &Login<'_, S>, now: u64| {
        let (jti, session) = (new_id(), Some(&*login.ids.session));
        consume(store, &token(&jti, &login.ids.user).with_session(session), now).await
    };
    let unknown = Ids::of(&new_user()).on(store);
    assert_eq!(of_session(&unknown, 1).await, Consumed::Before, "the session is unknown");
    let known_user = Ids::of(&Login::begun(store).await.ids.user).on(store);
    assert_eq!(of_session(&known_user, 1).await, Consumed::Before, "the session is unknown");

    let login = Login::begun(store).await;
    assert_eq!(of_session(&login, 1).await, Consumed::First, "the session is live");
    let newest = login.rotate(&login.ids.first, 2).await;
    assert_eq!(of_session(&login, 3).await, Consumed::First, "a rotated session is live");
    login.assert_alive(&newest, "a session whose tokens were consumed").await;
    let thief = Ids { user: new_user(), ..login.ids.clone() }.on(store);
    assert_eq!(of_session(&thief, 3).await, Consumed::Before, "the session is another user's");
    login.revoke_session(4).await;
    assert_eq!(of_session(&login, 4).await, Consumed::Before, "the session was revoked");

    let login = Login::begun(store).await;
    login.rotate(&login.ids.first, 1).await;
    login.spend(&login.ids.first, 2).await;
    assert_eq!(of_session(&login, 2).await, Consumed::Before, "the session ended by reuse");

    let user_id = &new_user();
    let (kept, lost) =
        (Login::begun_by(user_id, store).await, Login::begun_by(user_id, store).await);
    let except = Some(&*kept.ids.session);
    revoke(store, &Revocation::User { user_id, except, keep_until: at(KEPT) }, 1).await;
    assert_eq!(of_session(&kept, 1).await, Consumed::First, "the session was excepted");
    assert_eq!(of_session(&lost, 1).await, Consumed::Before, "its user was revoked");
    let later = Login::begun_by(user_id, store).await;
    assert_eq!(of_session(&later, 1).await, Consumed::First, "the session began afterwards");
    assert_eq!(
        of_session(&later, 2 * DAY).await,
        Consumed::First,
        "an expired session has not ended"
    );
}

/// Ids that are not those of tokens are consumed once. Consuming them revokes no token, and revoking
/// a token or a user does not affect them.
pub async fn other_ids_are_separate_from_tokens<S: TokenStore>(store: &S) {
    for prefix in ["", "totp:", "o:", "t1:", "\0", "\u{1}", "\u{1}2", "2", "\u{1}0", "\u{1}1"] {
        let (user, stem) = (new_user(), new_id());
        let reference = TokenRef::new(user.as_str(), at(99));
        revoke_user(store, &user, 50).await;
        let (used, revoked) = (format!("{prefix}{stem}"), format!("{prefix}{stem}-revoked"));
        let first = consume(store, &other(&used, &user), 1).await;
        assert_eq!(first, Consumed::First, "{prefix:?}: it was not used before");
        let second = consume(store, &other(&used, &user), 1).await;
        assert_eq!(second, Consumed::Before, "{prefix:?}: it was used before");
        let another = consume(store, &other(&used, &new_user()), 1).await;
        assert_eq!(another, Consumed::First, "{prefix:?}: an id of another user");

        for jti in [used.clone(), format!("o:{used}"), format!("\u{1}2{used}")] {
            let token = reference.with_jti(Some(&jti));
            assert!(!is_revoked(store, &token).await, "{jti:?} is no token that was consumed");
            let consumption = Consume::token(&jti, &user, at(99), at(KEPT));
            let first = consume(store, &consumption, 99).await;
            assert_eq!(first, Consumed::First, "{jti:?} is no token that was consumed");
        }
        let (user_id, jti, keep_until) = (&user, &*revoked, at(KEPT));
        revoke(store, &Revocation::Token { jti, user_id, keep_until }, 1).await;
        let first = consume(store, &other(&revoked, &user), 1).await;
        assert_eq!(first, Consumed::First, "{prefix:?}: only a token was revoked");
    }
}

/// A later revocation of a token that was consumed extends the time until which it is revoked.
pub async fn a_consumed_token_can_be_revoked<S: TokenStore>(store: &S) {
    let (user_id, jti) = (&new_user(), &*new_id());
    let consumption = Consume::token(jti, user_id, at(0), at(KEPT - 1));
    assert_eq!(consume(store, &consumption, 1).await, Consumed::First, "it was not consumed");
    revoke(store, &Revocation::Token { jti, user_id, keep_until: at(KEPT) }, 2).await;
    let token = TokenRef::new(user_id.as_str(), at(0)).with_jti(Some(jti));
    assert!(is_revoked(store, &token).await, "it is revoked");
    let again = Consume { id: ConsumeId::Token(jti), ..consumption };
    assert_eq!(consume(store, &again, 3).await, Consumed::Before, "it was consumed");
}
