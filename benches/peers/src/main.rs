//! Verifies an HS256 token with other crates for the same purpose, each used as its documentation
//! shows:
//! `cargo run --release --manifest-path benches/peers/Cargo.toml`.
//!
//! As in the benchmark `verify`, the figures are nanoseconds for a request through an axum router in
//! this process, as medians and minima of rounds in which all subjects run in turn. The ratios
//! compare the cost above a router without authentication with that of a hand-written extractor
//! around jsonwebtoken.

#[path = "../../support/apps.rs"]
#[allow(dead_code, unreachable_pub)]
mod apps;

use std::{
    error::Error,
    hint::black_box,
    sync::Arc,
    time::{Duration, Instant, SystemTime},
};

use apps::{AllClaims, Baseline, PATH, Profile, bearer, call, open, protected, request};
use axum::{Extension, Router, extract::FromRequestParts, response::Response, routing::get};
use http::{StatusCode, request::Parts};
use jsonwebtoken::{DecodingKey, EncodingKey, Header, Validation};
use tower::Layer;
use tower_jwt_auth::{JwtAuthLayer, SigningKey, Verifier};

const SECRET: &[u8; 32] = b"0123456789abcdefghijklmnopqrstuv";
const ROUNDS: usize = 101;
/// How long one subject runs in one round.
const SLICE: Duration = Duration::from_millis(2);
const FLOOR: &str = "no authentication";
const BASELINE: &str = "jsonwebtoken 12, by hand";

fn main() -> Result<(), Box<dyn Error>> {
    let now = SystemTime::UNIX_EPOCH.elapsed()?.as_secs();
    let claims = AllClaims {
        token_type: "access".to_owned(),
        exp: now + 3600,
        iat: now,
        jti: "8d1f3c2ab0574e5d9f6e7a1b2c3d4e5f".to_owned(),
        user_id: "42".to_owned(),
        username: "ada".to_owned(),
        email: "ada@example.com".to_owned(),
        is_admin: false,
    };
    let key = EncodingKey::from_secret(SECRET)?;
    let token = jsonwebtoken::encode(&Header::default(), &claims, &key)?;
    let request = request(Some(&token));
    let ours = |cache| -> Result<_, Box<dyn Error>> {
        let key = SigningKey::hs256(SECRET)?;
        let verifier = Verifier::builder(key).claims::<Profile>().cache(cache).build()?;
        Ok(JwtAuthLayer::new(verifier).layer(protected()))
    };
    let baseline =
        Baseline { key: DecodingKey::from_secret(SECRET)?, validation: Validation::default() };

    let mut subjects = [
        subject(FLOOR, call(open(), request.clone(), OK)),
        subject(BASELINE, call(baseline.router(), request.clone(), OK)),
        subject("jsonwebtoken 11.1, by hand", call(jsonwebtoken_11(), request.clone(), OK)),
        subject("tower-jwt-auth", call(ours(0)?, request.clone(), OK)),
        subject("tower-jwt-auth, cached token", call(ours(1 << 20)?, request.clone(), OK)),
        subject("axum-jwt", call(axum_jwt(), request.clone(), OK)),
        subject("tower-jwt", call(tower_jwt(), request, OK)),
    ];
    for round in 0..ROUNDS {
        let start = round % subjects.len();
        let (before, after) = subjects.split_at_mut(start);
        after.iter_mut().chain(before).for_each(Subject::sample);
    }
    subjects.iter_mut().for_each(|subject| subject.samples.sort_by(f64::total_cmp));
    let times_of = |name| {
        let subject = subjects.iter().find(|subject| subject.name == name);
        subject.expect("a subject of this name").times()
    };
    let (floor, baseline) = (times_of(FLOOR), times_of(BASELINE));
    println!("{:<32} {:>8} {:>6} {:>9} {:>6}", "", "median", "ratio", "fastest", "ratio");
    for subject in &subjects {
        let times = subject.times();
        let [median, fastest] =
            [0, 1].map(|index| (times[index] - floor[index]) / (baseline[index] - floor[index]));
        println!(
            "{:<32} {:>8.0} {median:>6.2} {:>9.0} {fastest:>6.2}",
            subject.name, times[0], times[1]
        );
    }
    Ok(())
}

const OK: StatusCode = StatusCode::NO_CONTENT;

/// The hand-written extractor with the previous version, whose cost the new one is compared with.
fn jsonwebtoken_11() -> Router {
    use jsonwebtoken_11::{DecodingKey, Validation};

    struct Claims(AllClaims);

    impl FromRequestParts<Arc<(DecodingKey, Validation)>> for Claims {
        type Rejection = StatusCode;

        async fn from_request_parts(
            parts: &mut Parts,
            state: &Arc<(DecodingKey, Validation)>,
        ) -> Result<Self, StatusCode> {
            let token = bearer(parts).ok_or(StatusCode::UNAUTHORIZED)?;
            match jsonwebtoken_11::decode(token, &state.0, &state.1) {
                Ok(data) => Ok(Self(data.claims)),
                Err(_) => Err(StatusCode::UNAUTHORIZED),
            }
        }
    }

    let handler = async |Claims(claims): Claims| {
        black_box(&claims.username);
        OK
    };
    let state = (DecodingKey::from_secret(SECRET), Validation::default());
    Router::new().route(PATH, get(handler)).with_state(Arc::new(state))
}

fn axum_jwt() -> Router {
    use axum_jwt::{Claims, Decoder, jsonwebtoken::DecodingKey};
    let handler = async |Claims(claims): Claims<AllClaims>| {
        black_box(&claims.username);
        OK
    };
    let decoder = Decoder::from_key(DecodingKey::from_secret(SECRET));
    Router::new().route(PATH, get(handler)).with_state(decoder)
}

fn tower_jwt()
-> impl tower::Service<axum::extract::Request, Response = Response, Error = std::convert::Infallible>
+ Clone {
    use tower_jwt::{DecodingKey, JwtLayer, RequestClaim, Validation};
    let handler = async |Extension(claims): Extension<RequestClaim<AllClaims>>| {
        black_box(&claims.claim.username);
        OK
    };
    let layer = JwtLayer::<AllClaims>::new(Validation::default(), DecodingKey::from_secret(SECRET));
    layer.layer(Router::new().route(PATH, get(handler)))
}

struct Subject {
    name: &'static str,
    run: Box<dyn FnMut()>,
    /// Nanoseconds for a request, one element a round.
    samples: Vec<f64>,
}

fn subject(name: &'static str, mut run: impl FnMut() -> Response + 'static) -> Subject {
    Subject { name, run: Box::new(move || drop(black_box(run()))), samples: Vec::new() }
}

impl Subject {
    fn sample(&mut self) {
        let (start, mut requests) = (Instant::now(), 0);
        while start.elapsed() < SLICE {
            (0..50).for_each(|_| (self.run)());
            requests += 50;
        }
        self.samples.push(start.elapsed().as_nanos() as f64 / f64::from(requests));
    }

    /// The median and the minimum of the sorted samples.
    fn times(&self) -> [f64; 2] {
        [self.samples[self.samples.len() / 2], self.samples[0]]
    }
}
