//! Users as tokens name them, and what has become of them.

use serde_json::{Value, json};

use super::{
    database::LONG_NAME,
    doors::Door,
    minting::Mint,
    odd_tokens::{LOST_ACCOUNT, PASSWORD_CHANGED},
    pair::{Deviation, Pair, Side, log_in},
};

const GONE: &str = "refresh for a user that is gone";
const UNHELD: &str = "a user id that the column cannot hold";
const PYTHON: &str = "a user id in digits that only Python reads: with blanks, as `1_0`";
const NOBODY: &str = "user id `null`, empty or with a NUL in it";
const NO_ID: &str = "a user id that is no text and no integer";
const NOT_FOUND: &str = "User not found";
const CHANGED: &str = "The user's password has been changed.";
const NO_ACCOUNT: &str = "No active account found for the given token.";

/// What a user id is to Django.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Known,
    /// Known, but the mark in the token is that of another.
    Other,
    Inactive,
    Unknown,
    Unreadable,
    /// Known, but not so written.
    Python,
    Nobody,
    NoId,
}

fn ids(pair: &Pair) -> Vec<(Kind, Value)> {
    let by_name = pair.configuration.get("USER_ID_FIELD") == "username";
    let integer = |name: &str| match pair.user(name).as_str().unwrap().parse::<i64>() {
        Ok(id) => json!(id),
        Err(_) => pair.user(name),
    };
    let others = ["admin", "unusable", "zoë ☃", "garbage", LONG_NAME];
    let mut ids: Vec<_> = others.into_iter().map(|name| (Kind::Other, pair.user(name))).collect();
    ids.extend([
        (Kind::Known, pair.user("alice")),
        (Kind::Known, integer("alice")),
        (Kind::Inactive, pair.user("inactive")),
        (Kind::Inactive, integer("inactive")),
        (Kind::Unknown, json!("999999")),
        (if by_name { Kind::Known } else { Kind::Unreadable }, json!("alice")),
        (if by_name { Kind::Unknown } else { Kind::Unreadable }, json!("ALICE")),
        (Kind::Nobody, json!("")),
        (Kind::Nobody, json!(null)),
        (Kind::Nobody, json!("nul \u{0}")),
        (Kind::NoId, json!(true)),
        (Kind::NoId, json!(1.5)),
        (Kind::NoId, json!([])),
        (Kind::NoId, json!({})),
    ]);
    if pair.configuration.get("USER_ID_CLAIM") == "sub" {
        ids.extend([json!(7), json!(-7)].map(|id| (Kind::NoId, id)));
    }
    if !by_name {
        ids.extend([json!("01"), json!("+1")].map(|id| (Kind::Known, id)));
        ids.extend([json!(" 1 "), json!("1_0")].map(|id| (Kind::Python, id)));
        let unreadable = ["1.0", "1.5", "1e0", "0x1", "1;"];
        ids.extend(unreadable.map(|id| (Kind::Unreadable, json!(id))));
        let unknown =
            ["0", "-1", "99999999999999999999999", "9223372036854775807", "9223372036854775808"];
        ids.extend(unknown.map(|id| (Kind::Unknown, json!(id))));
        ids.extend([json!(999_999), json!(u64::MAX)].map(|id| (Kind::Unknown, id)));
    }
    ids
}

