//! Tokens that are bound to the keys of clients.

use tower_jwt_auth::possession::{Dpop, DpopBuilder};

use crate::settings::setting;

/// How bound tokens are accepted.
pub(crate) fn dpop() -> Result<Option<DpopBuilder>, String> {
    let Some(mode) = setting("DPOP")? else { return Ok(None) };
    let port = setting("PORT")?.unwrap_or_else(|| "3000".to_owned());
    let public_url = setting("PUBLIC_URL")?.unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
    let dpop = Dpop::builder(public_url);
    match &*mode {
        "accept" => Ok(Some(dpop)),
        "require" => Ok(Some(dpop.require())),
        other => Err(format!("DPOP must be accept or require, not {other:?}")),
    }
}
