//! The cost of verifying and issuing, compared with a hand-written extractor around jsonwebtoken and
//! with its `encode`: `cargo bench --bench verify`. An argument sets the number of rounds:
//! `cargo bench --bench verify -- 501`.
//!
//! Requests go through an axum router in this process, on one thread. The floor is the time of a
//! router without authentication. The ratios compare the time above the floor. A rejected request
//! never reaches the router behind the layer, so its whole time is compared.
//!
//! Every subject runs once in each round, in turn, so that other load affects all of them alike. The
//! figures are nanoseconds, as medians of the rounds.

mod support;

use std::{
    env,
    error::Error,
    time::{Duration, Instant},
};

use support::subjects::{Subject, Subjects};

const ROUNDS: usize = 101;
/// How long one subject runs in one round.
const SLICE: Duration = Duration::from_millis(2);

fn main() -> Result<(), Box<dyn Error>> {
    let mut subjects: Vec<_> = Subjects::all()?.into_iter().map(Measured::new).collect();
    // `cargo test --benches` only checks that they run.
    if !env::args().any(|argument| argument == "--bench") {
        subjects.iter_mut().for_each(Measured::sample);
        return Ok(());
    }
    let rounds = env::args().find_map(|argument| argument.parse().ok()).unwrap_or(ROUNDS);
    subjects.iter_mut().for_each(Measured::calibrate);
    for round in 0..rounds {
        // Each round starts with another subject, so that none always follows the same pause.
        let start = round % subjects.len();
        let (before, after) = subjects.split_at_mut(start);
        after.iter_mut().chain(before).for_each(Measured::sample);
    }
    println!("{rounds} rounds, {} subjects in turn", subjects.len());
    print_named(&subjects);
    Ok(())
}

struct Measured {
    subject: Subject,
    iterations: u32,
    /// Nanoseconds an iteration, one element a round.
    samples: Vec<f64>,
}

impl Measured {
    const fn new(subject: Subject) -> Self {
        Self { subject, iterations: 1, samples: Vec::new() }
    }

    fn calibrate(&mut self) {
        while self.time() < SLICE / 2 {
            self.iterations *= 2;
        }
    }

    fn sample(&mut self) {
        let elapsed = self.time();
        self.samples.push(elapsed.as_nanos() as f64 / f64::from(self.iterations));
    }

    fn time(&mut self) -> Duration {
        let start = Instant::now();
        for _ in 0..self.iterations {
            (self.subject.run)();
        }
        start.elapsed()
    }
}

fn print_named(subjects: &[Measured]) {
    let named = |suffix: &'static str| move |name: &str| format!("{name}, {suffix}");
    let jsonwebtoken = named("jsonwebtoken in an extractor");
    let layer = named("layer around the router");

    let floor = Some("no authentication");
    Table { subjects, floor, baseline: &jsonwebtoken("HS256") }.print(&[
        ("Router::layer that does nothing", None),
        ("verifier in an extractor", None),
        (&layer("HS256"), Some(0.50)),
        ("layer around the router, store", None),
        ("Router::layer", Some(0.72)),
    ]);
    for (algorithm, bar) in [("RS256", 0.85), ("ES256", 1.0), ("EdDSA", 1.0)] {
        Table { subjects, floor, baseline: &jsonwebtoken(algorithm) }
            .print(&[(&layer(algorithm), Some(bar))]);
    }
    let cached = ["HS256", "RS256", "ES256", "EdDSA"].map(named("cached token"));
    let mut rows: Vec<_> = cached.iter().map(|name| (name.as_str(), Some(0.17))).collect();
    rows.extend([
        ("cached token, Router::layer", None),
        ("one of 10 000 requests", None),
        ("one of 10 000 cached tokens", None),
    ]);
    Table { subjects, floor, baseline: &jsonwebtoken("HS256") }.print(&rows);
    Table { subjects, floor, baseline: "HS256, cached token" }.print(&[
        ("cached introspection", Some(1.30)),
        ("cached introspection beside JWTs", Some(1.30)),
        ("cached token beside introspection", None),
    ]);
    Table { subjects, floor, baseline: "ES256, layer around the router" }
        .print(&[("ML-DSA-65, layer around the router", None), ("ML-DSA-65, cached token", None)]);
    Table { subjects, floor: None, baseline: "ES256, Issuer::issue" }
        .print(&[("ML-DSA-65, Issuer::issue", None)]);
    let rejected = [
        ("no token", None),
        ("invalid signature", Some(0.56)),
        ("expired", Some(0.53)),
        ("8 KiB of garbage", Some(0.15)),
        ("8 KiB forged", None),
    ];
    for (name, bar) in rejected {
        Table { subjects, floor: None, baseline: &jsonwebtoken(name) }
            .print(&[(&layer(name), bar)]);
    }
    for (algorithm, bar) in [("HS256", 0.65), ("RS256", 0.45), ("ES256", 0.70), ("EdDSA", 0.65)] {
        let given = named("encode with a given id and times")(algorithm);
        let (encode, issue) = (named("jsonwebtoken::encode"), named("Issuer::issue"));
        Table { subjects, floor: None, baseline: &encode(algorithm) }
            .print(&[(&given, None), (&issue(algorithm), Some(bar))]);
    }
}

struct Table<'a> {
    subjects: &'a [Measured],
    /// The subject whose cost all others include. It is subtracted.
    floor: Option<&'a str>,
    baseline: &'a str,
}

impl Table<'_> {
    /// Prints the floor, the baseline and `rows`: names, and the highest ratio to the baseline.
    fn print(&self, rows: &[(&str, Option<f64>)]) {
        let (floor, _) = self.floor.map_or((0.0, 0.0), |name| self.times(name));
        let (baseline, _) = self.times(self.baseline);
        println!(
            "\n{:<46} {:>9} {:>9} {:>10} {:>7} {:>5}",
            "", "median", "fastest", "over floor", "ratio", "bar"
        );
        let references = self.floor.into_iter().chain([self.baseline]).map(|name| (name, None));
        for (name, bar) in references.chain(rows.iter().copied()) {
            let (median, fastest) = self.times(name);
            let over_floor = median - floor;
            let ratio = over_floor / (baseline - floor);
            print!("{name:<46} {median:>9.0} {fastest:>9.0} {over_floor:>10.0} {ratio:>7.3}");
            match bar {
                Some(bar) if ratio <= bar => println!(" {bar:>5.2} met"),
                Some(bar) => println!(" {bar:>5.2} MISSED"),
                None => println!(),
            }
        }
    }

    fn times(&self, name: &str) -> (f64, f64) {
        let measured = self.subjects.iter().find(|measured| measured.subject.name == name);
        let mut samples = measured.expect("a subject of this name").samples.clone();
        samples.sort_by(f64::total_cmp);
        (samples[samples.len() / 2], samples[0])
    }
}
