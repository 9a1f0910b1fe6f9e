//! The throughput of one and of two threads that share a verifier: `cargo bench --bench contention`.
//!
//! Each thread verifies tokens in a loop. The figures are millions of tokens per second of all
//! threads together, as medians of the rounds.

mod support;

use std::{
    env,
    error::Error,
    hint::black_box,
    sync::{
        Barrier,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use support::{apps::Profile, keys::Keys, subjects};
use tower_jwt_auth::{Algorithm, Verifier};

const ROUNDS: usize = 15;
const SLICE: Duration = Duration::from_millis(40);
const THREADS: [usize; 2] = [1, 2];

fn main() -> Result<(), Box<dyn Error>> {
    let measures = env::args().any(|argument| argument == "--bench");
    let (rounds, slice) = if measures { (ROUNDS, SLICE) } else { (1, Duration::from_millis(1)) };
    let keys = Keys::new(Algorithm::HS256)?;
    let tokens = subjects::tokens(&keys, 1000)?;
    let rows = [
        ("verified each time", 0, &tokens[..1]),
        ("one cached token", 4 << 20, &tokens[..1]),
        ("one of 1000 cached tokens", 4 << 20, &tokens[..]),
    ];
    println!("{:<28} {:>10} {:>10} {:>6}", "", "1 thread", "2 threads", "ratio");
    for (name, bytes, tokens) in rows {
        let verifier =
            Verifier::builder(keys.ours.verifying_key()).claims().cache(bytes).build()?;
        for token in tokens {
            let _ = verifier.verify(token)?;
        }
        let mut samples = THREADS.map(|_| Vec::new());
        for _ in 0..rounds {
            for (samples, threads) in samples.iter_mut().zip(THREADS) {
                samples.push(rate(&verifier, tokens, threads, slice));
            }
        }
        let [one, two] = samples.map(|mut samples| {
            samples.sort_by(f64::total_cmp);
            samples[samples.len() / 2]
        });
        println!("{name:<28} {one:>10.2} {two:>10.2} {:>6.2}", two / one);
    }
    Ok(())
}

/// Millions of verifications a second.
fn rate(verifier: &Verifier<Profile>, tokens: &[String], threads: usize, slice: Duration) -> f64 {
    let (start, is_over) = (Barrier::new(threads + 1), AtomicBool::new(false));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|worker| {
                let (start, is_over) = (&start, &is_over);
                scope.spawn(move || {
                    let mut count = 0_u32;
                    let turns = tokens.iter().cycle().skip(worker * tokens.len() / threads);
                    start.wait();
                    for token in turns {
                        black_box(verifier.verify(token).is_ok());
                        count += 1;
                        if is_over.load(Ordering::Relaxed) {
                            break;
                        }
                    }
                    count
                })
            })
            .collect();
        start.wait();
        let began = Instant::now();
        thread::sleep(slice);
        is_over.store(true, Ordering::Relaxed);
        let seconds = began.elapsed().as_secs_f64();
        let counts = workers.into_iter().map(|worker| worker.join().expect("no panic"));
        f64::from(counts.sum::<u32>()) / seconds / 1e6
    })
}
