//! What the settings say about keys and claims, checked.

use crate::{
    clock::Clock,
    error::ConfigError,
    token::{ClaimNames, KeySet, SigningKey, Verifier, VerifierBuilder, VerifyingKey},
};

use super::{AudienceSetting, Settings};

impl Settings {
    /// The keys, with Django's `SECRET_KEY` for where no other is set.
    pub(in crate::simplejwt) fn key_set(
        &self,
        secret_key: Option<&str>,
    ) -> Result<KeySet, ConfigError> {
        if self.algorithm.is_symmetric() {
            let secret = self.signing_key.as_deref().map(String::as_str).or(secret_key);
            let Some(secret) = secret else {
                return Err(ConfigError::key(
                    "SIGNING_KEY is not set, nor was Django's SECRET_KEY given",
                ));
            };
            if self.verifying_key.as_deref().is_some_and(|key| key != secret) {
                return Err(ConfigError::conflict(
                    "VERIFYING_KEY has no effect with an HMAC ALGORITHM, and SIGNING_KEY is another",
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
                        "VERIFYING_KEY does not verify what SIGNING_KEY signs",
                    ));
                }
                Ok(signing.without_kid().into())
            }
            (None, Some(verifying)) => Ok(verifying.into()),
            (None, None) => Err(ConfigError::key(
                "SIGNING_KEY and VERIFYING_KEY are missing, which this ALGORITHM needs",
            )),
        }
    }

    /// Which members of a token mean what.
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

    /// A verifier with the rules about times, issuer, audience and names.
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
            // SimpleJWT then writes a claim of this name, and when a token is refreshed another one.
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

    /// Finds what contradicts itself or protects nothing.
    pub(in crate::simplejwt) fn check(&self, has_blacklist: bool) -> Result<(), ConfigError> {
        let lifetimes = [
            self.access_token_lifetime,
            self.refresh_token_lifetime,
            self.sliding_token_lifetime,
            self.sliding_token_refresh_lifetime,
        ];
        if lifetimes.iter().any(|lifetime| lifetime.as_secs() == 0) {
            return Err(ConfigError::out_of_range("each _LIFETIME must be a second or more"));
        }
        if self.blacklist_after_rotation && !has_blacklist {
            return Err(ConfigError::ineffective(
                "BLACKLIST_AFTER_ROTATION does nothing without the blacklist app",
            ));
        }
        if self.jti_claim.is_none() && has_blacklist {
            return Err(ConfigError::conflict(
                "JTI_CLAIM is None, and the blacklist app knows tokens by their id",
            ));
        }
        if self.auth_token_classes.is_empty() {
            return Err(ConfigError::ineffective(
                "AUTH_TOKEN_CLASSES is empty: no token would open anything",
            ));
        }
        if self.user_id_field.is_empty() {
            return Err(ConfigError::out_of_range("USER_ID_FIELD is empty"));
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
                 other and from the claims with a fixed meaning",
            ));
        }
        Ok(())
    }
}
