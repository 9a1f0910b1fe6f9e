use std::{
    fs,
    process::{Child, Command, Stdio},
};

use serde_json::{Value, json};
use tower_jwt_auth::{
    Verifier,
    jwks::{FetchErrorKind, RemoteKeys},
    provider::kubernetes::{Cluster, Workload},
};

use super::{Documents, Key, NOW, accept, assert_accepted, changed, rejection};
use crate::support::{
    folder::Folder,
    mint::clock,
    provider::{Provider, Response},
    redis::free_port,
    tls::Certificates,
};

const ISSUER: &str = "https://kubernetes.default.svc.cluster.local";
const JWKS: &str = "/openid/v1/jwks";

fn key() -> Key {
    Key::rs256("OAjVVaejWFc0Yt9ykr0_8lMMuRNs67OXTWHsN02Pkyw")
}

fn verifier() -> Verifier<Workload> {
    let cluster = Cluster::new(ISSUER);
    let documents = Documents::of_issuer(ISSUER, "https://172.18.0.2:6443/openid/v1/jwks", &key());
    let keys = cluster.keys().client(documents).clock(clock()).build().unwrap();
    verifier_of(&keys)
}

fn verifier_of(keys: &RemoteKeys) -> Verifier<Workload> {
    let builder = Cluster::new(ISSUER).verifier(keys, "orders").claims::<Workload>();
    builder.clock(clock()).build().unwrap()
}

/// The header of Kubernetes has no `typ`.
fn sign(claims: &Value) -> String {
    key().sign_as(&json!({}), claims)
}

fn token() -> Value {
    json!({
        "aud": ["orders"], "exp": NOW + 3607, "iat": NOW, "nbf": NOW, "iss": ISSUER,
        "jti": "0a5c8f2e-7c3e-4b44-8f5e-3d1d2b6e9a01",
        "kubernetes.io": {
            "namespace": "shop",
            "node": { "name": "worker-1", "uid": "9c7f4a3e-1111-4f5b-8a3e-1b2c3d4e5f60" },
            "pod": { "name": "billing-6d4cf56db6-abcde", "uid": "64c04cd2-8b3a-4f0e-b3a8-2f6d2a1c9e10" },
            "serviceaccount": { "name": "billing", "uid": "8b8d6a1c-2f3e-4d5c-9b0a-7e6f5d4c3b2a" },
            "warnafter": NOW + 3600,
        },
        "sub": "system:serviceaccount:shop:billing",
    })
}

#[tokio::test]
async fn accepts_tokens_of_service_accounts() {
    let claims = accept(&verifier(), &sign(&token())).await;
    assert_eq!(claims.user_id(), "system:serviceaccount:shop:billing");
    assert!(claims.is_service_account("shop", "billing"));
    assert!(!claims.is_service_account("other", "billing"));
    assert!(!claims.is_service_account("shop", "other"));
    let pod = claims.binding.pod.as_ref().unwrap();
    assert_eq!(pod.name, "billing-6d4cf56db6-abcde");
}

#[tokio::test]
async fn accepts_tokens_without_a_pod() {
    let binding = json!({
        "namespace": "shop",
        "serviceaccount": { "name": "billing", "uid": "8b8d6a1c-2f3e-4d5c-9b0a-7e6f5d4c3b2a" },
    });
    let token = changed(&token(), &json!({ "kubernetes.io": binding }));
    assert!(accept(&verifier(), &sign(&token)).await.binding.pod.is_none());
}

/// Of a secret of the type `kubernetes.io/service-account-token`.
#[tokio::test]
async fn rejects_tokens_that_never_expire() {
    let token = json!({
        "iss": "kubernetes/serviceaccount", "kubernetes.io/serviceaccount/namespace": "shop",
        "kubernetes.io/serviceaccount/secret.name": "billing-token-4vbwk",
        "kubernetes.io/serviceaccount/service-account.name": "billing",
        "kubernetes.io/serviceaccount/service-account.uid": "8b8d6a1c",
        "sub": "system:serviceaccount:shop:billing",
    });
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "InvalidClaims exp");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    for audience in [json!(["https://kubernetes.default.svc.cluster.local"]), json!(["billing"])] {
        let token = changed(&token(), &json!({ "aud": audience }));
        assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongAudience aud");
    }
}

