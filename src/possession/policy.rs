use crate::{
    error::AuthError,
    token::{Claims, Confirmation, binding_error},
};

use super::{
    certificate::ClientCertificateThumbprint,
    dpop::{Dpop, UnusedProof},
    request::Evidence,
};

/// Which keys of their senders a layer can check.
#[derive(Clone, Default)]
pub(crate) struct PossessionPolicy {
    dpop: Option<Dpop>,
    accepts_certificates: bool,
}

/// How a token was sent.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presentation {
    Bearer,
    /// With the scheme `DPoP`.
    Dpop,
}

impl PossessionPolicy {
    pub(crate) fn with_dpop(self, dpop: Dpop) -> Self {
        Self { dpop: Some(dpop), ..self }
    }

    #[cfg(feature = "openapi")]
    pub(crate) const fn dpop(&self) -> Option<&Dpop> {
        self.dpop.as_ref()
    }

    pub(crate) fn with_certificates(self) -> Self {
        Self { accepts_certificates: true, ..self }
    }

    /// Checks that the sender of `token`, whose claims are `claims`, possesses the keys to which it is
    /// bound.
    ///
    /// # Errors
    ///
    /// An error also if the token is bound and the policy cannot check it, and if it is not bound as
    /// its presentation or the policy requires.
    pub(crate) fn check<C: ?Sized>(
        &self,
        claims: &Claims<C>,
        token: &[u8],
        presentation: Presentation,
        evidence: impl FnOnce() -> Evidence,
    ) -> Result<Option<UnusedProof>, AuthError> {
        let dpop = match (&self.dpop, presentation) {
            (Some(dpop), Presentation::Dpop) => Some(dpop),
            (Some(dpop), Presentation::Bearer) if dpop.is_required() => {
                return Err(binding_error("bound to a key and sent with the scheme DPoP"));
            }
            _ => None,
        };
        let Some(Confirmation { jkt, x5t_s256 }) = claims.confirmation()? else {
            return match dpop {
                Some(_) => Err(binding_error("bound to the key of the proof")),
                None => Ok(None),
            };
        };
        let evidence = evidence();
        if let Some(thumbprint) = x5t_s256 {
            if !self.accepts_certificates {
                return Err(binding_error("not bound to a certificate"));
            }
            if evidence.certificate() != Some(ClientCertificateThumbprint(thumbprint)) {
                return Err(binding_error("sent with the certificate to which it is bound"));
            }
        }
        match (dpop, jkt) {
            (Some(dpop), Some(key)) => dpop.verify(&evidence, token, key).map(Some),
            (Some(_), None) => Err(binding_error("bound to the key of the proof")),
            // RFC 9449 section 7.2: otherwise a thief could leave the proof out.
            (None, Some(_)) => Err(binding_error("sent with the scheme DPoP")),
            (None, None) => Ok(None),
        }
    }
}
