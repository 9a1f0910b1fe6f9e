//! Signing keys that are published for other services and rotated.

use std::{error::Error, io};

use tokio::signal::unix::{SignalKind, signal};
use tower_jwt_auth::{
    Algorithm,
    key_rotation::{KeyFolder, RotatingKeys, RotationPolicy},
    routes::WellKnownRoutes,
};

use crate::{
    oauth_client::OAUTH,
    settings::{access_lifetime, refresh_lifetime, seconds, setting, with_causes},
};

pub(crate) struct Publishing {
    pub(crate) issuer: String,
    pub(crate) audience: String,
    pub(crate) keys: RotatingKeys,
    pub(crate) well_known: WellKnownRoutes,
}

impl Publishing {
    /// `None` if this server is not an issuer for other services.
    pub(crate) async fn from_env(has_client: bool) -> Result<Option<Self>, Box<dyn Error>> {
        let (issuer, folder) = (setting("ISSUER", "")?, setting("KEYS_DIR", "")?);
        if issuer.is_empty() && folder.is_empty() {
            return Ok(None);
        }
        if issuer.is_empty() || folder.is_empty() {
            return Err("ISSUER and KEYS_DIR must be set together".into());
        }
        let policy = RotationPolicy::builder(Algorithm::ES256)
            .rotate_every(seconds("KEY_ROTATION", 90 * 24 * 60 * 60)?)
            .lead_time(seconds("KEY_LEAD_TIME", 60 * 60)?)
            .token_lifetime(refresh_lifetime()?.max(access_lifetime()?))
            .leeway(seconds("LEEWAY", 0)?)
            .build()?;
        let keys = RotatingKeys::open(KeyFolder::new(folder), policy).await;
        let keys = keys.map_err(|error| format!("KEYS_DIR: {}", with_causes(&error)))?;
        let mut well_known =
            WellKnownRoutes::builder(&keys).issuer(&*issuer).max_age(seconds("KEY_MAX_AGE", 300)?);
        if has_client {
            let endpoint = |path| format!("{}{OAUTH}{path}", origin(&issuer));
            let basic = ["client_secret_basic"];
            well_known = well_known
                .introspection_endpoint(endpoint("/introspect"), basic)
                .revocation_endpoint(endpoint("/revoke"), basic);
        }
        let well_known = well_known.build().map_err(|error| format!("ISSUER: {error}"))?;
        Ok(Some(Self { issuer, audience: setting("AUDIENCE", "api")?, keys, well_known }))
    }
}

/// The part of `url` before its path.
fn origin(url: &str) -> &str {
    url.match_indices('/').nth(2).map_or(url, |(end, _)| &url[..end])
}

/// Starts a rotation on each SIGHUP.
pub(crate) fn rotate_on_hangup(keys: RotatingKeys) -> io::Result<()> {
    let mut hangup = signal(SignalKind::hangup())?;
    tokio::spawn(async move {
        while hangup.recv().await.is_some() {
            match keys.rotate().await {
                Ok(when) => println!("the next key signs at {}", when.to_rfc3339()),
                Err(error) => eprintln!("server: {}", with_causes(&error)),
            }
        }
    });
    Ok(())
}
