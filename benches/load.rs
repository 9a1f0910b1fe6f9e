//! The throughput of a server with and without authentication: `cargo bench --bench load`.
//!
//! axum serves the same response with and without the layer on loopback, over persistent
//! connections. `wrk` (on Debian: `apt install wrk`) sends requests to each server in turn. The
//! figures are thousands of requests per second, as medians over all rounds, and the ratio to the
//! server without authentication.

mod support;

use std::{convert::Infallible, env, error::Error, process::Command};

use axum::{ServiceExt, extract::Request, response::Response};
use support::{
    apps::{PATH, Profile, open, protected},
    keys::Keys,
    subjects,
};
use tokio::{net::TcpListener, runtime::Runtime};
use tower::{Layer, Service};
use tower_jwt_auth::{Algorithm, JwtAuthLayer, Verifier};

const ROUNDS: usize = 5;
const SECONDS: &str = "2s";

fn main() -> Result<(), Box<dyn Error>> {
    if !env::args().any(|argument| argument == "--bench") {
        return Ok(());
    }
    let runtime = Runtime::new()?;
    let (hs256, rs256) = (Keys::new(Algorithm::HS256)?, Keys::new(Algorithm::RS256)?);
    let mut subjects = Vec::new();
    for (name, keys, cache) in [
        ("no authentication", &hs256, None),
        ("HS256, no cache", &hs256, Some(0)),
        ("HS256, cached tokens", &hs256, Some(4 << 20)),
        ("RS256, cached tokens", &rs256, Some(4 << 20)),
    ] {
        let token = subjects::tokens(keys, 1)?.remove(0);
        let address = match cache {
            Some(bytes) => {
                let verifier = Verifier::builder(keys.ours.verifying_key())
                    .claims::<Profile>()
                    .cache(bytes)
                    .build()?;
                let service = JwtAuthLayer::new(verifier).layer(protected());
                serve(&runtime, service)?
            }
            None => serve(&runtime, open())?,
        };
        let url = format!("http://{address}{PATH}");
        subjects.push((name, url, token, Vec::new()));
    }
    for _ in 0..ROUNDS {
        for (_, url, token, samples) in &mut subjects {
            samples.push(requests_per_second(url, token)?);
        }
    }
    let medians = subjects.iter_mut().map(|(.., samples)| {
        samples.sort_by(f64::total_cmp);
        samples[samples.len() / 2]
    });
    let medians: Vec<_> = medians.collect();
    println!("{:<28} {:>8} {:>6}", "", "k req/s", "ratio");
    for ((name, ..), median) in subjects.iter().zip(&medians) {
        println!("{name:<28} {:>8.1} {:>6.3}", median / 1e3, median / medians[0]);
    }
    Ok(())
}

fn serve<S>(runtime: &Runtime, service: S) -> Result<std::net::SocketAddr, Box<dyn Error>>
where
    S: Service<Request, Response = Response, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
{
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    runtime.spawn(async move { axum::serve(listener, service.into_make_service()).await });
    Ok(address)
}

fn requests_per_second(url: &str, token: &str) -> Result<f64, Box<dyn Error>> {
    let header = format!("Authorization: Bearer {token}");
    let output = Command::new("wrk")
        .args(["-t1", "-c32", "-d", SECONDS, "-H", &header, url])
        .output()
        .map_err(|error| format!("cannot run `wrk`: {error}"))?;
    let report = String::from_utf8(output.stdout)?;
    if report.contains("Non-2xx") {
        return Err(format!("requests were rejected: {report}").into());
    }
    let line = report.lines().find_map(|line| line.strip_prefix("Requests/sec:"));
    Ok(line.ok_or("the report of wrk has no figure")?.trim().parse()?)
}
