use std::borrow::Cow;

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri};

use crate::{error::AuthError, token::dpop::invalid_proof as dpop_error};

use super::certificate::ClientCertificateThumbprint;
#[cfg(feature = "axum")]
use super::nesting::Nesting;

const DPOP: HeaderName = HeaderName::from_static("dpop");

/// What a request shows about the keys of its sender. It is owned, because keys of the token's
/// issuer may have to be fetched before it is needed.
pub(crate) struct Evidence {
    method: Method,
    uri: Uri,
    #[cfg(feature = "axum")]
    nesting: Option<Nesting>,
    proof: Proof,
    certificate: Option<ClientCertificateThumbprint>,
}

/// The header `DPoP`.
enum Proof {
    Missing,
    One(HeaderValue),
    Several,
}

impl Evidence {
    pub(crate) fn of<B>(request: &Request<B>) -> Self {
        Self {
            method: request.method().clone(),
            uri: request.uri().clone(),
            #[cfg(feature = "axum")]
            nesting: Nesting::of(request),
            proof: Proof::of(request.headers()),
            certificate: request.extensions().get().copied(),
        }
    }

    pub(super) fn method(&self) -> &str {
        self.method.as_str()
    }

    /// The path as the client has sent it, and whether it may have had a slash at its end.
    ///
    /// # Errors
    ///
    /// [`Misconfigured`](crate::AuthErrorKind::Misconfigured) if the beginning of the path is unknown.
    pub(super) fn path(&self) -> Result<(Cow<'_, str>, bool), AuthError> {
        let path = self.uri.path();
        #[cfg(feature = "axum")]
        if let Some(nesting) = &self.nesting {
            let (path, may_end_with_slash) = nesting.path(path)?;
            return Ok((path.into(), may_end_with_slash));
        }
        Ok((path.into(), false))
    }

    #[cfg(feature = "routes")]
    pub(super) const fn has_no_proof(&self) -> bool {
        matches!(self.proof, Proof::Missing)
    }

    /// The proof. There must be exactly one (RFC 9449 section 4.3).
    pub(super) fn proof(&self) -> Result<&[u8], AuthError> {
        match &self.proof {
            Proof::One(proof) => Ok(proof.as_bytes().trim_ascii()),
            Proof::Missing => Err(dpop_error("DPoP", "expected a proof")),
            Proof::Several => Err(dpop_error("DPoP", "expected a single proof")),
        }
    }

    pub(super) const fn certificate(&self) -> Option<ClientCertificateThumbprint> {
        self.certificate
    }
}

impl Proof {
    fn of(headers: &HeaderMap) -> Self {
        let mut proofs = headers.get_all(DPOP).iter();
        match (proofs.next(), proofs.next()) {
            (None, _) => Self::Missing,
            (Some(proof), None) => Self::One(proof.clone()),
            (Some(_), Some(_)) => Self::Several,
        }
    }
}