#[tokio::test]
async fn rejects_tokens_of_another_cluster() {
    let other = "https://oidc.eks.eu-central-1.amazonaws.com/id/EXAMPLED539D4633E53DE1B71EXAMPLE";
    let token = changed(&token(), &json!({ "iss": other }));
    assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongIssuer iss");
    // Clusters often have the same issuer. Their keys differ.
    let stranger = Key::rs256("stranger");
    let token = stranger.sign_as(&json!({}), &self::token());
    assert_eq!(rejection(&verifier(), &token).await, "UnknownKey kid");
}

#[tokio::test]
async fn authenticates_at_the_api_server_with_the_current_token() {
    let Some(certificates) = Certificates::make() else { return };
    let credentials = Folder::new();
    fs::write(credentials.path().join("ca.crt"), certificates.read("ca")).unwrap();
    let write_token = |token: &str| fs::write(credentials.path().join("token"), token).unwrap();
    let server = Provider::start();
    server.respond(JWKS, Response::json(&json!({ "keys": [key().jwk()] })));
    let url = format!("{}/", server.issuer());
    write_token("first\n");
    let keys = Cluster::new(ISSUER).keys_from_api_server(url, credentials.path()).unwrap();
    let keys = keys.insecure_loopback_http().clock(clock()).build().unwrap();
    keys.refresh().await.unwrap();
    assert_accepted(&verifier_of(&keys), &sign(&token())).await;
    write_token("second");
    keys.refresh().await.unwrap();
    let heads = server.request_heads();
    assert!(heads.first().unwrap().contains("authorization: Bearer first\r\n"));
    assert!(heads.last().unwrap().contains("authorization: Bearer second\r\n"));

    fs::remove_file(credentials.path().join("token")).unwrap();
    let error = keys.refresh().await.unwrap_err();
    assert_eq!(error.kind(), FetchErrorKind::Connection);
}

#[tokio::test]
async fn trusts_only_the_authority_of_the_cluster() {
    let Some(certificates) = Certificates::make() else { return };
    fs::create_dir_all(certificates.path("openid/v1")).unwrap();
    let document = json!({ "keys": [key().jwk()] }).to_string();
    fs::write(certificates.path("openid/v1/jwks"), document).unwrap();
    let port = free_port();
    let _server = Files::serve(&certificates, port);

    for (authority, is_trusted) in [("ca", true), ("other", false)] {
        let credentials = Folder::new();
        fs::write(credentials.path().join("ca.crt"), certificates.read(authority)).unwrap();
        fs::write(credentials.path().join("token"), "token").unwrap();
        let url = format!("https://localhost:{port}");
        let keys = Cluster::new(ISSUER).keys_from_api_server(url, credentials.path()).unwrap();
        let keys = keys.clock(clock()).build().unwrap();
        let mut fetched = keys.refresh().await;
        // The server may need a moment to start.
        for _ in 0..100 {
            if fetched.is_ok() || !is_trusted {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            fetched = keys.refresh().await;
        }
        assert_eq!(fetched.is_ok(), is_trusted, "{authority}: {fetched:?}");
    }
}

#[test]
fn credentials_need_an_authority() {
    let cluster = Cluster::new(ISSUER);
    let folder = Folder::new();
    let keys = |folder: &Folder| {
        cluster.keys_from_api_server("https://kubernetes.default.svc", folder.path()).map(drop)
    };
    let error = keys(&folder).unwrap_err();
    assert!(error.to_string().contains("ca.crt"), "{error}");
    for content in
        ["", "no certificate", "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
    {
        fs::write(folder.path().join("ca.crt"), content).unwrap();
        let error = keys(&folder).unwrap_err();
        assert!(error.to_string().contains("certificate"), "{content}: {error}");
    }
}

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
