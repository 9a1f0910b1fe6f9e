//! The subjects, each with its name.

use std::{
    error::Error,
    hint::black_box,
    rc::Rc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use futures::FutureExt;
use http::{StatusCode, request::Parts};
use jsonwebtoken::{Header, Validation};
use tower::Layer;
use tower_jwt_auth::{
    Algorithm, Clock, Issuer, JwtAuthLayer, MemoryStore, NumericDate, SigningKey, Verifier,
    store::{Revocation, StoreError, TokenStore},
    token::{TokenType, UserId},
};

use super::{
    apps::{
        AllClaims, Baseline, NoLayer, Profile, call, call_in_turn, extracting, open, protected,
        request,
    },
    introspection::{TOKEN, introspection},
    keys::{Keys, jsonwebtoken_algorithm},
};

const HOUR: u64 = 60 * 60;
const EIGHT_KIB: usize = 8 * 1024;
/// Holds all tokens in turn.
const CACHE: usize = 64 * 1024 * 1024;
const MANY: u64 = 10_000;

/// A subject of a measurement.
pub(crate) struct Subject {
    pub(crate) name: String,
    pub(crate) run: Box<dyn FnMut()>,
}

#[derive(Default)]
pub(crate) struct Subjects(Vec<Subject>);

impl Subjects {
    pub(crate) fn all() -> Result<Vec<Subject>, Box<dyn Error>> {
        let mut subjects = Self::default();
        let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
        let valid = claims(now, now + HOUR);
        for algorithm in [Algorithm::HS256, Algorithm::RS256, Algorithm::ES256, Algorithm::EdDSA] {
            let keys = Keys::new(algorithm)?;
            let token = keys.encode(&valid)?;
            subjects.add_valid(&keys, &request(Some(&token)))?;
            if algorithm == Algorithm::HS256 {
                subjects.add_hs256(&keys, &request(Some(&token)))?;
                subjects.add_rejected(&keys, &token, now)?;
            }
            subjects.add_issuing(keys, valid.clone())?;
        }
        subjects.add_ml_dsa()?;
        Ok(subjects.0)
    }

    /// The time includes dropping the result of `run`.
    fn add<T>(&mut self, name: impl Into<String>, mut run: impl FnMut() -> T + 'static) {
        let run = Box::new(move || drop(black_box(run())));
        self.0.push(Subject { name: name.into(), run });
    }

    fn add_valid(&mut self, keys: &Keys, valid: &Parts) -> Result<(), Box<dyn Error>> {
        let algorithm = keys.ours.algorithm();
        let routers = [
            ("layer around the router", keys.verifier()?),
            ("cached token", keys.caching_verifier()?),
        ];
        self.add(
            format!("{algorithm}, jsonwebtoken in an extractor"),
            call(keys.baseline().router(), valid.clone(), StatusCode::NO_CONTENT),
        );
        for (name, verifier) in routers {
            let router = JwtAuthLayer::new(verifier).layer(protected());
            let run = call(router, valid.clone(), StatusCode::NO_CONTENT);
            self.add(format!("{algorithm}, {name}"), run);
        }
        Ok(())
    }

    /// jsonwebtoken has no ML-DSA.
    fn add_ml_dsa(&mut self) -> Result<(), Box<dyn Error>> {
        let key = SigningKey::generate(Algorithm::MlDsa65)?;
        let issuer = Issuer::builder(key.clone()).claims::<Profile>().build()?;
        let AllClaims { username, email, is_admin, .. } = claims(0, 0);
        let profile = Profile { username, email, is_admin };
        let (user_id, hour) = (UserId::from(42), Duration::from_secs(HOUR));
        let issue = move || issuer.issue(&TokenType::Access, hour, &user_id, &profile);
        let valid = request(Some(&issue()?));
        for (name, cache) in [("layer around the router", 0), ("cached token", CACHE)] {
            let verifier = Verifier::builder(key.verifying_key()).cache(cache).claims::<Profile>();
            let router = JwtAuthLayer::new(verifier.build()?).layer(protected());
            let run = call(router, valid.clone(), StatusCode::NO_CONTENT);
            self.add(format!("ML-DSA-65, {name}"), run);
        }
        self.add("ML-DSA-65, Issuer::issue", issue);
        Ok(())
    }

    fn add_hs256(&mut self, keys: &Keys, valid: &Parts) -> Result<(), Box<dyn Error>> {
        let layer = JwtAuthLayer::new(keys.verifier()?);
        let store = filled_store().now_or_never().expect("a store in memory never waits")?;
        let revocable = layer.clone().with_revocation_check(store);

        let routers = [
            ("no authentication", open()),
            ("Router::layer that does nothing", open().layer(NoLayer)),
            ("verifier in an extractor", extracting(keys.verifier()?)),
            ("Router::layer", protected().layer(layer)),
            (
                "cached token, Router::layer",
                protected().layer(JwtAuthLayer::new(keys.caching_verifier()?)),
            ),
        ];
        for (name, router) in routers {
            self.add(name, call(router, valid.clone(), StatusCode::NO_CONTENT));
        }
        let opaque = request(Some(TOKEN));
        let beside_jwts =
            JwtAuthLayer::new(keys.caching_verifier()?).with_introspection(introspection()?)?;
        let layers = [
            ("cached introspection", JwtAuthLayer::from_introspection(introspection()?), &opaque),
            ("cached introspection beside JWTs", beside_jwts.clone(), &opaque),
            ("cached token beside introspection", beside_jwts, valid),
        ];
        for (name, layer, request) in layers {
            let router = layer.layer(protected());
            self.add(name, call(router, request.clone(), StatusCode::NO_CONTENT));
        }
        let tokens = tokens(keys, MANY)?;
        let requests: Vec<_> = tokens.iter().map(|token| request(Some(token))).collect();
        let layer = JwtAuthLayer::new(keys.caching_verifier()?);
        let mut run = call_in_turn(layer.layer(protected()), requests.clone());
        (0..MANY).for_each(|_| drop(run()));
        self.add("one of 10 000 cached tokens", run);
        self.add("one of 10 000 requests", call_in_turn(open(), requests));
        self.add(
            "layer around the router, store",
            call(revocable.layer(protected()), valid.clone(), StatusCode::NO_CONTENT),
        );
        Ok(())
    }

    fn add_rejected(&mut self, keys: &Keys, valid: &str, now: u64) -> Result<(), Box<dyn Error>> {
        let (header, _) = valid.split_once('.').expect("a token has dots");
        let (signing_input, signature) = valid.rsplit_once('.').expect("a token has dots");
        let forged = "A".repeat(signature.len());
        let filling = EIGHT_KIB - header.len() - forged.len() - 2;
        let requests = [
            ("no token", None),
            ("invalid signature", Some(format!("{signing_input}.{forged}"))),
            ("expired", Some(keys.encode(&claims(now - 2 * HOUR, now - HOUR))?)),
            ("8 KiB of garbage", Some("garbage-".repeat(EIGHT_KIB / 8))),
            ("8 KiB forged", Some(format!("{header}.{}.{forged}", "e".repeat(filling)))),
        ];
        let layer = JwtAuthLayer::new(keys.verifier()?);
        for (name, token) in requests {
            let rejected = request(token.as_deref());
            self.add(
                format!("{name}, jsonwebtoken in an extractor"),
                call(keys.baseline().router(), rejected.clone(), StatusCode::UNAUTHORIZED),
            );
            self.add(
                format!("{name}, layer around the router"),
                call(layer.layer(protected()), rejected, StatusCode::UNAUTHORIZED),
            );
        }
        Ok(())
    }

    /// `issue` generates a random id and reads the clock, so the code around `encode` does too.
    fn add_issuing(&mut self, keys: Keys, all: AllClaims) -> Result<(), Box<dyn Error>> {
        let algorithm = keys.ours.algorithm();
        let issuer = Issuer::builder(keys.ours.clone()).claims::<Profile>().build()?;
        let AllClaims { username, email, is_admin, .. } = all.clone();
        let profile = Profile { username, email, is_admin };
        let user_id = UserId::from(42);
        let hour = Duration::from_secs(HOUR);
        self.add(format!("{algorithm}, Issuer::issue"), move || {
            issuer.issue(&TokenType::Access, hour, &user_id, &profile)
        });

        let keys = Rc::new(keys);
        let (same_keys, mut fresh) = (Rc::clone(&keys), all.clone());
        self.add(format!("{algorithm}, encode with a given id and times"), move || {
            keys.encode(&all)
        });
        self.add(format!("{algorithm}, jsonwebtoken::encode"), move || {
            let mut bits = [0; 16];
            rand::fill(&mut bits).expect("the system has random bits");
            fresh.jti = format!("{:032x}", u128::from_be_bytes(bits));
            fresh.iat = NumericDate::from(SystemTime::now()).as_secs();
            fresh.exp = fresh.iat + HOUR;
            same_keys.encode(&fresh)
        });
        Ok(())
    }
}

/// As many valid tokens.
pub(crate) fn tokens(keys: &Keys, many: u64) -> Result<Vec<String>, Box<dyn Error>> {
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    (0..many)
        .map(|number| {
            let jti = format!("{number:032x}");
            Ok(keys.encode(&AllClaims { jti, ..claims(now, now + HOUR) })?)
        })
        .collect()
}

fn claims(iat: u64, exp: u64) -> AllClaims {
    AllClaims {
        token_type: "access".to_owned(),
        exp,
        iat,
        jti: "8d1f3c2ab0574e5d9f6e7a1b2c3d4e5f".to_owned(),
        user_id: "42".to_owned(),
        username: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
        is_admin: false,
    }
}

impl Keys {
    fn encode(&self, claims: &AllClaims) -> Result<String, jsonwebtoken::errors::Error> {
        let header = Header::new(jsonwebtoken_algorithm(self.ours.algorithm()));
        jsonwebtoken::encode(&header, claims, &self.encoding)
    }

    fn baseline(&self) -> Baseline {
        let validation = Validation::new(jsonwebtoken_algorithm(self.ours.algorithm()));
        Baseline { key: self.decoding.clone(), validation }
    }

    fn verifier(&self) -> Result<Verifier<Profile>, Box<dyn Error>> {
        Ok(Verifier::builder(self.ours.verifying_key()).cache(0).claims().build()?)
    }

    fn caching_verifier(&self) -> Result<Verifier<Profile>, Box<dyn Error>> {
        Ok(Verifier::builder(self.ours.verifying_key()).cache(CACHE).claims().build()?)
    }
}

/// A store with revocations of a thousand other tokens and users.
async fn filled_store() -> Result<MemoryStore, StoreError> {
    let store = MemoryStore::new();
    let (now, keep_until) = (Clock::system().now(), NumericDate::MAX);
    for other in 1000..2000 {
        let (jti, user_id) = (format!("{other:032x}"), &UserId::from(other));
        store.revoke(&Revocation::Token { jti: &jti, user_id, keep_until }, now).await?;
        store.revoke(&Revocation::User { user_id, except: None, keep_until }, now).await?;
    }
    Ok(store)
}
