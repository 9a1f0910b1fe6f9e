//! TLS to a real server, with a certificate from a private authority.

use tower_jwt_auth::{
    ConfigErrorKind, NumericDate,
    store::{NewSession, Page, RedisStore, StoreError, TokenStore, replica::RevocationReplica},
    token::UserId,
};

use crate::support::{
    redis::{RedisServer, free_port, is_installed},
    tls::Certificates,
};

/// A server that accepts TLS on a second port.
struct TlsServer {
    certificates: Certificates,
    port: u16,
    _server: RedisServer,
}

impl TlsServer {
    /// A server with a certificate for `localhost`; `None` if Redis or OpenSSL is not installed.
    fn start() -> Option<Self> {
        if !is_installed() {
            return None;
        }
        let (certificates, port) = (Certificates::make()?, free_port());
        let path = |name: &str| certificates.path(name).display().to_string();
        let server = RedisServer::start(&[
            "--tls-port",
            &port.to_string(),
            "--tls-cert-file",
            &path("certificate.pem"),
            "--tls-key-file",
            &path("key.pem"),
            "--tls-ca-cert-file",
            &path("ca"),
            "--tls-auth-clients",
            "no",
        ]);
        Some(Self { certificates, port, _server: server })
    }

    fn url(&self, host: &str) -> String {
        format!("rediss://{host}:{}", self.port)
    }

    fn authority(&self, name: &str) -> Vec<u8> {
        self.certificates.read(name)
    }
}

async fn log_in(store: &RedisStore) -> Result<(), StoreError> {
    let (user, now) = (UserId::from("ada"), NumericDate::from_secs(1_000));
    let expiry = NumericDate::from_secs(2_000);
    store.begin(&NewSession::new("s", &user, "0", now).with_expiry(expiry, expiry)).await.map(drop)
}

#[tokio::test]
async fn certificates_are_verified() {
    let Some(server) = TlsServer::start() else { return };
    let (trusted, other) = (server.authority("ca"), server.authority("other"));
    let localhost = server.url("localhost");
    let store = RedisStore::connect_tls_lazy(&localhost, &trusted).unwrap();
    log_in(&store).await.expect("the certificate is trusted");
    let page = store.sessions(&"ada".into(), NumericDate::default(), Page::first()).await.unwrap();
    assert_eq!(page.sessions.len(), 1);

    let untrusted = [
        ("another authority", RedisStore::connect_tls_lazy(&localhost, &other)),
        ("the system's authorities", RedisStore::connect_lazy(&localhost)),
        ("another name", RedisStore::connect_tls_lazy(&server.url("127.0.0.1"), &trusted)),
    ];
    for (what, store) in untrusted {
        assert!(log_in(&store.unwrap()).await.is_err(), "{what}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_feed_uses_tls() {
    let Some(server) = TlsServer::start() else { return };
    let trusted = server.authority("ca");
    let store = RedisStore::connect_tls_lazy(&server.url("localhost"), &trusted).unwrap();
    let replica = RevocationReplica::new(store);
    let fresh = tokio::time::timeout(std::time::Duration::from_secs(20), replica.until_fresh());
    fresh.await.expect("heartbeats return");
}

#[test]
fn rejects_settings_that_protect_nothing() {
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    for (url, certificates, kind) in [
        ("rediss://localhost", "", ConfigErrorKind::Ineffective),
        ("rediss://localhost", "nonsense", ConfigErrorKind::Ineffective),
        ("rediss://localhost", broken, ConfigErrorKind::OutOfRange),
        ("redis://localhost", broken, ConfigErrorKind::OutOfRange),
        ("nonsense", broken, ConfigErrorKind::OutOfRange),
    ] {
        let error = RedisStore::connect_tls_lazy(url, certificates.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), kind, "{url}, {certificates}");
    }
}
