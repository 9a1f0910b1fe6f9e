//! Names and paths of cookies, and the prefixes with which browsers enforce attributes:
//! [RFC 6265bis section 4.1.3](https://datatracker.ietf.org/doc/html/draft-ietf-httpbis-rfc6265bis#section-4.1.3).

use std::net::IpAddr;

use crate::{error::ConfigError, transport::token68::is_token};

/// Browsers ignore longer attributes.
const MAX_ATTRIBUTE_LEN: usize = 1024;

/// What the cookies of a session have in common.
#[derive(Clone, Copy)]
pub(super) struct Scope {
    pub(super) is_secure: bool,
    pub(super) has_domain: bool,
}

/// What is known of the path of the refresh cookie.
#[cfg(feature = "routes")]
#[derive(Clone, Copy)]
pub(super) enum RefreshPath {
    SetByApplication,
    /// The session routes have set it.
    SetByRoutes,
    /// The session routes set it. It must suit the name of the cookie in this scope.
    Open(Scope),
}

/// The name `base` with the prefix that promises most.
pub(super) fn with_prefix(base: &str, scope: Scope, path: Option<&str>) -> Box<str> {
    let prefix = match scope {
        Scope { is_secure: false, .. } => "",
        Scope { has_domain: false, .. } if path == Some("/") => "__Host-",
        _ => "__Secure-",
    };
    format!("{prefix}{base}").into()
}

/// Checks a name against its own prefix. `path` is `None` if it is not known yet.
pub(super) fn check_name(name: &str, scope: Scope, path: Option<&str>) -> Result<(), ConfigError> {
    if !is_token(name) {
        return Err(ConfigError::out_of_range(
            "the name of a session cookie must be a token of RFC 9110",
        ));
    }
    if !scope.is_secure && has_prefix(name, "__") {
        return Err(ConfigError::conflict(
            "`insecure_http`: browsers ignore cookies with a name that starts with `__Secure-` or \
             `__Host-` over http",
        ));
    }
    let is_bound_to_host = !scope.has_domain && path.is_none_or(|path| path == "/");
    if has_prefix(name, "__Host-") && !is_bound_to_host {
        return Err(ConfigError::conflict(
            "a cookie with a name that starts with `__Host-` must have the path `/` and no domain",
        ));
    }
    Ok(())
}

/// Browsers compare prefixes without case.
fn has_prefix(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix))
}

/// Whether `path` is an absolute path that a cookie may have.
pub(super) fn is_path(path: &str) -> bool {
    let is_allowed =
        |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b';' | b',' | b'?' | b'#');
    path.starts_with('/') && path.bytes().all(is_allowed) && path.len() <= MAX_ATTRIBUTE_LEN
}

/// Whether browsers send a cookie with the path `cookie` to `request`: RFC 6265 section 5.1.4.
#[cfg(feature = "routes")]
pub(super) fn path_covers(cookie: &str, request: &str) -> bool {
    request
        .strip_prefix(cookie)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/') || cookie.ends_with('/'))
}

/// Whether `domain` is the name of a domain, in ASCII.
pub(super) fn is_domain(domain: &str) -> bool {
    let is_label = |label: &str| {
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        !label.is_empty() && label.len() <= 63 && label.bytes().all(is_allowed)
    };
    let is_address = domain.parse::<IpAddr>().is_ok();
    domain.len() <= 253 && domain.split('.').all(is_label) && !is_address
}
