//! Logins, and their tokens at both sides.

use serde_json::json;

use crate::support::{login::payload, reply::Reply};

use super::{
    bodies::multipart,
    database::LONG_NAME,
    endpoints::Endpoint,
    pair::{Pair, Side, log_in, log_in_with, post, post_bytes},
};

const FORM: &str = "application/x-www-form-urlencoded";

pub(super) fn compare(pair: &Pair) {
    logins(pair);
    for use_at_other in [false, true] {
        a_pair_of_tokens(pair, use_at_other);
        a_sliding_token(pair, use_at_other);
    }
}

fn logins(pair: &Pair) {
    for path in ["/api/token/", "/api/token/sliding/"] {
        for user in [
            "alice", "bob", "inactive", "admin", "unusable", "md5", "empty", "nobody", "ALICE",
            " alice ",
        ] {
            pair.compare(format!("{path} {user}"), |_| log_in(path, user));
        }
        for (user, password) in [
            ("alice", "wrong"),
            ("alice", " alice-password "),
            ("alice", "ALICE-PASSWORD"),
            ("empty", "x"),
            ("unusable", "!"),
            ("zoë ☃", "zoë ☃-password"),
            ("zoë ☃", " zoë ☃-password "),
            (LONG_NAME, "long-password"),
            ("alice' OR '1'='1", "alice-password"),
            ("12", "12"),
        ] {
            pair.compare(format!("{path} {user} {password:?}"), |_| {
                log_in_with(path, user, password)
            });
        }
        let form = "username=alice&password=alice-password&more=1";
        pair.compare(format!("{path} form"), |_| post_bytes(path, FORM, form));
        pair.compare(format!("{path} multipart"), |_| {
            multipart(path, &[("username", "alice"), ("password", "alice-password")])
        });
        pair.compare(format!("{path} number"), |_| {
            post(path, &json!({"username": 12, "password": 1.5}))
        });
    }
    let long = "x".repeat(10_000);
    pair.compare("a long password", |_| log_in_with("/api/token/", "alice", &long));
    pair.compare("a long user name", |_| log_in_with("/api/token/", &long, "x"));
}

/// The token in the member `name`. Empty after a deviation, which was recorded already.
fn token(replies: &[Reply; 2], side: Side, name: &str) -> String {
    let reply = side.of(replies);
    let text = serde_json::from_str::<serde_json::Value>(&reply.body).ok();
    text.and_then(|body| body[name].as_str().map(str::to_owned)).unwrap_or_default()
}

/// Sends a token of each side.
fn send(
    pair: &Pair,
    name: String,
    endpoint: Endpoint,
    token: impl Fn(Side) -> String,
) -> [Reply; 2] {
    let ours = token(Side::Ours);
    let deviation = if ours.is_empty() { None } else { endpoint.accepts_blacklisted(pair, &ours) };
    pair.case(name).differs_as(deviation).send(|side| endpoint.request(pair, &token(side)))
}

