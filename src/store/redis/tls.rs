use redis::{Client, TlsCertificates};

use crate::error::ConfigError;

use super::{INVALID_URL, RedisStore, connection::Connector};

impl RedisStore {
    /// A store on the server at `url`, `rediss://…`, whose certificate must come from one of
    /// `root_certificates`, in PEM, and from no other that the system trusts. Nothing is connected
    /// before it is needed.
    ///
    /// ```
    /// # fn connect(company: &[u8]) -> Result<(), tower_jwt_auth::ConfigError> {
    /// use tower_jwt_auth::store::RedisStore;
    ///
    /// let store = RedisStore::connect_tls_lazy("rediss://cache.example/", company)?;
    /// # drop(store);
    /// # Ok(())
    /// # }
    /// # assert!(connect(b"").is_err());
    /// ```
    ///
    /// # Errors
    ///
    /// When the URL is malformed or of another scheme, or `root_certificates` has no certificate or
    /// a malformed one.
    pub fn connect_tls_lazy(url: &str, root_certificates: &[u8]) -> Result<Self, ConfigError> {
        let certificates = pem::parse_many(root_certificates).unwrap_or_default();
        if !certificates.iter().any(|certificate| certificate.tag() == "CERTIFICATE") {
            return Err(ConfigError::ineffective(
                "without a root certificate in PEM no server is trusted",
            ));
        }
        let node = Connector::node(url).map_err(|_| INVALID_URL)?;
        let root_cert = Some(root_certificates.to_vec());
        let client = Client::build_with_tls(node, TlsCertificates { client_tls: None, root_cert });
        let client = client.map_err(|_| {
            ConfigError::out_of_range("not a `rediss` URL, or a malformed root certificate")
        })?;
        Ok(Self::new(Connector::by(client)))
    }
}
