//! Reading request bodies, with a limit on their length and on the time until they are complete.

use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
#[cfg(any(feature = "cookie", all(feature = "accounts", feature = "totp")))]
use axum::extract::Request;
use http::{
    HeaderMap,
    header::{CONTENT_ENCODING, CONTENT_TYPE},
};
use http_body_util::{BodyExt, LengthLimitError, Limited};

use crate::error::ConfigError;

use super::request_error::{RequestError, RequestErrorKind};

const MIN_LEN: usize = 256;
const MAX_LEN: usize = 1024 * 1024;
const MAX_TIMEOUT: Duration = Duration::from_secs(300);

/// What a body may cost.
#[derive(Clone, Copy, Debug)]
pub(crate) struct BodyLimits {
    /// The longest body, in bytes.
    pub(crate) len: usize,
    /// The time until the whole body has been received.
    pub(crate) timeout: Duration,
}

/// The media type of a request body.
#[derive(Clone, Copy)]
pub(super) enum MediaType {
    Json,
    Form,
}

/// Why a body could not be read.
pub(crate) enum BodyError {
    TooLarge,
    Timeout,
    /// The connection failed.
    Connection,
}

impl Default for BodyLimits {
    fn default() -> Self {
        Self { len: 16 * 1024, timeout: Duration::from_secs(10) }
    }
}

impl BodyLimits {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if !(MIN_LEN..=MAX_LEN).contains(&self.len) {
            return Err(ConfigError::out_of_range("`body_limit` must be 256 to 1048576 bytes"));
        }
        if self.timeout.is_zero() || self.timeout > MAX_TIMEOUT {
            return Err(ConfigError::out_of_range(
                "`body_timeout` must be greater than zero and at most 300 seconds",
            ));
        }
        Ok(())
    }

    /// Reads the body of a request with `headers`, which must have this media type and not be encoded.
    ///
    /// A proxy or firewall may have read the body according to these headers. So each must have one
    /// meaning, and that must be how the body is read here.
    pub(super) async fn read_as(
        &self,
        media_type: MediaType,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Bytes, RequestError> {
        check_headers(headers, media_type)?;
        Ok(self.read(body).await?)
    }

    /// Reads a body. One whose announced length is above the limit is rejected without being read.
    pub(crate) async fn read(&self, body: Body) -> Result<Bytes, BodyError> {
        if body.size_hint().lower() > self.len as u64 {
            return Err(BodyError::TooLarge);
        }
        let collected = Limited::new(body, self.len).collect();
        match tokio::time::timeout(self.timeout, collected).await {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<LengthLimitError>() => Err(BodyError::TooLarge),
            Ok(Err(_)) => Err(BodyError::Connection),
            Err(_) => Err(BodyError::Timeout),
        }
    }
}

/// Checks that a body which the route ignores is JSON or missing, so that no HTML form can send the
/// request.
#[cfg(any(feature = "cookie", all(feature = "accounts", feature = "totp")))]
pub(crate) fn check_optional_json(request: &Request) -> Result<(), RequestError> {
    let has_type = request.headers().contains_key(CONTENT_TYPE);
    if request.body().is_end_stream() && !has_type {
        return Ok(());
    }
    check_headers(request.headers(), MediaType::Json)
}

fn check_headers(headers: &HeaderMap, media_type: MediaType) -> Result<(), RequestError> {
    let mut types = headers.get_all(CONTENT_TYPE).iter();
    let (content_type, second) = (types.next(), types.next());
    if second.is_some() {
        return Err(RequestError::invalid_body("The request has several media types."));
    }
    let content_type = content_type.and_then(|value| value.to_str().ok());
    if !content_type.is_some_and(|content_type| is_of_type(content_type, media_type.name())) {
        let kind = RequestErrorKind::UnsupportedMediaType;
        return Err(RequestError::new(kind, media_type.requirement()));
    }
    let mut encodings = headers.get_all(CONTENT_ENCODING).iter();
    if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
        return Err(RequestErrorKind::UnsupportedEncoding.into());
    }
    Ok(())
}

impl MediaType {
    const fn name(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Form => "application/x-www-form-urlencoded",
        }
    }

    const fn requirement(self) -> &'static str {
        match self {
            Self::Json => "The request body must be application/json, in UTF-8.",
            Self::Form => "The request body must be application/x-www-form-urlencoded, in UTF-8.",
        }
    }
}

impl From<BodyError> for RequestError {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge => RequestErrorKind::BodyTooLarge.into(),
            BodyError::Timeout => RequestErrorKind::BodyTimeout.into(),
            BodyError::Connection => Self::invalid_body("The request body could not be read."),
        }
    }
}

fn is_of_type(content_type: &str, media_type: &str) -> bool {
    let mut parts = content_type.split(';').map(str::trim);
    let essence = parts.next().unwrap_or_default();
    essence.eq_ignore_ascii_case(media_type) && parts.all(|parameter| !is_other_charset(parameter))
}

/// Whether `parameter` names another character encoding than UTF-8.
fn is_other_charset(parameter: &str) -> bool {
    let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
    name.trim_end().eq_ignore_ascii_case("charset")
        && !value.trim_start().trim_matches('"').eq_ignore_ascii_case("utf-8")
}
