use redis::{Client, TlsCertificates};

use crate::error::ConfigError;

use super::{
    connector::Connector,
    store::{INVALID_URL, RedisStore},
};

impl RedisStore {
    /// A store on the server at `url`, `rediss://…`, with a private certificate authority. The server's
    /// certificate must be signed by one of `root_certificates`, in PEM; the authorities of the system
    /// are not trusted. The store connects when first used.
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
    /// When the URL is malformed or has another scheme, or when `root_certificates` contains no
    /// certificate or a malformed one.
    pub fn connect_tls_lazy(url: &str, root_certificates: &[u8]) -> Result<Self, ConfigError> {
        let certificates = pem::parse_many(root_certificates).unwrap_or_default();
        if !certificates.iter().any(|certificate| certificate.tag() == "CERTIFICATE") {
            return Err(ConfigError::ineffective(
                "`root_certificates` must contain a certificate in PEM",
            ));
        }
        let node = Connector::node(url).map_err(|_| INVALID_URL)?;
        let root_cert = Some(root_certificates.to_vec());
        let client = Client::build_with_tls(node, TlsCertificates { client_tls: None, root_cert });
        let client = client.map_err(|_| {
            ConfigError::out_of_range("not a `rediss` URL, or a malformed root certificate")
        })?;
        Ok(Self::new(Connector::new_server(client)))
    }
}
