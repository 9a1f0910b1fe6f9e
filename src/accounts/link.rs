//! Links in mails.

use crate::{error::ConfigError, url::UrlRule};

/// Where the token is in a link.
const PLACE: &str = "{token}";

/// A link with a place for a token.
///
/// It comes from the configuration only. A link to the host of a request would let anybody send mails
/// whose links lead to a host of theirs.
#[derive(Clone, Debug)]
pub(super) struct Link {
    before: Box<str>,
    after: Box<str>,
}

impl Link {
    pub(super) fn parse(template: &str, rule: UrlRule) -> Result<Self, ConfigError> {
        let invalid = ConfigError::out_of_range(
            "a link must be an absolute https URL, or http to a loopback address unless \
             `insecure_http_links` is set, with `{token}` in it once, behind the host",
        );
        let Some((before, after)) = template.split_once(PLACE) else { return Err(invalid) };
        let whole = format!("{before}token{after}");
        let url = whole.split_once('#').map_or(&*whole, |(url, _)| url);
        let has_path = before.splitn(4, '/').count() == 4;
        if after.contains(PLACE) || !has_path || rule.parse(url).is_none() {
            return Err(invalid);
        }
        Ok(Self { before: before.into(), after: after.into() })
    }

    /// Tokens consist of characters that need no escape in a URL.
    pub(super) fn with_token(&self, token: &str) -> String {
        [&*self.before, token, &*self.after].concat()
    }
}
