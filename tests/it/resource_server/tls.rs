//! Keys fetched over TLS.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::json;

use super::outage::eventually;
use crate::support::{
    api::{get, now},
    foreign::{API, ForeignKey},
    redis::free_port,
    server::Server,
    tls::Certificates,
};

/// Serves files over TLS.
struct Files(Child);

impl Files {
    fn serve(certificates: &Certificates, port: u16) -> Self {
        let mut command = Command::new("openssl");
        command.args(["s_server", "-accept", &port.to_string(), "-WWW", "-quiet"]);
        command.args(["-cert", "certificate.pem", "-key", "key.pem"]);
        command.current_dir(certificates.path("")).stdin(Stdio::null());
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap())
    }
}

impl Drop for Files {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn verifies_certificates() {
    let Some(certificates) = Certificates::make() else { return };
    let key = ForeignKey::generate("one");
    let document = json!({ "keys": [key.jwk()] }).to_string();
    fs::write(certificates.path("keys.json"), document).unwrap();
    let port = free_port();
    let _files = Files::serve(&certificates, port);

    let issuer = "https://login.example";
    let token = key.token_with(issuer, &json!({ "iat": now(), "exp": now() + 300 }));
    let start = |host: &str, authorities: &Path| {
        let variables = [
            ("PORT", "0"),
            ("AUDIENCE", API),
            ("ISSUER", issuer),
            ("JWKS_URL", &format!("https://{host}:{port}/keys.json")),
            ("SSL_CERT_FILE", authorities.to_str().unwrap()),
        ];
        Server::start("resource_server", &variables)
    };
    let status = |server: &Server| get(server, "/api/me", &token).status.as_u16();

    let trusting = start("localhost", &certificates.path("ca"));
    eventually(200, || status(&trusting));
    for (what, server) in [
        ("another authority", start("localhost", &certificates.path("other"))),
        ("another name", start("127.0.0.1", &certificates.path("ca"))),
        ("the system authorities", start("localhost", Path::new("nowhere"))),
    ] {
        assert_eq!(status(&server), 503, "{what}");
    }
}
