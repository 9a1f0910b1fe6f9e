//! Shows what is in a token, and which rules it breaks. The token stays on this machine.
//!
//! ```sh
//! cargo run --example inspect -- "$TOKEN"
//! echo "$TOKEN" | SECRET=$JWT_SECRET cargo run --example inspect
//! PEM=key.pem ISSUER=https://login.example AUDIENCE=api cargo run --example inspect -- "$TOKEN"
//! ISSUER=https://login.example AUDIENCE=api cargo run --example inspect -- "$TOKEN"
//! ```
//!
//! The exit status is 0 only if the token is valid.
//!
//! | variable | meaning |
//! |---|---|
//! | `SECRET` | the secret of an HMAC key, as it is |
//! | `PEM` | instead: a public key, or the path of its file |
//! | `JWKS_URL` | instead: the URL of the keys |
//! | `ISSUER` | the value that `iss` must have; without a key, discovery finds its keys |
//! | `AUDIENCE` | the value that `aud` must contain |
//! | `PROFILE` | `simplejwt`, `rfc9068` or `plain`; by default what the token looks like |
//! | `ALLOW_HTTP` | 1: allows keys over plain HTTP from this machine |

use std::{
    env::{self, VarError},
    error::Error,
    fs,
    io::{self, BufRead, IsTerminal},
    process::ExitCode,
    time::{SystemTime, UNIX_EPOCH},
};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, KeySet, Verifier, VerifyingKey, jwks::RemoteKeys,
    token::TokenProfile,
};

type Object = Map<String, Value>;

/// The default of `VerifierBuilder::clock_skew`, in seconds.
const CLOCK_SKEW: i64 = 60;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match run().await {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("inspect: {error}");
            ExitCode::FAILURE
        }
    }
}

/// Returns whether the token is valid.
async fn run() -> Result<bool, Box<dyn Error>> {
    let token = token()?;
    let (header, claims) = read(&token)?;
    let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs().cast_signed();
    println!("header");
    header.iter().for_each(|(name, value)| print_member(name, value, ""));
    println!("claims");
    for (name, value) in &claims {
        match value.as_i64().filter(|_| is_time(name)) {
            Some(secs) => print_member(name, value, &format!(", {}", in_words(secs, now))),
            None => print_member(name, value, ""),
        }
    }

    println!("rules");
    let (issuer, audience) = (setting("ISSUER")?, setting("AUDIENCE")?);
    let verified = verify(&token, &header, &claims).await;
    print_rule("signature", signature(&verified));
    print_rule("exp", expiry(&claims, now));
    print_rule("nbf", start(claims.get("nbf"), now));
    print_rule("iat", start(claims.get("iat"), now));
    print_rule("iss", expected(&claims, "iss", "ISSUER", issuer.as_deref()));
    print_rule("aud", expected(&claims, "aud", "AUDIENCE", audience.as_deref()));

    match &verified {
        Ok(Ok(_)) => println!("valid"),
        Ok(Err(error)) => println!("invalid: {}", with_sources(error)),
        Err(reason) => println!("not verified: {reason}"),
    }
    Ok(matches!(verified, Ok(Ok(_))))
}

/// The argument or the first line of the standard input, without the scheme of a header.
fn token() -> Result<String, Box<dyn Error>> {
    let token = match env::args().nth(1) {
        Some(token) => token,
        None if io::stdin().is_terminal() => return Err("pass a token".into()),
        None => io::stdin().lock().lines().next().ok_or("the standard input is empty")??,
    };
    let token = token.trim();
    Ok(token.strip_prefix("Bearer ").unwrap_or(token).trim().to_owned())
}

/// The header and the claims, which nobody has verified.
fn read(token: &str) -> Result<(Object, Object), Box<dyn Error>> {
    let mut parts = token.split('.');
    let mut object = |name: &str| -> Result<Object, Box<dyn Error>> {
        let part = parts.next().ok_or("a token has three parts, separated by dots")?;
        let json = BASE64_URL_SAFE_NO_PAD.decode(part);
        let json = json.map_err(|error| format!("the {name} is not base64url: {error}"))?;
        let object = serde_json::from_slice(&json);
        Ok(object.map_err(|error| format!("the {name} is not a JSON object: {error}"))?)
    };
    let read = (object("header")?, object("payload")?);
    if parts.count() != 1 {
        return Err("a token has three parts, separated by dots".into());
    }
    Ok(read)
}

fn print_member(name: &str, value: &Value, remark: &str) {
    println!("  {:<12} {}{remark}", printable(name), printable(&value.to_string()));
}

/// Escapes all but visible ASCII characters, because others may control the terminal or reverse the
/// text.
fn printable(string: &str) -> String {
    let is_printable = |c: char| c.is_ascii_graphic() || c == ' ';
    let escape = |c: char| match is_printable(c) {
        true => c.to_string(),
        false => c.escape_unicode().to_string(),
    };
    string.chars().map(escape).collect()
}

/// The outer error is one of the configuration.
async fn verify(token: &str, header: &Object, claims: &Object) -> Verified {
    let mut builder = Verifier::builder(keys(header).await?).profile(profile(header, claims)?);
    if let Some(issuer) = setting("ISSUER")? {
        builder = builder.issuer(issuer);
    }
    if let Some(audience) = setting("AUDIENCE")? {
        builder = builder.audience(audience);
    }
    Ok(builder.build()?.verify_async(token).await)
}

type Verified = Result<Result<Claims, AuthError>, Box<dyn Error>>;

