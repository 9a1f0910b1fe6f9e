//! The parameters of a PostgreSQL URL.

use form_urlencoded::parse;

/// The parameters that sqlx reads, without those of the form `options[name]`.
const KNOWN: [&str; 18] = [
    "application_name",
    "dbname",
    "host",
    "hostaddr",
    "options",
    "password",
    "port",
    "ssl-ca",
    "ssl-cert",
    "ssl-key",
    "ssl-mode",
    "ssl-root-cert",
    "sslcert",
    "sslkey",
    "sslmode",
    "sslrootcert",
    "statement-cache-capacity",
    "user",
];

/// Returns whether sqlx knows each parameter of `url`. It would write the value of an unknown one,
/// such as a misspelt `password`, to the log.
pub(super) fn are_known(url: &str) -> bool {
    let url = url.split_once('#').map_or(url, |(url, _fragment)| url);
    let query = url.split_once('?').map_or("", |(_, query)| query);
    parse(query.as_bytes()).all(|(name, _)| {
        KNOWN.contains(&&*name) || (name.starts_with("options[") && name.ends_with(']'))
    })
}
