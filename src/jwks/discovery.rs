//! The metadata of an issuer: [OpenID Connect Discovery] and [RFC 8414].
//!
//! [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
//! [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414

use std::borrow::Cow;

use http::Uri;
use serde::Deserialize;

use crate::{token::check_members, url::UrlRule};

use super::{
    error::{FetchError, FetchErrorKind},
    location::split_origin,
};

/// The URLs of the metadata of `issuer`, in the order in which they are requested.
pub(super) fn metadata_urls(issuer: &str) -> [String; 2] {
    let (origin, path) = split_origin(issuer);
    let path = path.strip_suffix('/').unwrap_or(path);
    [
        // OpenID Connect Discovery appends the well-known path to the issuer's path. RFC 8414
        // section 3.1 inserts it before the issuer's path.
        format!("{origin}{path}/.well-known/openid-configuration"),
        format!("{origin}/.well-known/oauth-authorization-server{path}"),
    ]
}

/// Returns the `jwks_uri` of the metadata, which must be that of `issuer`.
pub(super) fn jwks_url(json: &[u8], issuer: &str, rule: UrlRule) -> Result<Uri, FetchError> {
    #[derive(Deserialize)]
    struct Metadata<'a> {
        #[serde(borrow)]
        issuer: Cow<'a, str>,
        #[serde(borrow)]
        jwks_uri: Cow<'a, str>,
    }

    let malformed = |_| FetchErrorKind::Malformed;
    let json = str::from_utf8(json).or(Err(FetchErrorKind::Malformed))?;
    check_members(json, |_| true).map_err(malformed)?;
    let metadata: Metadata<'_> = serde_json::from_str(json).map_err(malformed)?;
    if metadata.issuer != issuer {
        return Err(FetchErrorKind::WrongIssuer.into());
    }
    Ok(rule.parse(&metadata.jwks_uri).ok_or(FetchErrorKind::InsecureUrl)?)
}
