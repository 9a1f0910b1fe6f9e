//! Making tokens: which claims they get, in SimpleJWT's order.

use serde_json::Value;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    issue::random_id,
    token::{DEFAULT_MAX_TOKEN_LEN, KeySet, sign_payload},
};

use super::{
    database::DjangoUser,
    json_object::JsonObject,
    settings::{AudienceSetting, Settings},
    token_class::TokenClass,
};

/// A token before it is signed.
pub(super) struct Draft {
    pub(super) payload: JsonObject,
    /// The new id; empty if it has none, or keeps that of its predecessor.
    pub(super) jti: String,
    pub(super) expires_at: NumericDate,
}

/// Makes tokens by the settings.
pub(super) struct Minter<'a> {
    pub(super) settings: &'a Settings,
    pub(super) keys: &'a KeySet,
    pub(super) now: NumericDate,
}

impl Minter<'_> {
    /// A token of `class` for `user`, with custom claims.
    pub(super) fn for_user(
        &self,
        class: TokenClass,
        user: &DjangoUser,
        custom: &JsonObject,
    ) -> Result<Draft, AuthError> {
        let mut draft = self.fresh(class)?;
        draft.payload.set(&self.settings.user_id_claim, user.id());
        if self.settings.check_revoke_token {
            draft.payload.set(&self.settings.revoke_token_claim, user.password_digest());
        }
        // A hook must not decide whose token this is, or how long it lives.
        if custom.names().any(|name| draft.payload.contains(name) || self.is_reserved(name)) {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        draft.payload.extend(custom, &[]);
        Ok(draft)
    }

    /// The access token for a refresh token with the claims `refresh`.
    pub(super) fn access_of(&self, refresh: &JsonObject) -> Result<Draft, AuthError> {
        let mut draft = self.fresh(TokenClass::Access)?;
        let Settings { token_type_claim, jti_claim, .. } = self.settings;
        // SimpleJWT writes a claim called "null" if the setting is `None`.
        let type_name = token_type_claim.as_deref().unwrap_or("null");
        let id_name = jti_claim.as_deref().unwrap_or("null");
        draft.payload.extend(refresh, &[type_name, "exp", id_name, "jti", "iat"]);
        Ok(draft)
    }

    /// The refresh token that replaces one with the claims `refresh`.
    pub(super) fn successor_of(&self, refresh: &JsonObject) -> Result<Draft, AuthError> {
        let mut payload = refresh.clone();
        let expires_at = self.expiry(TokenClass::Refresh);
        let jti = self.set_jti(&mut payload)?;
        payload.set("exp", expires_at.as_secs());
        payload.set("iat", self.now.as_secs());
        Ok(Draft { payload, jti, expires_at })
    }

    /// A copy of the sliding token with the claims `sliding` that expires later. It keeps the id.
    pub(super) fn slid(&self, sliding: &JsonObject) -> Draft {
        let mut payload = sliding.clone();
        let expires_at = self.expiry(TokenClass::Sliding);
        payload.set("exp", expires_at.as_secs());
        payload.set("iat", self.now.as_secs());
        Draft { payload, jti: String::new(), expires_at }
    }

    /// Signs it, with audience and issuer.
    pub(super) fn sign(&self, draft: &Draft) -> Result<String, AuthError> {
        let mut payload = draft.payload.clone();
        match &self.settings.audience {
            None => {}
            Some(AudienceSetting::One(audience)) => payload.set("aud", &**audience),
            Some(AudienceSetting::Many(list)) => {
                let list: Vec<Value> = list.iter().map(|audience| (&**audience).into()).collect();
                payload.set("aud", list);
            }
        }
        if let Some(issuer) = &self.settings.issuer {
            payload.set("iss", &**issuer);
        }
        let misconfigured = |_| AuthError::from(AuthErrorKind::Misconfigured);
        let keys = self.keys.load();
        let key = keys.signing_key().ok_or(AuthErrorKind::Misconfigured)?;
        let token = sign_payload(key, payload.to_json().map_err(misconfigured)?.as_bytes())?;
        // Our own verifier would reject it.
        if token.len() > DEFAULT_MAX_TOKEN_LEN {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        Ok(token)
    }

    /// A new token of `class` with the claims that every token has.
    fn fresh(&self, class: TokenClass) -> Result<Draft, AuthError> {
        let Settings { token_type_claim, sliding_token_refresh_exp_claim, .. } = self.settings;
        let expires_at = self.expiry(class);
        let mut payload = JsonObject::default();
        if let Some(name) = token_type_claim {
            payload.set(name, class.type_name());
        }
        payload.set("exp", expires_at.as_secs());
        payload.set("iat", self.now.as_secs());
        let jti = self.set_jti(&mut payload)?;
        if class == TokenClass::Sliding {
            let lifetime = self.settings.sliding_token_refresh_lifetime;
            let end = self.now.saturating_add(lifetime);
            payload.set(sliding_token_refresh_exp_claim, end.as_secs());
        }
        Ok(Draft { payload, jti, expires_at })
    }

    fn expiry(&self, class: TokenClass) -> NumericDate {
        let lifetime = match class {
            TokenClass::Refresh => self.settings.refresh_token_lifetime,
            TokenClass::Sliding => self.settings.sliding_token_lifetime,
            TokenClass::Access | TokenClass::Untyped => self.settings.access_token_lifetime,
        };
        self.now.saturating_add(lifetime)
    }

    fn set_jti(&self, payload: &mut JsonObject) -> Result<String, AuthError> {
        let Some(name) = &self.settings.jti_claim else { return Ok(String::new()) };
        let jti = random_id()?;
        payload.set(name, &*jti);
        Ok(jti)
    }

    fn is_reserved(&self, name: &str) -> bool {
        ["nbf", "aud", "iss", "cnf"].contains(&name)
            || name == &*self.settings.sliding_token_refresh_exp_claim
            || name == &*self.settings.revoke_token_claim
    }
}
