/// Which requests that other sites cause carry a cookie: the attribute [`SameSite`].
///
/// A site is a domain with all its subdomains and ports.
///
/// [`SameSite`]: https://developer.mozilla.org/docs/Web/HTTP/Reference/Headers/Set-Cookie#samesitesamesite-value
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SameSite {
    /// None, not even a link to the site.
    Strict,
    /// Links to the site.
    Lax,
    /// All, for an application in a frame of another site. Many browsers block such cookies.
    None,
}

impl From<SameSite> for cookie::SameSite {
    fn from(same_site: SameSite) -> Self {
        match same_site {
            SameSite::Strict => Self::Strict,
            SameSite::Lax => Self::Lax,
            SameSite::None => Self::None,
        }
    }
}
