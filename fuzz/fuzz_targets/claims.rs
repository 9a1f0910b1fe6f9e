//! Claims, compared with jsonwebtoken and with a slow reader, by the rules of several verifiers and for
//! several types of the application's claims.
//!
//! What we accept, jsonwebtoken accepts with equal claims. Deliberate differences:
//!
//! - It rejects an `aud` or a `sub` of another type than that of its specification, also if no rule uses
//!   it. We ignore such a claim.
//! - It rounds dates, we truncate them. So an `nbf` may be half a second too early for it.

#![no_main]

#[path = "claims/reference.rs"]
mod reference;
#[path = "claims/types.rs"]
mod types;

use std::{sync::LazyLock, time::Duration};

use fuzz::{SECRET, key, mint, mutate_json, started_at};
use jsonwebtoken::{DecodingKey, Validation};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::{Map, Value};
use tower_jwt_auth::{
    Claims, ManualClock, NumericDate, Verifier,
    token::{TokenProfile, TokenType, VerifierBuilder},
};

use reference::{Expected, Reference};

const ISSUER: &str = "https://login.example";

/// One set of rules, in each library.
struct Rules {
    header: &'static str,
    ours: fn(VerifierBuilder) -> VerifierBuilder,
    reference: Reference,
    theirs: Validation,
}

struct Compared {
    rules: Rules,
    plain: Verifier,
    caching: Verifier,
    map: Verifier<Map<String, Value>>,
    types: types::Verifiers,
}

impl Compared {
    fn new(rules: Rules) -> Self {
        let builder = || {
            let clock = ManualClock::new(NumericDate::from_secs(started_at()));
            (rules.ours)(Verifier::builder(key()).clock(clock).clock_skew(Duration::ZERO))
        };
        Self {
            plain: builder().build().unwrap(),
            caching: builder().cache(64 * 1024).build().unwrap(),
            map: builder().claims().build().unwrap(),
            types: types::Verifiers::new(builder),
            rules,
        }
    }
}

fn validation(leeway: u64, audiences: &[&str], has_issuer: bool) -> Validation {
    let mut validation = Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.leeway = leeway;
    validation.validate_nbf = true;
    validation.validate_aud = !audiences.is_empty();
    let mut required = vec!["exp"];
    if !audiences.is_empty() {
        validation.set_audience(audiences);
        required.push("aud");
    }
    if has_issuer {
        validation.set_issuer(&[ISSUER]);
        required.push("iss");
    }
    validation.set_required_spec_claims(&required);
    validation
}

static COMPARED: LazyLock<Vec<Compared>> = LazyLock::new(|| {
    const JWT: &str = r#"{"alg":"HS256","typ":"JWT"}"#;
    let simple = Rules {
        header: JWT,
        ours: |builder| builder,
        reference: Reference::new(TokenProfile::SimpleJwt),
        theirs: validation(0, &[], false),
    };
    let refresh = Rules {
        header: JWT,
        ours: |builder| {
            builder
                .token_types([TokenType::Access, TokenType::Refresh])
                .issuer(ISSUER)
                .audiences(["api", "web"])
                .leeway(Duration::from_secs(30))
                .longest_lifetime(Duration::from_secs(3_000_000_000))
                .optional_jti()
                .optional_user_id()
        },
        reference: Reference {
            types: &["access", "refresh"],
            issuer: Some(ISSUER),
            audiences: &["api", "web"],
            leeway: 30,
            longest: Some(3_000_000_000),
            optional_jti: true,
            optional_user_id: true,
            ..Reference::new(TokenProfile::SimpleJwt)
        },
        theirs: validation(30, &["api", "web"], true),
    };
    let plain = Rules {
        header: JWT,
        ours: |builder| {
            let builder = builder.profile(TokenProfile::Plain).issuer(ISSUER).audience("api");
            builder.max_user_id_len(8)
        },
        reference: Reference {
            issuer: Some(ISSUER),
            audiences: &["api"],
            max_user_id_len: 8,
            ..Reference::new(TokenProfile::Plain)
        },
        theirs: validation(0, &["api"], true),
    };
    let clients = Rules {
        header: JWT,
        ours: |builder| builder.profile(TokenProfile::Plain).clients(["app"]),
        reference: Reference { clients: &["app"], ..Reference::new(TokenProfile::Plain) },
        theirs: validation(0, &[], false),
    };
    let id_token = Rules {
        header: JWT,
        ours: |builder| {
            let builder = builder.profile(TokenProfile::IdToken).issuer(ISSUER);
            builder.audiences(["app", "web"])
        },
        reference: Reference {
            issuer: Some(ISSUER),
            audiences: &["app", "web"],
            ..Reference::new(TokenProfile::IdToken)
        },
        theirs: validation(0, &["app", "web"], true),
    };
    let rfc9068 = Rules {
        header: r#"{"alg":"HS256","typ":"at+jwt"}"#,
        ours: |builder| builder.profile(TokenProfile::Rfc9068).issuer(ISSUER).audience("api"),
        reference: Reference {
            issuer: Some(ISSUER),
            audiences: &["api"],
            ..Reference::new(TokenProfile::Rfc9068)
        },
        theirs: validation(0, &["api"], true),
    };
    [simple, refresh, plain, clients, id_token, rfc9068].map(Compared::new).into()
});

impl Compared {
    fn check(&self, payload: &[u8]) {
        let token = mint(self.rules.header, payload);
        let ours = self.plain.verify(&token);
        if let Ok(ours) = &ours {
            assert_eq!(ours.json().as_bytes(), payload);
            // The second time from the cache.
            assert!(self.caching.verify(&token).is_ok() && self.caching.verify(&token).is_ok());
        }
        self.check_reference(payload, ours.as_ref().ok());
        self.types.check(&token, payload, ours.as_ref().ok());

        // `NoClaims` ignores values that serde_json cannot hold, which jsonwebtoken rejects.
        let map = self.map.verify(&token);
        assert!(map.is_err() || ours.is_ok());
        if let Ok(claims) = map {
            self.check_jsonwebtoken(&token, &claims);
        }
    }

    fn check_reference(&self, payload: &[u8], ours: Option<&Claims>) {
        match (self.rules.reference.read(payload, started_at()), ours) {
            (Expected::Unknown, _) | (Expected::Rejected, None) => {}
            (Expected::Rejected, Some(_)) => panic!("accepted what the reference rejects"),
            (Expected::Accepted(_), None) => panic!("rejected what the reference accepts"),
            (Expected::Accepted(read), Some(ours)) => assert_eq!(*read, reference::Read::of(ours)),
        }
    }

    fn check_jsonwebtoken(&self, token: &str, claims: &Claims<Map<String, Value>>) {
        static KEY: LazyLock<DecodingKey> =
            LazyLock::new(|| DecodingKey::from_secret(SECRET).unwrap());
        let is_string = |value: &Value| value.is_string() || value.is_null();
        let strings = |value: &Value| {
            let all = |list: &Vec<Value>| list.iter().all(Value::is_string);
            is_string(value) || value.as_array().is_some_and(all)
        };
        if !claims.get("sub").is_none_or(is_string) || !claims.get("aud").is_none_or(strings) {
            return;
        }
        let theirs = jsonwebtoken::decode::<Map<String, Value>>(token, &*KEY, &self.rules.theirs);
        assert_eq!(theirs.expect("jsonwebtoken accepts what we accept").claims, **claims);
    }
}

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|payload: &[u8]| {
    // As many as fit into a token of 8 KiB.
    if payload.len() <= 4096 {
        COMPARED.iter().for_each(|compared| compared.check(payload));
    }
});
