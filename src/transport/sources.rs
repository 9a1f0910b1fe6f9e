use http::Request;

use crate::error::AuthErrorKind;

use super::source::TokenSource;

/// The sources of a layer, in order. There is at least one.
#[derive(Clone, Debug)]
pub(crate) struct TokenSources {
    first: TokenSource,
    others: Vec<TokenSource>,
}

impl TokenSources {
    pub(crate) const fn only(source: TokenSource) -> Self {
        Self { first: source, others: Vec::new() }
    }

    pub(crate) fn and(mut self, source: TokenSource) -> Self {
        if source != self.first && !self.others.contains(&source) {
            self.others.push(source);
        }
        self
    }

    /// The token of `request`. Fails if there are tokens in several places, because they may come
    /// from different parties.
    pub(crate) fn find<'r, B>(
        &self,
        request: &'r Request<B>,
    ) -> Result<Option<&'r [u8]>, AuthErrorKind> {
        let (headers, query) = (request.headers(), request.uri().query());
        let mut found = self.first.find(headers, query)?;
        for source in &self.others {
            match (found, source.find(headers, query)?) {
                // Two sources that find the same bytes have found one token.
                (Some(first), Some(second)) if !std::ptr::eq(first, second) => {
                    return Err(AuthErrorKind::InvalidRequest);
                }
                (None, token) => found = token,
                (Some(_), _) => {}
            }
        }
        Ok(found)
    }
}
