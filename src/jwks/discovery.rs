//! The metadata of an issuer: [OpenID Connect Discovery] and [RFC 8414].
//!
//! [OpenID Connect Discovery]: https://openid.net/specs/openid-connect-discovery-1_0.html
//! [RFC 8414]: https://www.rfc-editor.org/rfc/rfc8414

use std::borrow::Cow;

use http::{StatusCode, Uri};
use serde::Deserialize;

use crate::{token::check_members, url::UrlRule};

use super::error::{FetchError, FetchErrorKind};

/// Returns the URLs of the metadata of `issuer`, in the order in which they are requested. `None` if
/// one of them breaks the rule.
pub(super) fn metadata_urls(issuer: &str, rule: UrlRule) -> Option<Vec<Uri>> {
    let (origin, path) = split_origin(issuer);
    let path = path.strip_suffix('/').unwrap_or(path);
    // OpenID Connect Discovery appends the well-known path to the issuer's path. RFC 8414 section
    // 3.1 inserts it before the issuer's path. Section 5 also permits the OpenID path there.
    let appended = format!("{origin}{path}/.well-known/openid-configuration");
    let inserted = format!("{origin}/.well-known/oauth-authorization-server{path}");
    let openid_inserted = format!("{origin}/.well-known/openid-configuration{path}");
    let mut urls = vec![appended, inserted];
    if !path.is_empty() {
        urls.push(openid_inserted);
    }
    urls.iter().map(|url| rule.parse(url)).collect()
}

/// Splits `url` into its origin and its path.
fn split_origin(url: &str) -> (&str, &str) {
    let authority = url.find("://").map_or(0, |index| index + "://".len());
    let path = url[authority..].find('/').map_or(url.len(), |index| authority + index);
    url.split_at(path)
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
        return Err(FetchError::wrong_issuer(issuer, &metadata.issuer));
    }
    Ok(rule.parse(&metadata.jwks_uri).ok_or(FetchErrorKind::InsecureUrl)?)
}

/// Why no location has the metadata, which is the most specific of the errors.
#[derive(Default)]
pub(super) struct Misses(Option<FetchError>);

impl Misses {
    /// Records why a location does not have the metadata. Returns the error if no other location
    /// can have it.
    pub(super) fn add(&mut self, error: FetchError) -> Result<(), FetchError> {
        let rank = rank(error.kind()).ok_or_else(|| error.clone())?;
        if self.0.as_ref().is_none_or(|known| self::rank(known.kind()) < Some(rank)) {
            self.0 = Some(error);
        }
        Ok(())
    }

    pub(super) fn into_error(self) -> FetchError {
        self.0.unwrap_or(FetchErrorKind::Status(StatusCode::NOT_FOUND).into())
    }
}

/// How specific the error of a location is. `None` if no other location can have the metadata.
fn rank(kind: FetchErrorKind) -> Option<u8> {
    match kind {
        FetchErrorKind::Status(status) if status.is_client_error() => Some(0),
        // A gateway may redirect unknown paths, or fail at them.
        FetchErrorKind::Status(_) => Some(1),
        // An application may respond with its start page to every path.
        FetchErrorKind::Malformed | FetchErrorKind::TooLarge | FetchErrorKind::Encoded => Some(2),
        FetchErrorKind::WrongIssuer => Some(3),
        FetchErrorKind::Connection
        | FetchErrorKind::Timeout
        | FetchErrorKind::NoUsableKeys
        | FetchErrorKind::InsecureUrl
        | FetchErrorKind::Abandoned => None,
    }
}
