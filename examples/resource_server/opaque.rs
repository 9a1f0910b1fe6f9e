//! Opaque tokens.

use tower_jwt_auth::introspection::{ClientAuth, Introspection};

use crate::settings::{setting, switch};

/// Where tokens are introspected that are not JWTs. Responses that name an issuer must name one of
/// `issuers`. If they name none, it is the only one of `issuers`. If there are several, nobody knows
/// which of them can end the session.
pub(crate) fn introspection(
    audience: &str,
    issuers: Vec<String>,
) -> Result<Option<Introspection>, String> {
    let (url, client) = match (setting("INTROSPECTION_URL")?, setting("INTROSPECTION_CLIENT")?) {
        (None, None) => return Ok(None),
        (Some(url), Some(client)) => (url, client),
        _ => return Err("INTROSPECTION_URL and INTROSPECTION_CLIENT require each other".to_owned()),
    };
    // The message does not show the secret.
    let (id, secret) =
        client.split_once(':').ok_or("INTROSPECTION_CLIENT must have the form id:secret")?;
    let only_issuer = match &*issuers {
        [issuer] => Some(issuer.clone()),
        _ => None,
    };
    let is_trusted = move |issuer: &str| issuers.iter().any(|trusted| trusted == issuer);
    let mut introspection = Introspection::builder(url, ClientAuth::basic(id, secret))
        .audience(audience)
        .check(move |claims| claims.issuer().is_none_or(&is_trusted));
    match only_issuer {
        Some(issuer) => introspection = introspection.default_issuer(issuer),
        None if switch("BACKCHANNEL")? => introspection = introspection.require_member("iss"),
        None => {}
    }
    if switch("ALLOW_HTTP")? {
        introspection = introspection.insecure_loopback_http();
    }
    introspection.build().map(Some).map_err(|error| format!("INTROSPECTION_URL: {error}"))
}
