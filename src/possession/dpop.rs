use std::{fmt, sync::Arc, time::Duration};

use crate::{
    clock::Clock,
    error::AuthError,
    store::{Consume, Consumed, SharedStore},
    token::{
        KeyThumbprint, UserId,
        dpop::{Expected, ProofRules, VerifiedProof, invalid_proof as dpop_error, normalize_url},
    },
    url::RedactedUrl,
};

use super::{nonces::Nonces, request::Evidence};

/// How a service handles tokens that are bound to the key of the client by DPoP. A cheap handle. See
/// the [module docs](super).
#[derive(Clone)]
#[must_use]
pub struct Dpop(pub(super) Arc<Inner>);

pub(super) struct Inner {
    pub(super) is_required: bool,
    /// The public URL, normalized and without a slash at its end.
    pub(super) base: String,
    pub(super) rules: ProofRules,
    /// The names of the accepted algorithms, separated by spaces.
    pub(super) algs: Arc<str>,
    /// `None` if replay is allowed.
    pub(super) used: Option<SharedStore>,
    pub(super) nonces: Option<Nonces>,
    /// How much longer the use of a proof is remembered than this machine accepts it, because the
    /// clock of another one may be behind.
    pub(super) remembered_longer: Duration,
    pub(super) clock: Clock,
}

impl Dpop {
    /// Whether tokens that are not bound are rejected.
    pub(crate) fn is_required(&self) -> bool {
        self.0.is_required
    }

    /// Whether proofs must have a nonce of this service.
    #[cfg(feature = "openapi")]
    pub(crate) fn requires_nonces(&self) -> bool {
        self.0.nonces.is_some()
    }

    pub(crate) fn algs(&self) -> &Arc<str> {
        &self.0.algs
    }

    /// Verifies the proof of a request that carries `token`, which is bound to `key`.
    pub(super) fn verify(
        &self,
        evidence: &Evidence,
        token: &[u8],
        key: KeyThumbprint,
    ) -> Result<UnusedProof, AuthError> {
        self.verify_proof(evidence, Some(token), Some(key))
    }

    /// Verifies the proof of a request for tokens, if it has one. The tokens will be bound to its key.
    ///
    /// # Errors
    ///
    /// An error if the proof is invalid, or if it is required and missing.
    #[cfg(feature = "routes")]
    pub(crate) fn verify_token_request(
        &self,
        evidence: &Evidence,
    ) -> Result<Option<UnusedProof>, AuthError> {
        if !self.is_required() && evidence.has_no_proof() {
            return Ok(None);
        }
        self.verify_proof(evidence, None, None).map(Some)
    }

    fn verify_proof(
        &self,
        evidence: &Evidence,
        access_token: Option<&[u8]>,
        thumbprint: Option<KeyThumbprint>,
    ) -> Result<UnusedProof, AuthError> {
        let Inner { base, rules, nonces, clock, .. } = &*self.0;
        let (proof, now) = (evidence.proof()?, clock.now());
        let (path, may_end_with_slash) = evidence.path()?;
        let url = Some(path).filter(|path| path.starts_with('/') || may_end_with_slash);
        let url = url
            .and_then(|path| normalize_url(&format!("{base}{path}")))
            .ok_or_else(|| dpop_error("htu", "expected a request for a path"))?;
        let expected = Expected {
            method: evidence.method(),
            url: &url,
            may_end_with_slash,
            access_token,
            thumbprint,
            now,
        };
        let proof = rules.verify(proof, &expected)?;
        if let Some(nonces) = nonces {
            nonces.check(proof.nonce.as_deref(), now)?;
        }
        Ok(UnusedProof { dpop: self.clone(), proof })
    }
}

/// A verified proof, which must be used before the request is accepted.
pub(crate) struct UnusedProof {
    dpop: Dpop,
    proof: VerifiedProof,
}

impl UnusedProof {
    /// Whether tokens must be bound.
    pub(crate) fn is_required(&self) -> bool {
        self.dpop.is_required()
    }

    /// The key of the client.
    pub(crate) const fn key(&self) -> KeyThumbprint {
        self.proof.thumbprint
    }

    /// Fails if the proof was used before, or if the store does not respond.
    pub(crate) async fn use_once(self) -> Result<(), AuthError> {
        let Self { dpop, proof } = self;
        let Inner { used, remembered_longer, clock, .. } = &*dpop.0;
        let Some(used) = used else { return Ok(()) };
        // Clients choose ids, so each key has its own. The stores shard and sweep by user, too.
        let owner = UserId::from(format!("dpop:{}", proof.thumbprint.encode()));
        let id = format!("dpop:{}", proof.id_hash);
        let keep_until = proof.accepted_until.saturating_add(*remembered_longer);
        match used.consume(&Consume::other(&id, &owner, keep_until), clock.now()).await? {
            Consumed::First => Ok(()),
            Consumed::Before => Err(dpop_error("jti", "not used before")),
        }
    }
}

impl fmt::Debug for Dpop {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Dpop")
            .field("public_url", &RedactedUrl(&self.0.base))
            .field("is_required", &self.0.is_required)
            .field("algs", &self.0.algs)
            .finish_non_exhaustive()
    }
}
