//! Tokens that are bound to the keys of clients.

use std::time::Duration;

use tower_jwt_auth::{
    possession::{Dpop, DpopBuilder},
    store::{Purger, TokenStore},
};

use crate::{
    settings::setting,
    store::{UseStore, with_store},
};

/// How bound tokens are accepted, and the task that deletes the proofs that were used once they are
/// too old.
pub(crate) fn dpop() -> Result<Option<(Dpop, Purger)>, String> {
    let Some(mode) = setting("DPOP")? else { return Ok(None) };
    let port = setting("PORT")?.unwrap_or_else(|| "3000".to_owned());
    let public_url = setting("PUBLIC_URL")?.unwrap_or_else(|| format!("http://127.0.0.1:{port}"));
    let dpop = Dpop::builder(public_url);
    let dpop = match &*mode {
        "accept" => dpop,
        "require" => dpop.require(),
        other => return Err(format!("DPOP must be accept or require, not {other:?}")),
    };
    let (dpop, purger) = with_store(Proofs(dpop))?;
    let dpop = dpop.build().map_err(|error| format!("PUBLIC_URL: {error}"))?;
    Ok(Some((dpop, purger)))
}

/// Has a store remember the proofs that were used.
struct Proofs(DpopBuilder);

impl UseStore for Proofs {
    type Output = (DpopBuilder, Purger);

    fn use_store(self, store: impl TokenStore + Clone) -> Self::Output {
        (self.0.store(store.clone()), Purger::spawn(store, Duration::from_secs(60)))
    }
}
