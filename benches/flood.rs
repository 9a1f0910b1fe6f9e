//! How long a protected route takes to answer while logins flood: `cargo bench --bench flood`.
//!
//! A server with the default settings of [`PasswordHasher`] and [`TokenRoutes`] listens on this
//! machine. One client asks a protected route every two milliseconds, whether or not the answers
//! come in time, and waits are counted from when it meant to ask. Others log in a thousand times a
//! second, many times more often than passwords can be hashed. The clients run on the same
//! machine, in threads of their own, and take their part of it.
//!
//! Three phases take turns: without anything else; with one thread that only computes, which is what
//! one hash at a time takes from the machine at least; and with the logins. The target for the last
//! is less than twice the 99th percentile of the first. The ratios are medians over the rounds.

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
    Algorithm, Claims, Issuer, JwtAuthLayer, MemoryStore, SigningKey, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    token::NoClaims,
    user::User,
};

type Failure = Box<dyn Error + Send + Sync>;

const ROUNDS: usize = 11;
/// How long one phase lasts.
const PHASE: Duration = Duration::from_secs(3);
const BETWEEN_REQUESTS: Duration = Duration::from_millis(2);
/// Clients that log in, each of them so often.
const FLOODERS: u32 = 50;
const BETWEEN_LOGINS: Duration = Duration::from_millis(50);
const PASSWORD: &str = "analytical engine";

fn main() -> Result<(), Failure> {
    // `cargo test --benches` only wants to see that it runs.
    let thorough = env::args().any(|argument| argument == "--bench");
    let (rounds, phase) = if thorough { (ROUNDS, PHASE) } else { (1, PHASE / 30) };

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = &*listener.local_addr()?.to_string();
    listener.set_nonblocking(true)?;
    thread::spawn(move || serve(listener));

    let mut connection = TcpStream::connect(address)?;
    let (status, body) = exchange(&mut connection, &login_request(PASSWORD))?;
    if status != 200 {
        return Err(format!("the first login is answered {status}").into());
    }
    let access = body.split('"').nth(3).ok_or("no token in the answer")?;
    let request = format!("GET /me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {access}\r\n\r\n");

    println!("microseconds: median and 99th percentile");
    println!("{:>14} {:>14} {:>14}   ratios to idle", "idle", "one busy core", "logins");
    let (mut busy_ratios, mut flood_ratios, mut answers) = (Vec::new(), Vec::new(), (0, 0));
    for _ in 0..rounds {
        let idle = waits(&mut connection, &request, phase)?;
        let is_over = AtomicBool::new(false);
        let busy = thread::scope(|scope| {
            scope.spawn(|| compute_until(&is_over));
            let busy = waits(&mut connection, &request, phase);
            is_over.store(true, Ordering::Relaxed);
            busy
        })?;
        let flooded = thread::scope(|scope| {
            let clients: Vec<_> =
                (0..FLOODERS).map(|n| scope.spawn(move || flood(address, n, phase))).collect();
            let flooded = waits(&mut connection, &request, phase);
            for client in clients {
                let (hashed, shed) = client.join().map_err(|_| "a client has panicked")??;
                answers = (answers.0 + hashed, answers.1 + shed);
            }
            flooded
        })?;
        for waits in [&idle, &busy, &flooded] {
            print!(" {:>6.0} {:>6.0} ", percentile(waits, 50), percentile(waits, 99));
        }
        let ratio = |waits| percentile(waits, 99) / percentile(&idle, 99);
        println!("  {:>5.2} {:>5.2}", ratio(&busy), ratio(&flooded));
        busy_ratios.push(ratio(&busy));
        flood_ratios.push(ratio(&flooded));
    }
    let (busy, flooded) = (median(busy_ratios), median(flood_ratios));
    println!(
        "99th percentile: {busy:.2} times idle beside a busy core, {flooded:.2} beside logins"
    );
    println!("{} logins were hashed, {} shed", answers.0, answers.1);
    Ok(())
}

/// What an application has: a runtime with a thread for each core.
#[tokio::main]
async fn serve(listener: TcpListener) -> Result<(), Failure> {
    let users = MemoryUsers::new(PasswordHasher::new());
    users.insert("ada", PASSWORD, User::new(1, NoClaims::default())).await?;
    let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .build()?;
    let layer = JwtAuthLayer::new(issuer.verifier());
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

/// How many microseconds each answer took, in order.
fn waits(connection: &mut TcpStream, request: &str, phase: Duration) -> Result<Vec<f64>, Failure> {
    let (began, mut waits) = (Instant::now(), Vec::new());
    let mut due = began;
    while began.elapsed() < phase {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        let (status, _) = exchange(connection, request)?;
        if status != 200 {
            return Err(format!("the protected route answers {status}").into());
        }
        waits.push(due.elapsed().as_nanos() as f64 / 1000.0);
        due += BETWEEN_REQUESTS;
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

fn compute_until(is_over: &AtomicBool) {
    let mut number = 1_u64;
    while !is_over.load(Ordering::Relaxed) {
        number = black_box(number.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(9));
    }
}

/// Logs in with wrong passwords for a while, and tells how many were checked and how many shed.
fn flood(address: &str, number: u32, phase: Duration) -> Result<(u32, u32), Failure> {
    let began = Instant::now();
    let mut due = began + BETWEEN_LOGINS * number / FLOODERS;
    let mut connection = TcpStream::connect(address)?;
    let (login, mut answers) = (login_request("wrong"), (0, 0));
    while began.elapsed() < phase {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        match exchange(&mut connection, &login)?.0 {
            401 => answers.0 += 1,
            503 => answers.1 += 1,
            status => return Err(format!("a login is answered {status}").into()),
        }
        // Who had to wait does not make up for it.
        due = Instant::now().max(due + BETWEEN_LOGINS);
    }
    Ok(answers)
}

/// The status and the body of the answer to a request.
fn exchange(connection: &mut TcpStream, request: &str) -> Result<(u16, String), Failure> {
    connection.write_all(request.as_bytes())?;
    let (mut answer, mut buffer) = (Vec::new(), [0; 4096]);
    loop {
        let count = connection.read(&mut buffer)?;
        if count == 0 {
            return Err("the connection was closed".into());
        }
        answer.extend_from_slice(&buffer[..count]);
        let text = std::str::from_utf8(&answer)?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else { continue };
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
