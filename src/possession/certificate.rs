use aws_lc_rs::digest;

/// The SHA-256 hash of the DER encoding of a client certificate.
///
/// The application's TLS layer inserts it into the extensions of each request that it has received
/// with a verified client certificate. See
/// [`JwtAuthLayer::with_certificate_bound_tokens`](crate::JwtAuthLayer::with_certificate_bound_tokens).
///
/// <div class="warning">
///
/// A proxy that terminates TLS passes the certificate on in a header. Insert it only if the request
/// comes from that proxy, and if the proxy removes the header from what clients send.
///
/// </div>
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientCertificateThumbprint(pub [u8; 32]);

impl ClientCertificateThumbprint {
    /// Computes the thumbprint of a certificate in DER.
    #[must_use]
    pub fn of_der(certificate: impl AsRef<[u8]>) -> Self {
        let digest = digest::digest(&digest::SHA256, certificate.as_ref());
        let mut thumbprint = [0; 32];
        thumbprint.copy_from_slice(digest.as_ref());
        Self(thumbprint)
    }
}
