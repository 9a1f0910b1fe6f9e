use crate::{error::ConfigError, url::UrlRule};

/// The well-known path of the metadata (RFC 9728 section 3).
const WELL_KNOWN: &str = "/.well-known/oauth-protected-resource";

/// The identifier of a resource, and where its metadata is.
pub(super) struct Identifier {
    /// As configured, because the `aud` of tokens must be equal to it.
    pub(super) url: Box<str>,
    pub(super) metadata_url: Box<str>,
    /// The path of the metadata.
    pub(super) metadata_path: Box<str>,
}

impl Identifier {
    pub(super) fn parse(url: &str) -> Result<Self, ConfigError> {
        const ERROR: ConfigError = ConfigError::out_of_range(
            "the identifier of a protected resource must be an https URL, or an http URL with a \
             loopback host, without user, query and fragment, whose path contains only letters, \
             digits and `/-._~`, and no segment `.` or `..`",
        );
        let uri = UrlRule::HttpsOrLoopback.parse_issuer(url).ok_or(ERROR)?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or(ERROR)?;
        let is_allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"/-._~".contains(&byte);
        // Clients remove dot segments from a URL (RFC 3986 section 5.2.4), and then compare another.
        let has_dot_segment = uri.path().split('/').any(|segment| matches!(segment, "." | ".."));
        if !uri.path().bytes().all(is_allowed) || has_dot_segment {
            return Err(ERROR);
        }
        // RFC 9728 section 3.1: the well-known path precedes the path of the identifier, and a slash
        // directly after the host is removed.
        let path = if uri.path() == "/" { "" } else { uri.path() };
        let metadata_path = format!("{WELL_KNOWN}{path}");
        Ok(Self {
            url: url.into(),
            metadata_url: format!("{scheme}://{authority}{metadata_path}").into(),
            metadata_path: metadata_path.into(),
        })
    }
}
