//! User ids in tokens, and users that change after the login.

use serde_json::{Value, json};

use super::{
    database::LONG_NAME,
    endpoints::Endpoint,
    minting::Mint,
    odd_tokens::{LOST_ACCOUNT, PASSWORD_CHANGED},
    pair::{Deviation, Pair, Side, log_in},
};

const GONE: &str = "refresh for a deleted user";
const ZERO: &str = "refresh for the user id `0`";
const UNHELD: &str = "a user id that the column cannot hold";
const PYTHON: &str = "a user id in a form that only Python parses: with blanks, as `1_0`";
const NOBODY: &str = "a user id that is `null`, empty or contains NUL";
const NO_ID: &str = "a user id that is neither a string nor an integer";
const NOT_FOUND: &str = "User not found";
const CHANGED: &str = "The user's password has been changed.";
const NO_ACCOUNT: &str = "No active account found for the given token.";

/// What Django does with a user id.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Known,
    /// Known, but the password digest in the token is that of another user.
    Other,
    Inactive,
    Unknown,
    Unreadable,
    /// Known, in a form that only Python parses.
    Python,
    Nobody,
    /// False in Python, and so no user.
    Zero,
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
        ids.push((Kind::Zero, json!(0)));
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

fn deviation(pair: &Pair, endpoint: Endpoint, kind: Kind) -> Option<Deviation> {
    let differs = |name, status, text| Some(Deviation { name, status, text });
    let app = pair.configuration.blacklist_app;
    let active_only = pair.configuration.get("CHECK_USER_IS_ACTIVE") != false;
    let has_digest = pair.configuration.is_on("CHECK_REVOKE_TOKEN");
    // PyJWT itself requires a string in this claim.
    let is_subject = pair.configuration.get("USER_ID_CLAIM") == "sub";
    match (kind, endpoint) {
        (Kind::NoId, _) => differs(NO_ID, 401, "Token is invalid").filter(|_| !is_subject),
        (Kind::Nobody, _) => differs(NOBODY, 401, "Token is invalid"),
        (Kind::Other, Endpoint::Refresh) if has_digest => differs(PASSWORD_CHANGED, 401, CHANGED),
        (Kind::Other, Endpoint::RefreshSliding) if has_digest => {
            differs(LOST_ACCOUNT, 401, CHANGED)
        }
        (Kind::Known | Kind::Other, _) => None,
        (Kind::Inactive, Endpoint::RefreshSliding) if !active_only => None,
        (_, Endpoint::RefreshSliding) => differs(LOST_ACCOUNT, 401, NO_ACCOUNT),
        (Kind::Zero, Endpoint::Refresh) => differs(ZERO, 401, NO_ACCOUNT),
        (Kind::Unknown, Endpoint::Refresh) => differs(GONE, 401, NO_ACCOUNT),
        (Kind::Unreadable, Endpoint::Refresh) => differs(UNHELD, 401, NO_ACCOUNT),
        (Kind::Unreadable, Endpoint::Hello) => differs(UNHELD, 401, NOT_FOUND),
        (Kind::Unreadable, Endpoint::Blacklist) if app => differs(UNHELD, 200, "{}"),
        (Kind::Python, Endpoint::Refresh) => differs(PYTHON, 401, NO_ACCOUNT),
        (Kind::Python, Endpoint::Hello) => differs(PYTHON, 401, NOT_FOUND),
        (Kind::Python, Endpoint::Blacklist) if app => differs(PYTHON, 200, "{}"),
        _ => None,
    }
}

pub(super) fn compare(pair: &Pair, mint: &Mint) {
    for endpoint in Endpoint::ALL {
        let token_type = endpoint.token_type(pair);
        for (kind, id) in ids(pair) {
            // PyJWT also rejects `null` there.
            let is_null = id.is_null() && pair.configuration.get("USER_ID_CLAIM") == "sub";
            pair.case(format!("{endpoint:?} user {id}"))
                .differs_as(deviation(pair, endpoint, kind).filter(|_| !is_null))
                .send(|_| endpoint.request(pair, &mint.token(token_type, &id, &[])));
        }
        pair.compare(format!("{endpoint:?} no user"), |_| {
            endpoint.request(pair, &mint.token(token_type, &json!("1"), &[("user", "")]))
        });
    }
}

/// Users that change after the login.
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
        for endpoint in Endpoint::ALL {
            let token = |side: Side| {
                let token = match endpoint.token_type(pair) {
                    "access" => &side.of(&pairs)["access"],
                    "refresh" => &side.of(&pairs)["refresh"],
                    _ => &side.of(&slidings)["token"],
                };
                token.as_str().unwrap().to_owned()
            };
            pair.case(format!("{endpoint:?} {username}"))
                .differs_as(after(pair, endpoint, username))
                .send(|side| endpoint.request(pair, &token(side)));
        }
        for path in ["/api/token/", "/api/token/sliding/"] {
            pair.compare(format!("{path} {username}"), |_| log_in(path, username));
        }
    }
}

/// Our response to a token from before the change.
fn after(pair: &Pair, endpoint: Endpoint, username: &str) -> Option<Deviation> {
    match (username, endpoint) {
        ("changes", _) => deviation(pair, endpoint, Kind::Other),
        ("is barred", _) => deviation(pair, endpoint, Kind::Inactive),
        ("leaves", _) => deviation(pair, endpoint, Kind::Unknown),
        _ => None,
    }
}
