//! How long a protected route takes to answer while logins flood: `cargo bench --bench flood`.
//!
//! A server with the default settings of [`PasswordHasher`] and [`TokenRoutes`] listens on this
//! machine. One client asks a protected route every two milliseconds, whether or not the answers
//! come in time, and waits are counted from when it meant to ask. Others log in a thousand times a
//! second, many times more often than passwords can be hashed. The clients run on the same
//! machine, and take their part of it.
//!
//! Phases with and without logins take turns. `ratio` is the median of each round's ratio of the
//! 99th percentiles; the target is below 2.

use std::{
    env,
    error::Error,
    thread,
    time::{Duration, Instant},
};

use axum::{Router, routing::get};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    runtime,
    task::JoinSet,
    time::{interval, sleep_until},
};
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
/// Clients that log in, each of them ten times a second.
const FLOODERS: u32 = 100;
const BETWEEN_LOGINS: Duration = Duration::from_millis(100);

fn main() -> Result<(), Failure> {
    // `cargo test --benches` only wants to see that it runs.
    let thorough = env::args().any(|argument| argument == "--bench");
    let (rounds, phase) = if thorough { (ROUNDS, PHASE) } else { (1, PHASE / 30) };

    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?.to_string();
    listener.set_nonblocking(true)?;
    thread::spawn(move || serve(listener));

    let clients = runtime::Builder::new_current_thread().enable_all().build()?;
    clients.block_on(async {
        let login = login_request(PASSWORD);
        let mut connection = TcpStream::connect(&address).await?;
        let (status, body) = exchange(&mut connection, &login).await?;
        if status != 200 {
            return Err(format!("the first login is answered {status}").into());
        }
        let access = body.split('"').nth(3).ok_or("no token in the answer")?;
        let request =
            format!("GET /me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {access}\r\n\r\n");

        println!(
            "{:>10} {:>10} {:>10} {:>10} {:>7}",
            "idle p50", "p99", "flood p50", "p99", "ratio"
        );
        let (mut ratios, mut hashed, mut shed) = (Vec::new(), 0, 0);
        for _ in 0..rounds {
            let idle = waits(&mut connection, &request, phase).await?;
            let flood = tokio::spawn(flood(address.clone(), phase));
            let flooded = waits(&mut connection, &request, phase).await?;
            let answers = flood.await??;
            hashed += answers.0;
            shed += answers.1;
            let ratio = percentile(&flooded, 99) / percentile(&idle, 99);
            println!(
                "{:>7.0} us {:>7.0} us {:>7.0} us {:>7.0} us {ratio:>7.2}",
                percentile(&idle, 50),
                percentile(&idle, 99),
                percentile(&flooded, 50),
                percentile(&flooded, 99),
            );
            ratios.push(ratio);
        }
        ratios.sort_by(f64::total_cmp);
        println!("ratio {:.2}; {hashed} logins were hashed, {shed} shed", ratios[ratios.len() / 2]);
        Ok(())
    })
}

const PASSWORD: &str = "analytical engine";

/// What an application has: a runtime with a thread for each core.
#[tokio::main]
async fn serve(listener: std::net::TcpListener) -> Result<(), Failure> {
    let users = MemoryUsers::new(PasswordHasher::new());
    users.insert("ada", PASSWORD, User::new(1, NoClaims::default())).await?;
    let issuer = Issuer::<NoClaims>::builder(SigningKey::generate(Algorithm::HS256)?)
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .build()?;
    let layer = JwtAuthLayer::new(issuer.verifier());
    let me = get(|claims: Claims| async move { claims.user_id().to_owned() });
    let app = Router::new()
        .route("/me", me)
        .layer(layer)
        .merge(TokenRoutes::builder(issuer, users).at("/token").build()?.into_router());
    axum::serve(TcpListener::from_std(listener)?, app).await?;
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

/// How many microseconds each answer took.
async fn waits(
    connection: &mut TcpStream,
    request: &str,
    phase: Duration,
) -> Result<Vec<f64>, Failure> {
    let began = Instant::now();
    let mut waits = Vec::new();
    let mut due = began;
    while began.elapsed() < phase {
        sleep_until(due.into()).await;
        let asked = Instant::now();
        let (status, _) = exchange(connection, request).await?;
        if status != 200 {
            return Err(format!("the protected route answers {status}").into());
        }
        // The timer's own granularity is not the server's; being late because of it is.
        let late = asked.saturating_duration_since(due + Duration::from_millis(1));
        waits.push((asked.elapsed() + late).as_nanos() as f64 / 1000.0);
        due += BETWEEN_REQUESTS;
    }
    waits.sort_by(f64::total_cmp);
    Ok(waits)
}

/// Logs in with wrong passwords for a while, and tells how many were checked and how many shed.
async fn flood(address: String, phase: Duration) -> Result<(u32, u32), Failure> {
    let began = Instant::now();
    let mut clients = JoinSet::new();
    for number in 0..FLOODERS {
        let address = address.clone();
        clients.spawn(async move {
            tokio::time::sleep(BETWEEN_LOGINS * number / FLOODERS).await;
            let mut connection = TcpStream::connect(&address).await?;
            let (login, mut turns) = (login_request("wrong"), interval(BETWEEN_LOGINS));
            let (mut hashed, mut shed) = (0, 0);
            while began.elapsed() < phase {
                turns.tick().await;
                match exchange(&mut connection, &login).await?.0 {
                    401 => hashed += 1,
                    503 => shed += 1,
                    status => return Err(format!("a login is answered {status}").into()),
                }
            }
            Ok::<_, Failure>((hashed, shed))
        });
    }
    let mut sum = (0, 0);
    while let Some(client) = clients.join_next().await {
        let (hashed, shed) = client??;
        sum = (sum.0 + hashed, sum.1 + shed);
    }
    Ok(sum)
}

/// The status and the body of the answer to a request.
async fn exchange(connection: &mut TcpStream, request: &str) -> Result<(u16, String), Failure> {
    connection.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    loop {
        if connection.read_buf(&mut answer).await? == 0 {
            return Err("the connection was closed".into());
        }
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
