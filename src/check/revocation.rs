//! Which revocations end a token: of the token, of its session, of its user, under each name of its
//! issuer.

use std::iter;

use futures::stream::{FuturesUnordered, StreamExt};
use serde::Deserialize;

use crate::{
    clock::NumericDate,
    error::AuthError,
    store::{MAX_ID_LEN, Scope, SharedStore, TokenRef},
    token::{Claims, TokenType},
};

/// Which issuer's users the store is asked about.
#[derive(Clone, Copy)]
pub(super) enum Users {
    /// Those of the store's issuer, which is that of all tokens.
    OfStore,
    /// Those of the token's issuer.
    OfToken { is_issuer_required: bool },
}

impl Users {
    pub(super) async fn is_revoked<C>(
        self,
        store: &SharedStore,
        claims: &Claims<C>,
    ) -> Result<bool, AuthError> {
        let lookup = |(scope, token)| async move { store.is_revoked(scope, &token).await };
        let mut results: FuturesUnordered<_> = self.lookups(store, claims).map(lookup).collect();
        let mut outcome = Ok(false);
        while let Some(revoked) = results.next().await {
            match revoked {
                Ok(true) => return Ok(true),
                Ok(false) => {}
                // Another lookup may still find a revocation.
                Err(error) => outcome = Err(error),
            }
        }
        outcome
    }

    pub(super) fn is_revoked_now<C>(self, store: &SharedStore, claims: &Claims<C>) -> Option<bool> {
        for (scope, token) in self.lookups(store, claims) {
            if store.is_revoked_now(scope, &token)? {
                return Some(true);
            }
        }
        Some(false)
    }

    /// The scopes and tokens to look up. The token is revoked if one of them is.
    fn lookups<'a, C>(
        self,
        store: &'a SharedStore,
        claims: &'a Claims<C>,
    ) -> impl Iterator<Item = (Scope<'a>, TokenRef<'a>)> {
        let token = token_ref(claims);
        // Users of another issuer, or of another name of it, need not have the token's session.
        let of_other = TokenRef { refresh: false, ..token };
        let (issuer, other_names, without_issuer, of_provider) = match (self, claims.issuer()) {
            (Self::OfStore, _) => (store.issuer(), None, None, None),
            (Self::OfToken { is_issuer_required }, issuer) => {
                // An issuer without `iss` may have revoked this token of another issuer, unless no
                // store can have the id of the user.
                let is_asked = !is_issuer_required
                    && issuer.is_some()
                    && claims.user_id().as_str().len() <= MAX_ID_LEN;
                let names = Some(claims.other_issuer_names());
                (issuer, names, is_asked.then_some(Scope::Unscoped), issuer.map(|_| claims))
            }
        };
        let others = other_names.clone().into_iter().flatten().map(Scope::Users);
        let others = others.chain(without_issuer).map(move |scope| (scope, of_other));
        let logouts = of_provider.into_iter().flat_map(move |claims| {
            let names = issuer.into_iter().chain(other_names.clone().into_iter().flatten());
            names.flat_map(move |name| logout_lookups(name, claims))
        });
        iter::once((Scope::of_users(issuer), token)).chain(logouts).chain(others)
    }
}

/// What a logout token of the issuer may have ended: the session, whose user it need not name, and the
/// user, whom it names by `sub`.
fn logout_lookups<'a, C>(
    issuer: &'a str,
    claims: &'a Claims<C>,
) -> impl Iterator<Item = (Scope<'a>, TokenRef<'a>)> {
    let session = claims.session_id().map(|id| {
        // Without `iat`, it counts as older than every revocation.
        (Scope::Sessions(issuer), TokenRef::new(id, NumericDate::default()))
    });
    let subject = claims.subject().filter(|subject| *subject != claims.user_id().as_str());
    let user = subject.map(|subject| {
        let issued_at = claims.issued_at().unwrap_or_default();
        (Scope::Users(issuer), TokenRef::new(subject, issued_at))
    });
    session.into_iter().chain(user)
}

/// The session of a refresh token, and whether the store may not know it yet.
///
/// A token without `sid` was issued by another issuer. Its own id then identifies the session.
pub(crate) fn refresh_session<C: ?Sized>(claims: &Claims<C>) -> (&str, bool) {
    match claims.session_id() {
        Some(session_id) => (session_id, false),
        None => (claims.jti().unwrap_or_default(), true),
    }
}

/// When the session of a refresh token began.
pub(crate) fn session_start<C: ?Sized>(claims: &Claims<C>) -> NumericDate {
    #[derive(Deserialize)]
    struct Payload {
        session_start: u64,
    }
    // The refresh tokens of an adopted session have no `auth_time`, because nobody logged in.
    let adopted = || {
        claims.session_id()?;
        let payload: Payload = serde_json::from_str(claims.json()).ok()?;
        Some(NumericDate::from_secs(payload.session_start))
    };
    claims.auth_time().or_else(adopted).or(claims.issued_at()).unwrap_or_default()
}

/// The ids and times by which a store knows the token of `claims`.
pub(crate) fn token_ref<C: ?Sized>(claims: &Claims<C>) -> TokenRef<'_> {
    let issued_at = claims.issued_at().unwrap_or_default();
    let token = TokenRef::new(claims.user_id().as_str(), issued_at).with_jti(claims.jti());
    if claims.token_type() == Some(&TokenType::Refresh) {
        let (session_id, adopt) = refresh_session(claims);
        token.with_session(Some(session_id)).as_refresh(adopt)
    } else {
        token.with_session(claims.session_id())
    }
}
