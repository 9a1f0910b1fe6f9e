//! The keys, claim names and verifier that the settings describe.

use crate::{
    clock::Clock,
    error::ConfigError,
    token::{ClaimNames, KeySet, SigningKey, Verifier, VerifierBuilder, VerifyingKey},
};

use super::{AudienceSetting, Settings};

impl Settings {
    /// The keys of the settings. `secret_key` is used if there is no `SIGNING_KEY`.
    pub(in crate::simplejwt) fn key_set(
        &self,
        secret_key: Option<&str>,
    ) -> Result<KeySet, ConfigError> {
        if self.algorithm.is_symmetric() {
            let secret = self.signing_key.as_deref().map(String::as_str).or(secret_key);
            let Some(secret) = secret else {
                return Err(ConfigError::key(
                    "SIGNING_KEY is missing: set it, or pass Django's SECRET_KEY",
                ));
            };
            if self.verifying_key.as_deref().is_some_and(|key| key != secret) {
                return Err(ConfigError::conflict(
                    "VERIFYING_KEY must equal SIGNING_KEY with an HMAC ALGORITHM, or be left out",
                ));
            }
            let key = SigningKey::from_secret(self.algorithm, secret)?;
            return Ok(key.into());
        }
        let signing = self.signing_key.as_deref();
        let signing = signing.map(|pem| SigningKey::from_pem(self.algorithm, pem)).transpose()?;
        let verifying = self.verifying_key.as_deref();
        let verifying =
            verifying.map(|pem| VerifyingKey::from_pem(self.algorithm, pem)).transpose()?;
        match (signing, verifying) {
            (Some(signing), verifying) => {
                // The key id is the thumbprint of the public key.
                if verifying.is_some_and(|key| key.kid() != signing.kid()) {
                    return Err(ConfigError::conflict(
                        "VERIFYING_KEY must be the public key of SIGNING_KEY",
                    ));
                }
                Ok(signing.without_kid().into())
            }
            (None, Some(verifying)) => Ok(verifying.into()),
            (None, None) => {
                Err(ConfigError::key("this ALGORITHM requires a SIGNING_KEY or a VERIFYING_KEY"))
            }
        }
    }

    /// The names of the claims.
    pub(in crate::simplejwt) fn claim_names(&self) -> ClaimNames {
        let mut names = ClaimNames::default().with_user_id(String::from(&*self.user_id_claim));
        if let Some(name) = &self.token_type_claim {
            names = names.with_token_type(String::from(&**name));
        }
        if let Some(name) = &self.jti_claim {
            names = names.with_jti(String::from(&**name));
        }
        names
    }

    /// A verifier that checks times, issuer and audience under the names of the settings.
    pub(in crate::simplejwt) fn verifier<C>(
        &self,
        keys: KeySet,
        clock: Clock,
    ) -> VerifierBuilder<C> {
        let mut verifier = Verifier::builder(keys)
            .claims()
            .claim_names(self.claim_names())
            .leeway(self.leeway)
            .clock(clock);
        if self.token_type_claim.is_none() || self.jti_claim.is_none() {
            // SimpleJWT then writes a claim of this name, and another one when the token is refreshed.
            verifier = verifier.may_repeat("null");
        }
        if let Some(issuer) = &self.issuer {
            verifier = verifier.issuer(issuer.clone());
        }
        match &self.audience {
            None => verifier,
            Some(AudienceSetting::One(audience)) => verifier.audience(audience.clone()),
            Some(AudienceSetting::Many(list)) => verifier.audiences(list.iter().cloned()),
        }
    }

    /// Rejects settings that contradict each other or have no effect.
    pub(in crate::simplejwt) fn check(&self, has_blacklist: bool) -> Result<(), ConfigError> {
        let lifetimes = [
            self.access_token_lifetime,
            self.refresh_token_lifetime,
            self.sliding_token_lifetime,
            self.sliding_token_refresh_lifetime,
        ];
        if lifetimes.iter().any(|lifetime| lifetime.as_secs() == 0) {
            return Err(ConfigError::out_of_range("each _LIFETIME must be at least one second"));
        }
        if self.blacklist_after_rotation && !has_blacklist {
            return Err(ConfigError::ineffective(
                "BLACKLIST_AFTER_ROTATION has no effect without the blacklist app",
            ));
        }
        if self.jti_claim.is_none() && has_blacklist {
            return Err(ConfigError::conflict(
                "JTI_CLAIM must not be None with the blacklist app, which identifies tokens by it",
            ));
        }
        if self.auth_token_classes.is_empty() {
            return Err(ConfigError::ineffective(
                "AUTH_TOKEN_CLASSES must hold at least one class",
            ));
        }
        if self.user_id_field.is_empty() {
            return Err(ConfigError::out_of_range("USER_ID_FIELD must name a column"));
        }
        let names = self.claim_names();
        let taken = [names.user_id(), names.token_type(), names.jti()];
        let fixed = ["exp", "nbf", "iat", "iss", "aud", "cnf"];
        let own = [&*self.sliding_token_refresh_exp_claim, &*self.revoke_token_claim];
        let is_free =
            |name: &&str| !name.is_empty() && !taken.contains(name) && !fixed.contains(name);
        if !own.iter().all(is_free) || own[0] == own[1] {
            return Err(ConfigError::conflict(
                "SLIDING_TOKEN_REFRESH_EXP_CLAIM and REVOKE_TOKEN_CLAIM must differ from each \
                 other and from the names of registered claims",
            ));
        }
        Ok(())
    }
}
