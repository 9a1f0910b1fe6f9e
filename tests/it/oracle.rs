//! Compares the verifier with `jsonwebtoken::decode`, on generated valid and invalid tokens.
//!
//! Both accept or both reject a token, except for the rules in [`OURS`] and [`THEIRS`].

use std::collections::HashSet;

use jsonwebtoken::{DecodingKey, Validation};
use proptest::{
    prelude::*,
    sample::select,
    test_runner::{Config, RngSeed, TestCaseError, TestRunner},
};
use serde_json::{Map, Value};
use tower_jwt_auth::{
    Algorithm, AuthError, Claims, SigningKey, Verifier, VerifyingKey, token::Jws,
};

use crate::support::{
    keys::{self, der},
    mint::{Minter, encode},
};

type Members = Vec<(&'static str, &'static str)>;

/// The members of a valid token. Its dates are far from the current date.
const HEADER: [(&str, &str); 1] = [("typ", r#""JWT""#)];
const CLAIMS: [(&str, &str); 5] = [
    ("token_type", r#""access""#),
    ("exp", "4102444800"),
    ("iat", "1700000000"),
    ("jti", r#""9f1c""#),
    ("user_id", r#""42""#),
];

/// Members that replace the valid ones, or are added.
const HEADER_NAMES: [&str; 16] = [
    "typ",
    "kid",
    "crit",
    "b64",
    "zip",
    "enc",
    "jku",
    "jwk",
    "x5u",
    "x5c",
    "x5t",
    "cty",
    "nonce",
    "new",
    r"\u0063rit",
    r"k\u0069d",
];
const CLAIM_NAMES: [&str; 22] = [
    "exp",
    "nbf",
    "iat",
    "auth_time",
    "amr",
    "iss",
    "aud",
    "sub",
    "jti",
    "sid",
    "user_id",
    "token_type",
    "scope",
    "scp",
    "user_epoch",
    "cnf",
    "username",
    r"\u0065xp",
    r"\u0069at",
    r"\u006ati",
    "",
    "é",
];
const VALUES: [&str; 26] = [
    "null",
    "true",
    "0",
    "1",
    "-1",
    "1700000000",
    "1700000000.5",
    "4102444800",
    "4102444800.25",
    "253402300800",
    "18446744073709551615",
    "18446744073709551616",
    "1e300",
    r#""""#,
    r#""JWT""#,
    r#""access""#,
    r#""refresh""#,
    r#""\u0061ccess""#,
    r#""4102444800""#,
    r#""a string with \"escapes\" \ud83d\udd11""#,
    "[]",
    r#"["a","b"]"#,
    r#"["a",1]"#,
    "{}",
    r#"{"exp":1,"exp":2}"#,
    r#"[[[["deep"]]]]"#,
];

#[derive(Clone, Debug)]
struct Case {
    algorithm: Algorithm,
    header: Members,
    claims: Members,
    change: Change,
}

/// A change of the encoded token.
#[derive(Clone, Debug)]
enum Change {
    None,
    /// Before it is signed, so that the signature is valid.
    BeforeSigning(Edit),
    /// After it was signed.
    AfterSigning(Edit),
}

#[derive(Clone, Debug)]
struct Edit {
    at: prop::sample::Index,
    deleted: usize,
    inserted: &'static str,
}

impl Edit {
    fn apply(&self, string: &str) -> String {
        let start = self.at.index(string.len());
        let end = (start + self.deleted).min(string.len());
        format!("{}{}{}", &string[..start], self.inserted, &string[end..])
    }
}

fn cases() -> impl Strategy<Value = Case> {
    let algorithm = select(vec![Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA]);
    let changes = |names: &'static [&'static str]| {
        prop::collection::vec((select(names), select(&VALUES[..]), any::<bool>()), 0..3)
    };
    let members = |valid: &'static [(&'static str, &'static str)], names| {
        changes(names).prop_map(move |changes| {
            let mut members = valid.to_vec();
            for (name, value, replaces) in changes {
                if replaces {
                    members.retain(|(other, _)| *other != name);
                }
                members.push((name, value));
            }
            members
        })
    };
    // In one case of ten, a claim is omitted.
    let claims = (members(&CLAIMS, &CLAIM_NAMES), prop::option::weighted(0.1, 0..CLAIMS.len()))
        .prop_map(|(mut members, omitted)| {
            members.retain(|member| omitted.is_none_or(|index| *member != CLAIMS[index]));
            members
        });
    let inserted = select(vec!["", "A", "-", "_", "=", "+", "/", ".", "..", " ", "\n", "é", "%"]);
    let edit = (any::<prop::sample::Index>(), 0..3_usize, inserted)
        .prop_map(|(at, deleted, inserted)| Edit { at, deleted, inserted });
    let change = prop_oneof![
        6 => Just(Change::None),
        1 => edit.clone().prop_map(Change::BeforeSigning),
        1 => edit.prop_map(Change::AfterSigning),
    ];
    (algorithm, members(&HEADER, &HEADER_NAMES), claims, change)
        .prop_map(|(algorithm, header, claims, change)| Case { algorithm, header, claims, change })
}

impl Case {
    /// Returns the token, and whether the change made its signature invalid.
    fn mint(&self, minter: &Minter) -> (String, bool) {
        let object = |members: &Members, first: &str| {
            let members: Vec<_> =
                members.iter().map(|(name, value)| format!(r#""{name}":{value}"#)).collect();
            format!("{{{first}{}}}", members.join(","))
        };
        let comma = if self.header.is_empty() { "" } else { "," };
        let header = object(&self.header, &format!(r#""alg":"{}"{comma}"#, self.algorithm));
        let claims = object(&self.claims, "");
        let signing_input = format!("{}.{}", encode(header), encode(claims));
        match &self.change {
            Change::None => (minter.seal(&signing_input), false),
            Change::BeforeSigning(edit) => (minter.seal(&edit.apply(&signing_input)), false),
            Change::AfterSigning(edit) => {
                let token = minter.seal(&signing_input);
                let changed = edit.apply(&token);
                let is_forged = changed != token;
                (changed, is_forged)
            }
        }
    }

    fn header_names(&self) -> Vec<String> {
        names(&self.header)
    }

    /// Returns the values of a claim, whether or not its name has escapes.
    fn claim(&self, name: &str) -> Vec<Value> {
        values(&self.claims, name)
    }

    fn claim_is_not(&self, name: &str, accepts: impl Fn(&Value) -> bool) -> bool {
        self.claim(name).iter().any(|value| !accepts(value))
    }
}

fn names(members: &Members) -> Vec<String> {
    members.iter().map(|(name, _)| unescape(name)).collect()
}

fn values(members: &Members, name: &str) -> Vec<Value> {
    let members = members.iter().filter(|(other, _)| unescape(other) == name);
    members.map(|(_, value)| serde_json::from_str(value).unwrap()).collect()
}

fn unescape(name: &str) -> String {
    serde_json::from_str(&format!("\"{name}\"")).unwrap()
}

fn has_duplicates(names: &[String]) -> bool {
    names.iter().collect::<HashSet<_>>().len() < names.len()
}

fn is_id(value: &Value) -> bool {
    value.as_str().is_some_and(|id| !id.is_empty())
}

fn is_user_id(value: &Value) -> bool {
    is_id(value) || value.is_u64() || value.is_i64()
}

fn is_date(value: &Value) -> bool {
    value.as_f64().is_some_and(|secs| (0.0..=253_402_300_799.0).contains(&secs))
}

fn is_past_date(value: &Value) -> bool {
    is_date(value) && value.as_f64().is_some_and(|secs| secs < 2e9)
}

fn is_string_or_strings(value: &Value) -> bool {
    let strings = |list: &Vec<Value>| list.iter().all(Value::is_string);
    value.is_string() || value.as_array().is_some_and(strings)
}

type Rule = (&'static str, fn(&Case) -> bool);

/// Rules of ours that reject tokens which jsonwebtoken accepts.
const OURS: [Rule; 14] = [
    ("members that must be understood are rejected (RFC 7515 section 4.1.11)", |case| {
        case.header_names().iter().any(|name| ["crit", "b64", "zip", "enc"].contains(&&**name))
    }),
    ("the header has no duplicate members (RFC 7515 section 4)", |case| {
        has_duplicates(&case.header_names())
    }),
    ("typ and kid are strings and not null", |case| {
        let values = ["typ", "kid"].map(|name| values(&case.header, name));
        !values.iter().flatten().all(Value::is_string)
    }),
    ("no claim is duplicate (RFC 7519 section 4)", |case| has_duplicates(&names(&case.claims))),
    ("a date is at most in the year 9999", |case| case.claim_is_not("exp", is_date)),
    ("iat is not in the future", |case| case.claim_is_not("iat", is_past_date)),
    ("auth_time is not in the future", |case| {
        case.claim_is_not("auth_time", |value| is_past_date(value) || !is_date(value))
    }),
    ("jti is required and is a valid id", |case| {
        case.claim("jti").is_empty() || case.claim_is_not("jti", is_id)
    }),
    ("the user id is required and is a string or an integer", |case| {
        case.claim("user_id").is_empty() || case.claim_is_not("user_id", is_user_id)
    }),
    ("the token type is required and is access", |case| {
        case.claim("token_type") != [Value::from("access")]
    }),
    ("sid is a valid id", |case| case.claim_is_not("sid", is_id)),
    ("iss is a string", |case| case.claim_is_not("iss", Value::is_string)),
    ("scopes are strings or arrays of strings", |case| {
        ["scope", "scp"].iter().any(|name| case.claim_is_not(name, is_string_or_strings))
    }),
    ("a token bound to a key is not a bearer token", |case| !case.claim("cnf").is_empty()),
];

/// Rules of jsonwebtoken that reject tokens which we accept.
const THEIRS: [Rule; 2] = [
    ("members that we ignore have the type of their specification", |case| {
        let ignored = ["jku", "jwk", "x5u", "x5c", "x5t", "cty", "nonce"];
        case.header_names().iter().any(|name| ignored.contains(&&**name))
    }),
    ("claims that no rule uses have the type of their specification", |case| {
        case.claim_is_not("sub", Value::is_string) || case.claim_is_not("aud", is_string_or_strings)
    }),
];

struct Verifiers {
    minter: Minter,
    ours: [Verifier<Map<String, Value>>; 2],
    theirs: (DecodingKey, Validation),
}

impl Verifiers {
    fn new(algorithm: Algorithm) -> Self {
        let ec = |pem: &str| DecodingKey::from_ec_pem(pem.as_bytes()).unwrap();
        let ed = |pem: &str| DecodingKey::from_ed_pem(pem.as_bytes()).unwrap();
        let (private, public, theirs) = match algorithm {
            Algorithm::ES256 => (keys::P256, keys::P256_PUBLIC, ec(keys::P256_PUBLIC)),
            Algorithm::EdDSA => (keys::ED25519, keys::ED25519_PUBLIC, ed(keys::ED25519_PUBLIC)),
            _ => (
                str::from_utf8(keys::SECRET).unwrap(),
                "",
                DecodingKey::from_secret(keys::SECRET).unwrap(),
            ),
        };
        let key = if algorithm.is_symmetric() {
            VerifyingKey::from_secret(algorithm, keys::SECRET)
        } else {
            VerifyingKey::from_pem(algorithm, public)
        };
        let key = key.unwrap();
        let builder = |bytes| Verifier::builder(key.clone()).claims().cache(bytes);
        let mut validation = Validation::new(algorithm.as_str().parse().unwrap());
        validation.leeway = 0;
        validation.validate_nbf = true;
        validation.validate_aud = false;
        Self {
            minter: Minter::new(algorithm, private.as_bytes()),
            ours: [0, 64 * 1024].map(|bytes| builder(bytes).build().unwrap()),
            theirs: (theirs, validation),
        }
    }

    /// Returns the outcome without a cache. The first and the second outcome with a cache are equal.
    fn verify(&self, token: &str) -> Result<Claims<Map<String, Value>>, AuthError> {
        let [plain, caching] = &self.ours;
        let verified = plain.verify(token);
        let json = |claims: &Claims<Map<String, Value>>| claims.json().to_owned();
        let summary = verified.as_ref().map(json).map_err(AuthError::kind);
        for _ in 0..2 {
            let cached = caching.verify(token);
            assert_eq!(cached.as_ref().map(json).map_err(AuthError::kind), summary);
        }
        if let Ok(claims) = &verified {
            // The application's claims equal those deserialized separately.
            assert_eq!(serde_json::from_str(claims.json()).ok().as_ref(), Some(&**claims));
        }
        verified
    }

    fn jsonwebtoken(&self, token: &str) -> Option<Value> {
        let (key, validation) = &self.theirs;
        jsonwebtoken::decode(token, key, validation).map(|decoded| decoded.claims).ok()
    }
}

fn runner(cases: u32, seed: u64) -> TestRunner {
    let rng_seed = RngSeed::Fixed(seed);
    TestRunner::new(Config { cases, rng_seed, failure_persistence: None, ..Config::default() })
}

#[test]
fn agrees_with_jsonwebtoken() {
    let verifiers = [Algorithm::HS256, Algorithm::ES256, Algorithm::EdDSA]
        .map(|name| (name, Verifiers::new(name)));
    let used = std::cell::RefCell::new(HashSet::new());
    let accepted = std::cell::Cell::new(0);
    let check = |case: Case| {
        let (_, verifiers) = verifiers.iter().find(|(name, _)| *name == case.algorithm).unwrap();
        let (token, is_forged) = case.mint(&verifiers.minter);
        let ours = verifiers.verify(&token);
        let theirs = verifiers.jsonwebtoken(&token);
        if is_forged {
            // Both must reject it: the rules about members do not apply.
            prop_assert!(ours.is_err() && theirs.is_none(), "accepted: {}", token);
            return Ok(());
        }
        let rules = match (&ours, &theirs) {
            (Ok(claims), Some(theirs)) => {
                let ours: Value = serde_json::from_str(claims.json()).unwrap();
                prop_assert_eq!(&ours, theirs);
                accepted.set(accepted.get() + 1);
                return Ok(());
            }
            (Err(_), None) => return Ok(()),
            (Err(_), Some(_)) => &OURS[..],
            (Ok(_), None) => &THEIRS,
        };
        let reasons: Vec<_> = rules.iter().filter(|(_, applies)| applies(&case)).collect();
        used.borrow_mut().extend(reasons.iter().map(|(reason, _)| *reason));
        if reasons.is_empty() {
            let ours = ours.map(drop).map_err(|error| error.kind());
            return Err(TestCaseError::fail(format!("ours {ours:?}, theirs {theirs:?}: {token}")));
        }
        Ok(())
    };
    runner(6000, 1).run(&cases(), check).unwrap();

    // The generator covers every rule and makes enough valid tokens.
    for (reason, _) in OURS.iter().chain(&THEIRS) {
        assert!(used.borrow().contains(reason), "not covered: {reason}");
    }
    assert!(accepted.get() > 500, "only {} valid tokens", accepted.get());
}

#[test]
fn applies_every_listed_rule() {
    let verifiers = Verifiers::new(Algorithm::HS256);
    let check = |case: Case| {
        let case = Case { algorithm: Algorithm::HS256, change: Change::None, ..case };
        let outcome = verifiers.verify(&case.mint(&verifiers.minter).0);
        if let Some((reason, _)) = OURS.iter().find(|(_, applies)| applies(&case)) {
            prop_assert!(outcome.is_err(), "accepted against the rule: {}", reason);
        }
        Ok(())
    };
    runner(2000, 2).run(&cases(), check).unwrap();
}

#[test]
fn never_panics_on_any_token() {
    let verifiers = Verifiers::new(Algorithm::HS256);
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET).unwrap();
    let strings = prop_oneof![
        any::<String>(),
        "[A-Za-z0-9_.=+/ -]{0,200}",
        r"(eyJhbGciOiJIUzI1NiJ9|[\x00-\x7f]{0,20})\.[A-Za-z0-9_-]{0,80}\.\PC{0,40}",
    ];
    let check = |string: String| {
        prop_assert!(verifiers.verify(&string).is_err());
        prop_assert!(Jws::verify(&string, &key, 4096).is_err());
        // With a valid signature, as the token and as each of its parts.
        let _ = verifiers.verify(&verifiers.minter.seal(&string));
        let _ = verifiers.verify(&verifiers.minter.mint(&string, &string));
        let _ = verifiers.verify(&verifiers.minter.token(&string));
        let _ = Jws::verify(&verifiers.minter.token(&string), &key, 4096);
        Ok(())
    };
    runner(2000, 3).run(&strings, check).unwrap();
}

#[test]
fn never_panics_on_any_key() {
    let algorithms = [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA];
    let pems = [keys::RSA_PUBLIC, keys::P256, keys::ED25519_PUBLIC, keys::P256_ECPARAM];
    let ders = [keys::RSA, keys::RSA_PUBLIC, keys::P256, keys::P256_PUBLIC, keys::ED25519].map(der);
    let jwks = [keys::RFC_OCT, keys::RFC_RSA, keys::RFC_EC, keys::RFC_OKP];
    let edit = (any::<prop::sample::Index>(), any::<prop::sample::Index>(), any::<u8>());
    let check =
        |((at, which, byte), string): ((prop::sample::Index, prop::sample::Index, u8), String)| {
            let mut der = which.get(&ders).clone();
            *at.get_mut(&mut der) = byte;
            let edit = Edit { at, deleted: usize::from(byte % 3), inserted: "A" };
            let pem = edit.apply(pems[which.index(pems.len())]);
            let jwk = edit.apply(jwks[which.index(jwks.len())]);
            for algorithm in algorithms {
                let _ = VerifyingKey::from_der(algorithm, &der);
                let _ = SigningKey::from_der(algorithm, &der);
                for input in [&string, &pem, &jwk] {
                    let _ = VerifyingKey::from_pem(algorithm, input);
                    let _ = SigningKey::from_pem(algorithm, input);
                    let _ = VerifyingKey::from_jwk(input, algorithm);
                    let _ = SigningKey::from_jwk(input, algorithm);
                    let _ = SigningKey::from_secret(algorithm, input);
                }
            }
            Ok(())
        };
    runner(300, 4).run(&(edit, any::<String>()), check).unwrap();
}