fn deviation(pair: &Pair, door: Door, kind: Kind) -> Option<Deviation> {
    let differs = |name, status, text| Some(Deviation { name, status, text });
    let app = pair.configuration.blacklist_app;
    let active_only = pair.configuration.get("CHECK_USER_IS_ACTIVE") != false;
    let is_marked = pair.configuration.is_on("CHECK_REVOKE_TOKEN");
    // PyJWT itself demands that this claim is text.
    let is_subject = pair.configuration.get("USER_ID_CLAIM") == "sub";
    match (kind, door) {
        (Kind::NoId, _) => differs(NO_ID, 401, "Token is invalid").filter(|_| !is_subject),
        (Kind::Nobody, _) => differs(NOBODY, 401, "Token is invalid"),
        (Kind::Other, Door::Refresh) if is_marked => differs(PASSWORD_CHANGED, 401, CHANGED),
        (Kind::Other, Door::RefreshSliding) if is_marked => differs(LOST_ACCOUNT, 401, CHANGED),
        (Kind::Known | Kind::Other, _) => None,
        (Kind::Inactive, Door::RefreshSliding) if !active_only => None,
        (_, Door::RefreshSliding) => differs(LOST_ACCOUNT, 401, NO_ACCOUNT),
        (Kind::Unknown, Door::Refresh) => differs(GONE, 401, NO_ACCOUNT),
        (Kind::Unreadable, Door::Refresh) => differs(UNHELD, 401, NO_ACCOUNT),
        (Kind::Unreadable, Door::Hello) => differs(UNHELD, 401, NOT_FOUND),
        (Kind::Unreadable, Door::Blacklist) if app => differs(UNHELD, 200, "{}"),
        (Kind::Python, Door::Refresh) => differs(PYTHON, 401, NO_ACCOUNT),
        (Kind::Python, Door::Hello) => differs(PYTHON, 401, NOT_FOUND),
        (Kind::Python, Door::Blacklist) if app => differs(PYTHON, 200, "{}"),
        _ => None,
    }
}

pub(super) fn compare(pair: &Pair, mint: &Mint) {
    for door in Door::ALL {
        let token_type = door.token_type(pair);
        for (kind, id) in ids(pair) {
            // PyJWT refuses `null` there, too.
            let is_null = id.is_null() && pair.configuration.get("USER_ID_CLAIM") == "sub";
            pair.case(format!("{door:?} user {id}"))
                .differs_as(deviation(pair, door, kind).filter(|_| !is_null))
                .send(|_| door.request(pair, &mint.token(token_type, &id, &[])));
        }
        pair.compare(format!("{door:?} no user"), |_| {
            door.request(pair, &mint.token(token_type, &json!("1"), &[("user", "")]))
        });
    }
}

/// Users to whom something happens after they have logged in.
pub(super) fn compare_changes(pair: &Pair) {
    type Change = fn(&Pair, i64);
    let changes: [(&str, Change); 3] = [
        ("changes", |pair, id| {
            let arguments = json!({"user_id": id, "password": "another password"});
            pair.django.administer("set_password", &arguments);
        }),
        ("is barred", |pair, id| {
            let arguments = json!({"user_id": id, "is_active": false});
            pair.django.administer("set_active", &arguments);
        }),
        ("leaves", |pair, id| {
            pair.django.administer("delete_user", &json!({ "user_id": id }));
        }),
    ];
    for (username, change) in changes {
        let pairs = Side::BOTH.map(|side| pair.send(side, &log_in("/api/token/", username)).json());
        let slidings =
            Side::BOTH.map(|side| pair.send(side, &log_in("/api/token/sliding/", username)).json());
        let rows = pair.rows();
        let user = rows.users.iter().find(|user| user.username == username).unwrap();
        change(pair, user.id);
        for door in Door::ALL {
            let token = |side: Side| {
                let token = match door.token_type(pair) {
                    "access" => &side.of(&pairs)["access"],
                    "refresh" => &side.of(&pairs)["refresh"],
                    _ => &side.of(&slidings)["token"],
                };
                token.as_str().unwrap().to_owned()
            };
            pair.case(format!("{door:?} {username}"))
                .differs_as(after(pair, door, username))
                .send(|side| door.request(pair, &token(side)));
        }
        for path in ["/api/token/", "/api/token/sliding/"] {
            pair.compare(format!("{path} {username}"), |_| log_in(path, username));
        }
    }
}

/// How ours answers when this user comes with a token of before.
fn after(pair: &Pair, door: Door, username: &str) -> Option<Deviation> {
    match (username, door) {
        ("changes", _) => deviation(pair, door, Kind::Other),
        ("is barred", _) => deviation(pair, door, Kind::Inactive),
        ("leaves", _) => deviation(pair, door, Kind::Unknown),
        _ => None,
    }
}
