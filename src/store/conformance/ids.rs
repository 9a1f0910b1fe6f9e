use crate::store::{Spent, TokenRef, TokenStore};

use super::scene::{Ids, KEPT, Terms, at, is_revoked, new_id, new_user, revoke_user, sessions};

/// Ids that a careless store confuses, matches as patterns, or cuts off. All of them begin with an
/// unused id.
fn odd_ids() -> Vec<String> {
    let stem = new_id();
    let long = "x".repeat(254 - stem.len());
    let endings = [
        "",
        " ",
        "  ",
        "\t",
        "\n",
        "\u{feff}",
        "'",
        "''",
        "\"",
        "`",
        "\\",
        "\\\\",
        "--",
        ";",
        "%",
        "_",
        "*",
        "?",
        "[a]",
        "{",
        "}",
        "{}",
        "{a}",
        ":",
        "::",
        "/",
        "|",
        ",",
        "$1",
        "?1",
        "%s",
        "%00",
        "a",
        "A",
        "é",
        "e\u{301}",
        "ß",
        "ss",
        "😀",
        "\u{202e}",
        "null",
        "' OR '1'='1",
        "'); DROP TABLE x; --",
    ];
    let endings = endings.iter().map(|ending| format!("{stem}{ending}"));
    let mut ids: Vec<_> =
        endings.chain([format!("{stem}{long}1"), format!("{stem}{long}2")]).collect();
    ids.push(format!("{{{stem}}}"));
    ids.push(format!("{{}}{stem}"));
    ids.push(format!(" {stem}"));
    ids
}

/// User ids are arbitrary strings of up to 255 bytes. Different ids are different users.
pub async fn odd_user_ids_are_kept_apart<S: TokenStore>(store: &S) {
    let shared = Ids::of(&new_user());
    let logins: Vec<_> = odd_ids()
        .into_iter()
        .map(|id| Ids { user: id.into(), ..shared.clone() }.on(store))
        .collect();
    for login in &logins {
        assert!(login.listed().await.is_none(), "{:?} has no session", login.ids.user.as_str());
        login.begin(0, KEPT).await;
    }
    for (count, login) in logins.iter().enumerate() {
        let id = login.ids.user.as_str();
        login.assert_alive(&login.ids.first, id).await;
        login.revoke_user(1).await;
        login.assert_ended(&login.ids.first, id).await;
        for other in &logins[count + 1..] {
            let why = other.ids.user.as_str();
            assert!(!other.is_access_revoked().await, "{why:?} is not {id:?}");
        }
    }
}

/// The ids of sessions and refresh tokens are arbitrary strings of up to 255 bytes, and are
/// compared exactly.
pub async fn odd_session_ids_are_kept_apart<S: TokenStore>(store: &S) {
    let user = new_user();
    let logins: Vec<_> = odd_ids()
        .into_iter()
        .map(|id| Ids { user: user.clone(), session: id.clone(), first: id }.on(store))
        .collect();
    for login in &logins {
        login.begin(0, KEPT).await;
    }
    let listed: Vec<_> = sessions(store, &user, 0).await.into_keys().map(String::from).collect();
    let mut expected: Vec<_> = logins.iter().map(|login| login.ids.session.clone()).collect();
    expected.sort();
    assert_eq!(listed, expected, "all ids are listed unchanged");

    for (login, successor) in logins.iter().zip(odd_ids()) {
        let id = &*login.ids.session;
        let spent = login.spend_for(id, &successor, 1, Terms::default()).await;
        assert_eq!(spent, Spent::First, "{id:?} is the first refresh token");
        let spent = login.spend_for(id, &new_id(), 1, Terms::grace(10)).await;
        let again = Spent::Again { successor: (&*successor).into(), at: at(1) };
        assert_eq!(spent, again, "the successor {successor:?} is unchanged");
        login.assert_alive(&successor, id).await;
    }
    for (count, login) in logins.iter().enumerate() {
        let id = &*login.ids.session;
        assert!(!login.is_access_revoked().await, "{id:?} was not revoked");
        login.revoke_session(2).await;
        assert!(login.is_access_revoked().await, "{id:?} was revoked");
        let left = sessions(store, &user, 2).await.len();
        assert_eq!(left, logins.len() - count - 1, "only {id:?} has ended");
    }
}

/// Token ids are arbitrary strings of up to 255 bytes. Different ids are different tokens.
pub async fn odd_token_ids_are_kept_apart<S: TokenStore>(store: &S) {
    let login = Ids::of(&new_user()).on(store);
    let jtis = odd_ids();
    for (count, jti) in jtis.iter().enumerate() {
        let token = TokenRef::new(login.ids.user.as_str(), at(0));
        assert!(!is_revoked(store, &token.with_jti(Some(jti))).await, "{jti:?} was not revoked");
        login.revoke_token(jti, 1).await;
        for revoked in &jtis[..=count] {
            let token = token.with_jti(Some(revoked));
            assert!(is_revoked(store, &token).await, "{revoked:?} was revoked");
        }
    }
}

/// Pairs of ids are distinct even if their concatenations are equal.
pub async fn joined_ids_are_kept_apart<S: TokenStore>(store: &S) {
    for separator in ["", ":", "::", "/", "|", "-", "_", ",", ".", ";", "}", "}{", "'", " "] {
        let stem = new_id();
        let longer = format!("{stem}{separator}b");
        let joined = format!("b{separator}c");
        let login = |user: &str, id: &str| {
            Ids { user: user.into(), session: id.into(), first: id.into() }.on(store)
        };
        let (first, second) = (login(&stem, &joined), login(&longer, "c"));
        first.begin(0, KEPT).await;
        assert!(second.is_refresh_revoked("c", false).await, "the session is unknown");
        second.begin(0, KEPT).await;
        first.revoke_token("x", 1).await;
        first.revoke_session(1).await;
        revoke_user(store, &first.ids.user, 1).await;
        first.assert_ended(&joined, "a revoked session").await;
        second.assert_alive("c", "a session whose concatenated ids are equal").await;
    }
}

/// The empty user id is valid, and belongs to one user.
pub async fn an_empty_user_id_is_an_id<S: TokenStore>(store: &S) {
    let nobody = "".into();
    let login = Ids::of(&nobody).on(store);
    login.begin(0, KEPT).await;
    let newest = login.rotate(&login.ids.first, 1).await;
    login.assert_alive(&newest, "a session of the user with the empty id").await;
    let other = Ids { user: new_user(), ..login.ids.clone() }.on(store);
    assert!(other.listed().await.is_none(), "other users do not have it");
    other.revoke_user(2).await;
    login.assert_alive(&newest, "a session of the user with the empty id").await;
    let jti = new_id();
    login.revoke_token(&jti, 2).await;
    let token = TokenRef::new("", at(0)).with_jti(Some(&jti));
    assert!(is_revoked(store, &token).await, "a revoked token of the user with the empty id");
    login.revoke_session(3).await;
    login.assert_ended(&newest, "a revoked session of the user with the empty id").await;
}