/// Sends tokens to the side that issued them, or to the other one.
fn a_pair_of_tokens(pair: &Pair, at_other: bool) {
    let source = |side: Side| if at_other { side.other() } else { side };
    let name = |what: &str| {
        format!("{what}, issued at {}", if at_other { "the other" } else { "the same" })
    };
    let first = pair.compare(name("login"), |_| log_in("/api/token/", "alice"));
    let access = |replies: &[Reply; 2], side| token(replies, source(side), "access");
    let refresh = |replies: &[Reply; 2], side| token(replies, source(side), "refresh");
    let each_endpoint = |replies: &[Reply; 2], when: &str| {
        for endpoint in
            [Endpoint::Hello, Endpoint::Stateless, Endpoint::Verify, Endpoint::RefreshSliding]
        {
            for (kind, name_of_token) in [("access", "access"), ("refresh", "refresh")] {
                send(pair, name(&format!("{endpoint:?} {kind} {when}")), endpoint, |side| {
                    token(replies, source(side), name_of_token)
                });
            }
        }
    };
    each_endpoint(&first, "after login");
    let send_refresh = |endpoint: Endpoint, what: &str, replies: &[Reply; 2]| {
        send(pair, name(what), endpoint, |side| refresh(replies, side))
    };
    let second = send_refresh(Endpoint::Refresh, "refresh", &first);
    pair.compare(name("hello after refresh"), |side| {
        Endpoint::Hello.request(pair, &token(&second, source(side), "access"))
    });
    send_refresh(Endpoint::Refresh, "refresh again", &first);
    send_refresh(Endpoint::Verify, "verify after refresh", &first);
    if pair.configuration.is_on("ROTATE_REFRESH_TOKENS") {
        // A token rotated at one side is sent to the other.
        let third = pair.compare(name("refresh the successor"), |side| {
            Endpoint::Refresh.request(pair, &token(&second, source(side), "refresh"))
        });
        for (replies, which) in [(&first, "first"), (&second, "second"), (&third, "third")] {
            send_refresh(Endpoint::Verify, &format!("verify {which}"), replies);
        }
        send_refresh(Endpoint::Blacklist, "blacklist the second", &second);
        let newest = send_refresh(Endpoint::Refresh, "refresh the third", &third);
        send_refresh(Endpoint::Blacklist, "blacklist the fourth", &newest);
        send_refresh(Endpoint::Refresh, "refresh the fourth", &newest);
    }
    // A logout at one side is a logout at the other.
    let login = pair.compare(name("another login"), |_| log_in("/api/token/", "bob"));
    send_refresh(Endpoint::Blacklist, "logout", &login);
    for side in Side::BOTH {
        // Blacklisted at this side, sent to both.
        let token = token(&login, source(side), "refresh");
        for endpoint in [Endpoint::Refresh, Endpoint::Verify, Endpoint::Blacklist, Endpoint::Hello]
        {
            let name = name(&format!("{endpoint:?} after logout at {side:?}"));
            send(pair, name, endpoint, |_| token.clone());
        }
    }
    each_endpoint(&login, "after logout");
    pair.compare(name("blacklist an access token"), |side| {
        Endpoint::Blacklist.request(pair, &access(&login, side))
    });
    pair.compare(name("refresh with an access token"), |side| {
        Endpoint::Refresh.request(pair, &access(&login, side))
    });
}

fn a_sliding_token(pair: &Pair, at_other: bool) {
    let source = |side: Side| if at_other { side.other() } else { side };
    let name = |what: &str| {
        format!("sliding: {what}, issued at {}", if at_other { "the other" } else { "the same" })
    };
    let first = pair.compare(name("login"), |_| log_in("/api/token/sliding/", "alice"));
    let send = |endpoint: Endpoint, what: &str, replies: &[Reply; 2]| {
        send(pair, name(&format!("{endpoint:?} {what}")), endpoint, |side| {
            token(replies, source(side), "token")
        })
    };
    for endpoint in [
        Endpoint::Hello,
        Endpoint::Stateless,
        Endpoint::Verify,
        Endpoint::Refresh,
        Endpoint::Blacklist,
    ] {
        send(endpoint, "after login", &first);
    }
    let second = send(Endpoint::RefreshSliding, "first", &first);
    let third = send(Endpoint::RefreshSliding, "second", &second);
    send(Endpoint::RefreshSliding, "first again", &first);
    for replies in [&first, &second, &third] {
        send(Endpoint::Hello, "after refresh", replies);
        if at_other {
            continue;
        }
        for side in Side::BOTH {
            let [one, two] = [&first, replies].map(|replies| token(replies, side, "token"));
            if !one.is_empty() && !two.is_empty() {
                pair.expect("the id is kept", payload(&one)["jti"] == payload(&two)["jti"]);
            }
        }
    }
}
