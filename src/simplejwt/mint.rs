//! Making tokens: which claims they get, in SimpleJWT's order.

use serde_json::Value;

use crate::{
    clock::NumericDate,
    error::{AuthError, AuthErrorKind},
    issue::random_id,
    token::{DEFAULT_MAX_TOKEN_LEN, KeySet, sign_payload},
};

use super::{
    TokenClass,
    database::DjangoUser,
    json_object::JsonObject,
    revoke_claim::password_mark,
    settings::{AudienceSetting, Settings},
};

/// A token before it is signed.
pub(super) struct Draft {
    pub(super) payload: JsonObject,
    /// Its new id; empty where it has none, or has kept the old one.
    pub(super) jti: String,
    pub(super) expires_at: NumericDate,
}

/// Makes tokens as the settings say.
pub(super) struct Minter<'a> {
    pub(super) settings: &'a Settings,
    pub(super) keys: &'a KeySet,
    pub(super) now: NumericDate,
}

impl Minter<'_> {
    /// A new token of `class` with the claims of every token.
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

    /// A token of `class` for `user`, with claims of the application's own.
    pub(super) fn for_user(
        &self,
        class: TokenClass,
        user: &DjangoUser,
        own: &JsonObject,
    ) -> Result<Draft, AuthError> {
        let mut draft = self.fresh(class)?;
        draft.payload.set(&self.settings.user_id_claim, user.id());
        if self.settings.check_revoke_token {
            let mark = password_mark(user.password_hash());
            draft.payload.set(&self.settings.revoke_token_claim, mark);
        }
        // What the tokens of one user say of another, or for how long, is not for a hook to say.
        if own.names().any(|name| draft.payload.contains(name) || self.is_fixed(name)) {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        draft.payload.extend(own, &[]);
        Ok(draft)
    }

    fn is_fixed(&self, name: &str) -> bool {
        ["nbf", "aud", "iss", "cnf"].contains(&name)
            || name == &*self.settings.sliding_token_refresh_exp_claim
            || name == &*self.settings.revoke_token_claim
    }

    /// The access token that a refresh token with the claims `refresh` buys.
    pub(super) fn access_of(&self, refresh: &JsonObject) -> Result<Draft, AuthError> {
        let mut draft = self.fresh(TokenClass::Access)?;
        let Settings { token_type_claim, jti_claim, .. } = self.settings;
        // Where a claim has no name, SimpleJWT writes one called "null".
        let type_name = token_type_claim.as_deref().unwrap_or("null");
        let id_name = jti_claim.as_deref().unwrap_or("null");
        draft.payload.extend(refresh, &[type_name, "exp", id_name, "jti", "iat"]);
        Ok(draft)
    }

    /// The refresh token that takes the place of one with the claims `refresh`.
    pub(super) fn successor_of(&self, refresh: &JsonObject) -> Result<Draft, AuthError> {
        let mut payload = refresh.clone();
        let expires_at = self.expiry(TokenClass::Refresh);
        let jti = self.set_jti(&mut payload)?;
        payload.set("exp", expires_at.as_secs());
        payload.set("iat", self.now.as_secs());
        Ok(Draft { payload, jti, expires_at })
    }

    /// The sliding token with the claims `sliding`, and so with its id, good for longer.
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
        // Our own verifier would not look at it.
        if token.len() > DEFAULT_MAX_TOKEN_LEN {
            return Err(AuthErrorKind::Misconfigured.into());
        }
        Ok(token)
    }
}
