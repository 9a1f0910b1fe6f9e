//! The response time of a protected route during a flood of logins: `cargo bench --bench flood`.
//!
//! A server with the default settings of [`PasswordHasher`] and [`TokenRoutes`] listens on this
//! machine. One client sends a request to a protected route every two milliseconds, even if
//! responses are late, and latency counts from the intended time. Other clients log in a thousand
//! times per second, far more often than passwords can be hashed. The clients are threads on the
//! same machine.
//!
//! Three phases take turns: idle; with one thread that only computes, which is the minimum cost of
//! one concurrent hash; and with the logins. The target for the logins is less than twice the 99th
//! percentile of the idle phase. The ratios are medians over the rounds.

use std::{
    env,
    error::Error,
    hint::black_box,
    io::{Read, Write},
    net::{TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use tower_jwt_auth::{
    Algorithm, Claims, Issuer, MemoryStore, SigningKey, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    token::NoClaims,
    user::User,
};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 11;
/// The duration of one phase.
const PHASE: Duration = Duration::from_secs(3);
const BETWEEN_REQUESTS: Duration = Duration::from_millis(2);
/// The number of clients that log in, and the interval of each.
const FLOODERS: u32 = 50;
const BETWEEN_LOGINS: Duration = Duration::from_millis(50);
const PASSWORD: &str = "analytical engine";

fn main() -> Result<(), Failure> {
    // `cargo test --benches` only runs it briefly.
    let thorough = env::args().any(|argument| argument == "--bench");
    let (rounds, phase) = if thorough { (ROUNDS, PHASE) } else { (1, PHASE / 30) };

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = &*listener.local_addr()?.to_string();
    listener.set_nonblocking(true)?;
    thread::spawn(move || serve(listener));

    let mut connection = TcpStream::connect(address)?;
    let (status, body) = exchange(&mut connection, &login_request(PASSWORD))?;
    if status != 200 {
        return Err(format!("the first login returned {status}").into());
    }
    let access = body.split('"').nth(3).ok_or("no token in the response")?;
    let request = format!("GET /me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {access}\r\n\r\n");

    println!("microseconds: median and 99th percentile");
    println!("{:>14} {:>14} {:>14}   ratios to idle", "idle", "one busy core", "logins");
    let (mut busy_ratios, mut flood_ratios, mut logins) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..rounds {
        let idle = latencies(&mut connection, &request, phase)?;
        let is_over = AtomicBool::new(false);
        let busy = thread::scope(|scope| {
            scope.spawn(|| compute_until(&is_over));
            let busy = latencies(&mut connection, &request, phase);
            is_over.store(true, Ordering::Relaxed);
            busy
        })?;
        let flooded = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..FLOODERS).map(|n| scope.spawn(move || flood(address, n, phase))).collect();
            let flooded = latencies(&mut connection, &request, phase);
            for client in clients {
                let (hashed, rejected) = client.join().map_err(|_| "a client has panicked")??;
                logins = (logins.0 + hashed, logins.1 + rejected);
            }
            flooded
        })?;
        for latencies in [&idle, &busy, &flooded] {
            print!(" {:>6.0} {:>6.0} ", percentile(latencies, 50), percentile(latencies, 99));
        }
        let ratio = |latencies| percentile(latencies, 99) / percentile(&idle, 99);
        println!("  {:>5.2} {:>5.2}", ratio(&busy), ratio(&flooded));
        busy_ratios.push(ratio(&busy));
        flood_ratios.push(ratio(&flooded));
    }
    let (busy, flooded) = (median(busy_ratios), median(flood_ratios));
    println!("99th percentile: {busy:.2} times idle with a busy core, {flooded:.2} with logins");
    println!("{} logins were hashed, {} rejected", logins.0, logins.1);
    Ok(())
}

/// Serves on a runtime with a thread for each core, as applications do.
#[tokio::main]
async fn serve(listener: TcpListener) -> Result<(), Failure> {
    let users = MemoryUsers::new(PasswordHasher::new());
    users.insert("ada", PASSWORD, User::new(1, NoClaims::default())).await?;
    let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .build()?;
    let layer = issuer.layer();
    let app = Router::new()
        .route("/me", get(|claims: Claims| async move { claims.user_id().to_string() }))
        .layer(layer)
        .merge(TokenRoutes::builder(issuer, users).at("/token").build()?.into_router());
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?;
    Ok(())
}

fn login_request(password: &str) -> String {
    let body = format!(r#"{{"username":"ada","password":"{password}"}}"#);
    format!(
        "POST /token/ HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
         content-length: {}\r\n\r\n{body}",
        body.len()
    )
}

/// The latency of each response in microseconds, sorted.
fn latencies(
    connection: &mut TcpStream,
    request: &str,
    phase: Duration,
) -> Result<Vec<f64>, Failure> {
    let (began, mut latencies) = (Instant::now(), Vec::new());
    let mut due = began;
    while began.elapsed() < phase {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (status, _) = exchange(connection, request)?;
        if status != 200 {
            return Err(format!("the protected route returned {status}").into());
        }
        latencies.push(due.elapsed().as_nanos() as f64 / 1000.0);
        due += BETWEEN_REQUESTS;
    }
    latencies.sort_by(f64::total_cmp);
    Ok(latencies)
}

fn compute_until(is_over: &AtomicBool) {
    let mut number = 1_u64;
    while !is_over.load(Ordering::Relaxed) {
        number = black_box(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(9));
    }
}

/// Logs in with wrong passwords. Returns how many logins were hashed and how many rejected.
fn flood(address: &str, number: u32, phase: Duration) -> Result<(u32, u32), Failure> {
    let began = Instant::now();
    let mut due = began + BETWEEN_LOGINS * number / FLOODERS;
    let mut connection = TcpStream::connect(address)?;
    let (login, mut logins) = (login_request("wrong"), (0, 0));
    while began.elapsed() < phase {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        match exchange(&mut connection, &login)?.0 {
            401 => logins.0 += 1,
            503 => logins.1 += 1,
            status => return Err(format!("a login returned {status}").into()),
        }
        // A late client does not catch up.
        due = Instant::now().max(due + BETWEEN_LOGINS);
    }
    Ok(logins)
}

/// Sends a request. Returns the status and body of the response.
fn exchange(connection: &mut TcpStream, request: &str) -> Result<(u16, String), Failure> {
    connection.write_all(request.as_bytes())?;
    let (mut response, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            return Err("the connection was closed".into());
        }
        response.extend_from_slice(&buffer[..count]);
        let received = std::str::from_utf8(&response)?;
        let Some((head, body)) = received.split_once("\r\n\r\n") else { continue };
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        if body.len() == length.map_or(Ok(0), str::parse)? {
            let status = head.get(9..12).ok_or("no status")?.parse()?;
            return Ok((status, body.to_owned()));
        }
    }
}

fn percentile(sorted: &[f64], percent: usize) -> f64 {
    sorted[(sorted.len() * percent / 100).min(sorted.len() - 1)]
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
