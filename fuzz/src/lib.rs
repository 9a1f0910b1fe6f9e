//! What the fuzz targets share: tokens with any content, a reader of JSON members, a runtime, and a
//! mutator for JSON.

mod mutator;

use std::{
    fmt,
    sync::LazyLock,
    time::{SystemTime, UNIX_EPOCH},
};

use aws_lc_rs::hmac;
use axum::{
    Router,
    body::{Body, to_bytes},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Request, StatusCode};
use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, Visitor},
};
use serde_json::value::RawValue;
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use tower_jwt_auth::{Algorithm, ManualClock, NumericDate, VerifyingKey};

pub use mutator::mutate_json;

/// A secret for HS256.
pub const SECRET: &[u8] = b"a secret of the fuzz targets: of no value to anyone at all";

/// The time of tokens with fixed dates.
pub const NOW: u64 = 1_700_000_000;

/// A clock whose time is [`NOW`].
pub fn clock() -> ManualClock {
    ManualClock::new(NumericDate::from_secs(NOW))
}

/// The time at which the process started, for comparisons with a library that reads the system clock.
pub fn started_at() -> u64 {
    static STARTED_AT: LazyLock<u64> = LazyLock::new(|| {
        SystemTime::now().duration_since(UNIX_EPOCH).expect("a time after 1970").as_secs()
    });
    *STARTED_AT
}

/// The key of [`seal`].
pub fn key() -> VerifyingKey {
    VerifyingKey::from_secret(Algorithm::HS256, SECRET).expect("a secret that is long enough")
}

/// base64url without padding.
pub fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// Decodes base64url as strictly as RFC 7515 requires.
pub fn decode(part: &str) -> Option<Vec<u8>> {
    BASE64_URL_SAFE_NO_PAD.decode(part).ok()
}

/// Appends the signature of `signing_input`, so that the fuzzer gets past it.
pub fn seal(signing_input: &str) -> String {
    static KEY: LazyLock<hmac::Key> = LazyLock::new(|| hmac::Key::new(hmac::HMAC_SHA256, SECRET));
    format!("{signing_input}.{}", encode(hmac::sign(&KEY, signing_input.as_bytes())))
}

/// A token with this header and payload, signed with HS256.
pub fn mint(header: impl AsRef<[u8]>, payload: impl AsRef<[u8]>) -> String {
    seal(&format!("{}.{}", encode(header), encode(payload)))
}

/// A token with a common header, signed with HS256.
pub fn token(payload: impl AsRef<[u8]>) -> String {
    mint(r#"{"alg":"HS256","typ":"JWT"}"#, payload)
}

/// An access token that is valid at [`NOW`].
pub fn valid_token() -> &'static str {
    static TOKEN: LazyLock<String> = LazyLock::new(|| {
        token(
            r#"{"token_type":"access","exp":4102444800,"iat":1700000000,"jti":"9f1c","user_id":"42"}"#,
        )
    });
    &TOKEN
}

/// Splits `data` at its first line feeds into `N` parts. Missing parts are empty.
pub fn parts<const N: usize>(data: &[u8]) -> [&[u8]; N] {
    let mut parts = data.splitn(N, |byte| *byte == b'\n');
    [(); N].map(|()| parts.next().unwrap_or_default())
}

/// Reads lines such as `name: value` as header fields, with `TOKEN` replaced by a valid token. `None`
/// if one of them cannot be sent.
pub fn fields(lines: &[u8]) -> Option<Vec<(HeaderName, HeaderValue)>> {
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let fields = lines.map(|line| {
        let colon = line.iter().position(|byte| *byte == b':')?;
        let name = HeaderName::from_bytes(&line[..colon]).ok()?;
        let value = with_token(&line[colon + 1..]);
        Some((name, HeaderValue::from_bytes(&value).ok()?))
    });
    fields.collect()
}

/// Replaces each `TOKEN` by a valid token.
fn with_token(bytes: &[u8]) -> Vec<u8> {
    const PLACEHOLDER: &[u8] = b"TOKEN";
    let mut replaced = Vec::new();
    let mut rest = bytes;
    while let Some(byte) = rest.first() {
        if let Some(after) = rest.strip_prefix(PLACEHOLDER) {
            replaced.extend_from_slice(valid_token().as_bytes());
            rest = after;
        } else {
            replaced.push(*byte);
            rest = &rest[1..];
        }
    }
    replaced
}

/// Runs a future in the runtime that all calls share.
pub fn block_on<F: Future>(future: F) -> F::Output {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_all().build().expect("a runtime"));
    RUNTIME.block_on(future)
}

/// The status and the body of the response to `request`.
pub fn send(app: &Router, request: Request<Body>) -> (StatusCode, Vec<u8>) {
    block_on(async {
        let response = app.clone().oneshot(request).await.expect("infallible");
        let status = response.status();
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("a body in memory");
        // What the response has started in the background.
        tokio::task::yield_now().await;
        (status, body.into())
    })
}

/// The members of a JSON object in their order, duplicates included. `None` if `json` is not one.
pub fn members(json: impl AsRef<[u8]>) -> Option<Vec<(String, Box<RawValue>)>> {
    let json = str::from_utf8(json.as_ref()).ok()?;
    serde_json::from_str::<Members>(json).ok().map(|Members(members)| members)
}

/// Whether a name occurs twice.
pub fn has_duplicates(members: &[(String, Box<RawValue>)]) -> bool {
    let mut names: Vec<_> = members.iter().map(|(name, _)| name).collect();
    names.sort_unstable();
    names.windows(2).any(|pair| pair[0] == pair[1])
}

/// The JSON of the member `name`.
pub fn member<'a>(members: &'a [(String, Box<RawValue>)], name: &str) -> Option<&'a str> {
    members.iter().find(|(other, _)| other == name).map(|(_, value)| value.get())
}

/// The member `name` if it is a string.
pub fn string_member(members: &[(String, Box<RawValue>)], name: &str) -> Option<String> {
    serde_json::from_str(member(members, name)?).ok()
}

/// Whether a header is valid for [`key`], by a slow reader.
pub fn is_valid_header(header: &[(String, Box<RawValue>)]) -> bool {
    let is_string = |name| member(header, name).is_none() || string_member(header, name).is_some();
    !has_duplicates(header)
        && ["crit", "b64", "zip", "enc"].iter().all(|name| member(header, name).is_none())
        && string_member(header, "alg").as_deref() == Some("HS256")
        && string_member(header, "kid").is_none_or(|id| id.len() <= 256)
        && ["kid", "typ"].into_iter().all(is_string)
}

struct Members(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;

        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }

        deserializer.deserialize_map(MembersVisitor)
    }
}
