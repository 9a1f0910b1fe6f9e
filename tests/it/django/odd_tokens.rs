//! Payloads that differ from a valid one in some members.

use super::{
    endpoints::Endpoint,
    minting::LONG_IDS,
    pair::{Deviation, Pair},
};

pub(super) struct Odd {
    /// By the usual names of the members; see [`Mint::payload`](super::minting::Mint::payload).
    pub(super) changes: Vec<(&'static str, String)>,
    pub(super) deviation: Option<fn(&Pair, Endpoint) -> Option<Deviation>>,
}

fn odd<const N: usize>(changes: [(&'static str, &str); N]) -> Odd {
    let changes = changes.map(|(name, value)| (name, value.to_owned())).into();
    Odd { changes, deviation: None }
}

impl Odd {
    fn differs(self, deviation: fn(&Pair, Endpoint) -> Option<Deviation>) -> Self {
        Self { deviation: Some(deviation), ..self }
    }
}

pub(super) const NOT_UNDERSTOOD: &str = "`crit`, `b64`, `zip`, `enc` in a token's header, a claim \
    `cnf`, more than 8 KiB, an empty `jti` or one of more than 255 bytes, a type that is not a string";
pub(super) const WRONG_TYPE: &str = "a negative time, a time that is `true`, an `aud`, `iss`, \
    `jti` or header `typ` that is not a string";
const EXPIRY: &str = "`exp` or `refresh_exp` of a wrong type or beyond the year 9999";
const DIGITS: &str = "`nbf` or `iat` as a string of digits";
const NOT_A_NUMBER: &str = "`NaN` or `Infinity` in claims";
const NUL: &str = "a `jti` that contains NUL";
const NO_ID: &str = "`jti` missing, with the blacklist app";
pub(super) const PASSWORD_CHANGED: &str =
    "refresh with `CHECK_REVOKE_TOKEN` after a password change";
pub(super) const LOST_ACCOUNT: &str = "sliding refresh for a user that is deleted, inactive or, with \
    `CHECK_REVOKE_TOKEN`, has a new password";

fn invalid(name: &'static str) -> Option<Deviation> {
    Some(Deviation { name, status: 401, text: "Token is invalid" })
}

fn not_understood(_: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(NOT_UNDERSTOOD)
}

fn wrong_type(_: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(WRONG_TYPE)
}

fn digits(_: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(DIGITS)
}

fn not_a_number(_: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(NOT_A_NUMBER)
}

fn nul(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    let is_read = pair.configuration.claim("JTI_CLAIM", "jti").is_some();
    invalid(NUL).filter(|_| is_read)
}

fn expired(_: &Pair, _: Endpoint) -> Option<Deviation> {
    const NAME: &str = "an expired token whose `iat` or `nbf` is in the future is \
        `Token is expired`, not `Token is invalid`";
    Some(Deviation { name: NAME, status: 401, text: "Token is expired" })
}

fn expiry(_: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(EXPIRY)
}

fn refresh_expiry(_: &Pair, endpoint: Endpoint) -> Option<Deviation> {
    invalid(EXPIRY).filter(|_| endpoint == Endpoint::RefreshSliding)
}

fn odd_type(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    let is_read = pair.configuration.claim("TOKEN_TYPE_CLAIM", "token_type").is_some();
    invalid(NOT_UNDERSTOOD).filter(|_| is_read)
}

fn odd_id(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    let is_read = pair.configuration.claim("JTI_CLAIM", "jti").is_some();
    invalid(NOT_UNDERSTOOD).filter(|_| is_read)
}

/// PyJWT checks the claim `jti`, whatever `JTI_CLAIM` is.
fn id_of_another_type(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    let claim = pair.configuration.claim("JTI_CLAIM", "jti");
    invalid(WRONG_TYPE).filter(|_| claim.is_some_and(|claim| claim != "jti"))
}

/// Without `AUDIENCE`, SimpleJWT ignores `aud`.
fn audience(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(WRONG_TYPE).filter(|_| pair.configuration.get("AUDIENCE").is_null())
}

fn issuer(pair: &Pair, _: Endpoint) -> Option<Deviation> {
    invalid(WRONG_TYPE).filter(|_| pair.configuration.get("ISSUER").is_null())
}

fn no_id(pair: &Pair, endpoint: Endpoint) -> Option<Deviation> {
    endpoint.requires_id(pair, "Token has no id")
}

fn no_id_nor_expiry(pair: &Pair, endpoint: Endpoint) -> Option<Deviation> {
    endpoint.requires_id(pair, "Token has no 'exp' claim")
}

fn digest(pair: &Pair, endpoint: Endpoint) -> Option<Deviation> {
    let text = "The user's password has been changed.";
    let name = match endpoint {
        Endpoint::Refresh => PASSWORD_CHANGED,
        Endpoint::RefreshSliding => LOST_ACCOUNT,
        _ => return None,
    };
    let checked = pair.configuration.is_on("CHECK_REVOKE_TOKEN");
    checked.then_some(Deviation { name, status: 401, text })
}

impl Endpoint {
    /// The deviation of a token without id, if Django looks the id up in the blacklist.
    pub(super) fn requires_id(self, pair: &Pair, text: &'static str) -> Option<Deviation> {
        let is_looked_up = match self {
            Self::Refresh | Self::Blacklist | Self::RefreshSliding => true,
            Self::Hello | Self::Stateless => {
                let classes = pair.configuration.list("AUTH_TOKEN_CLASSES", "AccessToken");
                let is_listed = |class: &String| {
                    class.ends_with("RefreshToken") || class.ends_with("SlidingToken")
                };
                classes.iter().any(is_listed)
            }
            Self::Verify => false,
        };
        let is_looked_up = is_looked_up && pair.configuration.blacklist_app;
        is_looked_up.then_some(Deviation { name: NO_ID, status: 401, text })
    }
}

/// All times derive from `now`.
pub(super) fn odd_payloads(now: i64) -> Vec<Odd> {
    let [soon, past, long_ago, far] =
        [now + 90, now - 30, now - 400, now + 900].map(|time| time.to_string());
    let [long, too_long] = LONG_IDS;
    vec![
        odd([]),
        odd([("exp", "")]),
        odd([("exp", &past)]),
        odd([("exp", &long_ago)]),
        odd([("exp", "0")]),
        odd([("exp", "-1")]).differs(wrong_type),
        odd([("exp", "null")]),
        odd([("exp", "true")]).differs(wrong_type),
        odd([("exp", "\"\"")]),
        odd([("exp", &format!("\"{far}\""))]).differs(expiry),
        odd([("exp", &format!("{far}.5"))]),
        odd([("exp", "[]")]),
        odd([("exp", "{}")]),
        odd([("exp", "253402300799")]),
        odd([("exp", "253402300800")]).differs(expiry),
        odd([("exp", "1e18")]).differs(expiry),
        odd([("exp", "99999999999999999999")]).differs(expiry),
        odd([("exp", "1e400")]),
        odd([("iat", "")]),
        odd([("iat", &soon)]),
        odd([("iat", &far)]),
        odd([("iat", &far), ("exp", &long_ago)]).differs(expired),
        odd([("nbf", &far), ("exp", &long_ago)]).differs(expired),
        odd([("iat", "null")]),
        odd([("iat", "true")]).differs(wrong_type),
        odd([("nbf", "true")]).differs(wrong_type),
        odd([("iat", "\"x\"")]),
        odd([("iat", &format!("\"{past}\""))]).differs(digits),
        odd([("nbf", &format!("\"{past}\""))]).differs(digits),
        odd([("iat", "1.5")]),
        odd([("iat", "-1")]).differs(wrong_type),
        odd([("iat", "[]")]),
        odd([("nbf", &past)]),
        odd([("nbf", &soon)]),
        odd([("nbf", &far)]),
        odd([("nbf", "null")]),
        odd([("nbf", "\"x\"")]),
        odd([("jti", "")]).differs(no_id),
        odd([("jti", "null")]).differs(id_of_another_type),
        odd([("jti", "\"\"")]).differs(odd_id),
        odd([("jti", "12")]).differs(id_of_another_type),
        odd([("jti", "[]")]).differs(id_of_another_type),
        odd([("jti", "\"nul \\u0000\"")]).differs(nul),
        odd([("jti", long)]),
        odd([("jti", too_long)]).differs(odd_id),
        odd([("type", "")]),
        odd([("type", "null")]).differs(odd_type),
        odd([("type", "\"\"")]),
        odd([("type", "12")]).differs(odd_type),
        odd([("type", "[]")]).differs(odd_type),
        odd([("type", "\"ACCESS\"")]),
        odd([("aud", "")]),
        odd([("aud", "\"other\"")]),
        odd([("aud", "[\"other\",\"api\",\"https://api.example\"]")]),
        odd([("aud", "[\"other\"]")]),
        odd([("aud", "[]")]),
        odd([("aud", "12")]).differs(audience),
        odd([("aud", "null")]).differs(audience),
        odd([("iss", "")]),
        odd([("iss", "\"other\"")]),
        odd([("iss", "12")]).differs(issuer),
        odd([("iss", "null")]).differs(issuer),
        odd([("iss", "[\"https://issuer.example\"]")]).differs(issuer),
        odd([("cnf", "{\"jkt\":\"x\"}")]).differs(not_understood),
        odd([("refresh_exp", "")]),
        odd([("refresh_exp", &past)]),
        odd([("refresh_exp", "null")]).differs(refresh_expiry),
        odd([("refresh_exp", "\"x\"")]).differs(refresh_expiry),
        odd([("refresh_exp", "1e18")]).differs(refresh_expiry),
        odd([("digest", "\"D41D8CD98F00B204E9800998ECF8427E\"")]).differs(digest),
        odd([("digest", "12")]).differs(digest),
        odd([("digest", "")]).differs(digest),
        odd([("username", "\"mallory\""), ("is_staff", "true"), ("own", "{\"a\":[1,2.5,null]}")]),
        odd([("own", "NaN")]).differs(not_a_number),
        odd([("own", "[-Infinity]")]).differs(not_a_number),
        odd([("first", "1"), ("exp", &long_ago), ("type", "\"other\""), ("jti", "")]),
        odd([("exp", ""), ("type", ""), ("jti", "")]).differs(no_id_nor_expiry),
        odd([("type", "\"other\""), ("jti", "")]).differs(no_id),
        odd([("exp", ""), ("type", "\"other\"")]),
    ]
}