async fn keys(header: &Object) -> Result<KeySet, Box<dyn Error>> {
    // The key decides which algorithms are possible: a public key never verifies an HMAC.
    let algorithm = || -> Result<Algorithm, Box<dyn Error>> {
        let name = header.get("alg").and_then(Value::as_str).ok_or("the header has no `alg`")?;
        Ok(name.parse()?)
    };
    let remote = match (setting("SECRET")?, setting("PEM")?, setting("JWKS_URL")?) {
        (Some(secret), None, None) => {
            return Ok(VerifyingKey::from_secret(algorithm()?, secret)?.into());
        }
        (None, Some(pem), None) => {
            let pem = if pem.contains("-----BEGIN") { pem } else { fs::read_to_string(pem)? };
            return Ok(VerifyingKey::from_pem(algorithm()?, pem)?.into());
        }
        (None, None, Some(url)) => RemoteKeys::from_url(url),
        (None, None, None) => match setting("ISSUER")? {
            Some(issuer) => RemoteKeys::from_issuer(issuer),
            None => return Err("set SECRET, PEM, JWKS_URL or ISSUER".into()),
        },
        _ => return Err("set only one of SECRET, PEM and JWKS_URL".into()),
    };
    let remote = match setting("ALLOW_HTTP")?.as_deref() {
        Some("1") => remote.insecure_loopback_http(),
        _ => remote,
    };
    let remote = remote.build()?;
    remote.refresh().await?;
    Ok((&remote).into())
}

fn profile(header: &Object, claims: &Object) -> Result<TokenProfile, Box<dyn Error>> {
    Ok(match setting("PROFILE")?.as_deref() {
        Some("simplejwt") => TokenProfile::SimpleJwt,
        Some("rfc9068") => TokenProfile::Rfc9068,
        Some("plain") => TokenProfile::Plain,
        Some(other) => {
            let expected = "simplejwt, rfc9068 or plain";
            return Err(format!("PROFILE must be {expected}, not {other:?}").into());
        }
        None if header.get("typ").is_some_and(|typ| typ == "at+jwt") => TokenProfile::Rfc9068,
        None if claims.contains_key("token_type") => TokenProfile::SimpleJwt,
        None => TokenProfile::Plain,
    })
}

/// Whether a rule holds and why, or `None` if it does not apply.
type Outcome = Option<Result<String, String>>;

fn print_rule(name: &str, outcome: Outcome) {
    match outcome {
        Some(Ok(reason)) => println!("  ok    {name:<10} {reason}"),
        Some(Err(reason)) => println!("  FAIL  {name:<10} {reason}"),
        None => println!("  -     {name:<10} not checked"),
    }
}

fn signature(verified: &Verified) -> Outcome {
    match verified.as_ref().ok()? {
        Ok(_) => Some(Ok("valid".to_owned())),
        Err(error) => match error.kind() {
            AuthErrorKind::UnknownKey
            | AuthErrorKind::InvalidSignature
            | AuthErrorKind::Malformed
            | AuthErrorKind::Unavailable => Some(Err(error.to_string())),
            // The header is checked before the signature, and all claims after it.
            AuthErrorKind::WrongTokenType => None,
            _ => Some(Ok("valid".to_owned())),
        },
    }
}

fn expiry(claims: &Object, now: i64) -> Outcome {
    let Some(expiry) = claims.get("exp") else { return Some(Err("absent".to_owned())) };
    let Some(secs) = expiry.as_i64() else { return Some(Err("not a whole number".to_owned())) };
    let words = in_words(secs, now);
    Some(if secs > now { Ok(words) } else { Err(words) })
}

fn start(time: Option<&Value>, now: i64) -> Outcome {
    let Some(secs) = time?.as_i64() else { return Some(Err("not a whole number".to_owned())) };
    let words = in_words(secs, now);
    Some(if secs <= now + CLOCK_SKEW { Ok(words) } else { Err(words) })
}

fn expected(claims: &Object, claim: &str, variable: &str, value: Option<&str>) -> Outcome {
    let value = value?;
    let holds = match claims.get(claim) {
        Some(Value::Array(list)) => list.iter().any(|element| element == value),
        Some(other) => other == value,
        None => return Some(Err(format!("absent, and {variable} is {value:?}"))),
    };
    Some(if holds { Ok(value.to_owned()) } else { Err(format!("{variable} is {value:?}")) })
}

fn is_time(claim: &str) -> bool {
    matches!(claim, "exp" | "nbf" | "iat" | "auth_time")
}

/// A time such as `2026-11-30T17:27:38Z, in 4 minutes`.
fn in_words(secs: i64, now: i64) -> String {
    let date = OffsetDateTime::from_unix_timestamp(secs).ok();
    let date = date.and_then(|date| date.format(&Rfc3339).ok());
    let date = date.unwrap_or_else(|| "beyond the calendar".to_owned());
    let distance = secs.abs_diff(now);
    let (number, unit) = match distance {
        0..60 => (distance, "second"),
        60..3600 => (distance / 60, "minute"),
        3600..86400 => (distance / 3600, "hour"),
        _ => (distance / 86400, "day"),
    };
    let plural = if number == 1 { "" } else { "s" };
    if secs > now {
        format!("{date}, in {number} {unit}{plural}")
    } else {
        format!("{date}, {number} {unit}{plural} ago")
    }
}

fn with_sources(error: &impl Error) -> String {
    let mut message = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        message = format!("{message}: {cause}");
        source = cause.source();
    }
    message
}

/// The environment variable `name`.
fn setting(name: &str) -> Result<Option<String>, String> {
    match env::var(name) {
        Err(VarError::NotPresent) => Ok(None),
        value => value.map(Some).map_err(|_| format!("{name} is not UTF-8")),
    }
}
