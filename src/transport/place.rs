/// A place of tokens, for documents that describe it.
pub(crate) enum TokenPlace<'a> {
    /// The `Authorization` header with the scheme `Bearer`.
    Bearer,
    Header(&'a str),
    Query(&'a str),
    Cookie(&'a str),
}
