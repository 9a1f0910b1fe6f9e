//! The response time of a protected route during a flood of logins: `cargo bench --bench flood`.
//!
//! A server with the default settings of [`PasswordHasher`] and [`TokenRoutes`] listens on this
//! machine. One client sends a request to a protected route every two milliseconds, even if
//! responses are late, and latency counts from the intended time. Other clients log in a thousand
//! times per second, far more often than passwords can be hashed. The clients are threads on the
//! same machine.
//!
//! Four phases take turns: idle; with one thread that only computes, which is the minimum cost of
//! one concurrent hash; with the logins; and with the logins at a route with a [`Throttle`], which
//! rejects them because all are for one account. The target for both kinds of logins is less than
//! twice the 99th percentile of the idle phase. The ratios are medians over the rounds.
//!
//! At last, rejected logins call the route with the throttle one after another, without a
//! connection. The target is less than 100 microseconds for each.

use std::{
    env,
    error::Error,
    fmt,
    hint::black_box,
    io::{Read, Write},
    net::{SocketAddr, TcpListener, TcpStream},
    sync::atomic::{AtomicBool, Ordering},
    thread,
    time::{Duration, Instant},
};

use axum::{Router, body::Body, extract::ConnectInfo, routing::get};
use http::{Request, StatusCode, header::CONTENT_TYPE};
use tower::ServiceExt;
use tower_jwt_auth::{
    Algorithm, Claims, Issuer, MemoryStore, SigningKey, TokenRoutes,
    password::{MemoryUsers, PasswordHasher},
    throttle::Throttle,
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
/// The login routes without and with a throttle.
const OPEN: &str = "/token/";
const THROTTLED: &str = "/throttled/";
/// Logins without a connection.
const DIRECT_LOGINS: u32 = 20_000;

fn main() -> Result<(), Failure> {
    // `cargo test --benches` only runs it briefly.
    let thorough = env::args().any(|argument| argument == "--bench");
    let (rounds, phase, direct_logins) =
        if thorough { (ROUNDS, PHASE, DIRECT_LOGINS) } else { (1, PHASE / 30, 100) };

    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = &*listener.local_addr()?.to_string();
    listener.set_nonblocking(true)?;
    thread::spawn(move || serve(listener));

    let mut connection = TcpStream::connect(address)?;
    let (status, body) = exchange(&mut connection, &login_request(OPEN, PASSWORD))?;
    if status != 200 {
        return Err(format!("the first login returned {status}").into());
    }
    let access = body.split('"').nth(3).ok_or("no token in the response")?;
    let request = format!("GET /me HTTP/1.1\r\nhost: a\r\nauthorization: Bearer {access}\r\n\r\n");

    println!("microseconds: median and 99th percentile");
    println!(
        "{:>14} {:>14} {:>14} {:>14}   ratios to idle",
        "idle", "one busy core", "logins", "throttled"
    );
    let (mut busy_ratios, mut flood_ratios, mut throttled_ratios) =
        (Vec::new(), Vec::new(), Vec::new());
    let (mut logins, mut throttled_logins) = (Logins::default(), Logins::default());
    for _ in 0..rounds {
        let idle = latencies(&mut connection, &request, phase)?;
        let is_over = AtomicBool::new(false);
        let busy = thread::scope(|scope| {
            scope.spawn(|| compute_until(&is_over));
            let busy = latencies(&mut connection, &request, phase);
            is_over.store(true, Ordering::Relaxed);
            busy
        })?;
        let flooded =
            measure_flooded(&mut connection, &request, address, OPEN, phase, &mut logins)?;
        let throttled = measure_flooded(
            &mut connection,
            &request,
            address,
            THROTTLED,
            phase,
            &mut throttled_logins,
        )?;
        for latencies in [&idle, &busy, &flooded, &throttled] {
            print!(" {:>6.0} {:>6.0} ", percentile(latencies, 50), percentile(latencies, 99));
        }
        let ratio = |latencies| percentile(latencies, 99) / percentile(&idle, 99);
        let (busy, flooded, throttled) = (ratio(&busy), ratio(&flooded), ratio(&throttled));
        println!("  {busy:>5.2} {flooded:>5.2} {throttled:>5.2}");
        busy_ratios.push(busy);
        flood_ratios.push(flooded);
        throttled_ratios.push(throttled);
    }
    let (busy, flooded) = (median(busy_ratios), median(flood_ratios));
    let throttled = median(throttled_ratios);
    println!(
        "99th percentile: {busy:.2} times idle with a busy core, {flooded:.2} with logins, \
         {throttled:.2} with throttled logins"
    );
    println!("without a throttle: {logins}");
    println!("with a throttle: {throttled_logins}");
    let cost = direct_cost(direct_logins)?;
    println!("a throttled login without a connection: {cost:.1} microseconds");
    Ok(())
}

/// The responses to logins.
#[derive(Default)]
struct Logins {
    hashed: u32,
    overloaded: u32,
    throttled: u32,
}

impl fmt::Display for Logins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { hashed, overloaded, throttled } = self;
        write!(
            f,
            "{hashed} logins were hashed, {overloaded} rejected with 503, {throttled} with 429"
        )
    }
}

/// The latencies of the protected route while clients log in at `path`.
fn measure_flooded(
    connection: &mut TcpStream,
    request: &str,
    address: &str,
    path: &str,
    phase: Duration,
    logins: &mut Logins,
) -> Result<Vec<f64>, Failure> {
    thread::scope(|scope| {
        let clients: Vec<_> =
            (0..FLOODERS).map(|n| scope.spawn(move || flood(address, path, n, phase))).collect();
        let latencies = latencies(connection, request, phase);
        for client in clients {
            let responses = client.join().map_err(|_| "a client has panicked")??;
            logins.hashed += responses.hashed;
            logins.overloaded += responses.overloaded;
            logins.throttled += responses.throttled;
        }
        latencies
    })
}

/// The mean duration of a throttled login in microseconds, without a connection.
#[tokio::main(flavor = "current_thread")]
async fn direct_cost(count: u32) -> Result<f64, Failure> {
    let app = app().await?;
    let log_in = async || -> Result<StatusCode, Failure> {
        let body = format!(r#"{{"username":"ada","password":"wrong {count}"}}"#);
        let request = Request::post(THROTTLED).header(CONTENT_TYPE, "application/json");
        let mut request = request.body(Body::from(body))?;
        let peer = ConnectInfo(SocketAddr::from(([192, 0, 2, 1], 4711)));
        request.extensions_mut().insert(peer);
        Ok(app.clone().oneshot(request).await?.status())
    };
    while log_in().await? != StatusCode::TOO_MANY_REQUESTS {}
    let began = Instant::now();
    for _ in 0..count {
        let status = log_in().await?;
        if status != StatusCode::TOO_MANY_REQUESTS {
            return Err(format!("a login returned {status}").into());
        }
    }
    Ok(began.elapsed().as_nanos() as f64 / 1000.0 / f64::from(count))
}

/// Serves on a runtime with a thread for each core, as applications do.
#[tokio::main]
async fn serve(listener: TcpListener) -> Result<(), Failure> {
    let app = app().await?.into_make_service_with_connect_info::<SocketAddr>();
    axum::serve(tokio::net::TcpListener::from_std(listener)?, app).await?;
    Ok(())
}

async fn app() -> Result<Router, Failure> {
    let users = MemoryUsers::new(PasswordHasher::new());
    users.insert("ada", PASSWORD, User::new(1, NoClaims::default())).await?;
    let store = MemoryStore::new();
    let issuer = Issuer::builder(SigningKey::generate(Algorithm::HS256)?)
        .rotate_refresh_tokens(true)
        .store(store.clone())
        .build()?;
    let layer = issuer.layer();
    let open = TokenRoutes::builder(issuer.clone(), users.clone()).at("/token").build()?;
    let throttled = TokenRoutes::builder(issuer, users).at("/throttled");
    let throttled = throttled.throttle(Throttle::builder(store).build()?).build()?;
    Ok(Router::new()
        .route("/me", get(|claims: Claims| async move { claims.user_id().to_string() }))
        .layer(layer)
        .merge(open.into_router())
        .merge(throttled.into_router()))
}

fn login_request(path: &str, password: &str) -> String {
    let body = format!(r#"{{"username":"ada","password":"{password}"}}"#);
    format!(
        "POST {path} HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n\
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

/// Logs in with wrong passwords.
fn flood(address: &str, path: &str, number: u32, phase: Duration) -> Result<Logins, Failure> {
    let began = Instant::now();
    let mut due = began + BETWEEN_LOGINS * number / FLOODERS;
    let mut connection = TcpStream::connect(address)?;
    let (login, mut logins) = (login_request(path, "wrong"), Logins::default());
    while began.elapsed() < phase {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        match exchange(&mut connection, &login)?.0 {
            401 => logins.hashed += 1,
            503 => logins.overloaded += 1,
            429 => logins.throttled += 1,
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
