//! Tokens that are bound to a client certificate (RFC 8705).

use axum::Router;
use http::Request;
use serde_json::json;
use tower_jwt_auth::possession::ClientCertificateThumbprint;

use crate::support::{
    keys,
    mint::encode,
    reply::{Reply, send},
};

use super::{
    app_with, assert_accepted, assert_invalid_binding,
    client::{Client, get, token},
    dpop, layer,
};

fn certificate() -> ClientCertificateThumbprint {
    ClientCertificateThumbprint::of_der(keys::der(keys::RSA_CERTIFICATE))
}

fn bound_token() -> String {
    token(&json!({ "x5t#S256": encode(certificate().0) }).to_string())
}

fn app() -> Router {
    app_with(layer().with_certificate_bound_tokens())
}

async fn send_with<B>(app: &Router, mut request: Request<axum::body::Body>, certificate: B) -> Reply
where
    B: Into<Option<ClientCertificateThumbprint>>,
{
    if let Some(certificate) = certificate.into() {
        request.extensions_mut().insert(certificate);
    }
    send(app, request).await
}

#[tokio::test]
async fn requires_the_certificate_to_which_a_token_is_bound() {
    let (app, bearer) = (app(), format!("Bearer {}", bound_token()));
    assert_accepted(&send_with(&app, get("/notes", &bearer, []), certificate()).await);
    let other = ClientCertificateThumbprint([7; 32]);
    for certificate in [None, Some(other)] {
        let reply = send_with(&app, get("/notes", &bearer, []), certificate).await;
        assert_invalid_binding(&reply, "sent with the certificate to which it is bound");
    }
}

#[tokio::test]
async fn certificates_are_off_by_default() {
    let bearer = format!("Bearer {}", bound_token());
    let reply = send_with(&app_with(layer()), get("/notes", &bearer, []), certificate()).await;
    assert_invalid_binding(&reply, "not bound to a key");
    let app = app_with(layer().with_dpop(dpop().build().unwrap()));
    let reply = send_with(&app, get("/notes", &bearer, []), certificate()).await;
    assert_invalid_binding(&reply, "not bound to a certificate");
}

#[tokio::test]
async fn unbound_tokens_need_no_certificate() {
    let bearer = format!("Bearer {}", token(""));
    assert_accepted(&send_with(&app(), get("/notes", &bearer, []), None).await);
}

#[tokio::test]
async fn a_token_bound_to_a_certificate_is_no_token_bound_to_a_proof() {
    let client = Client::es256();
    for dpop in [dpop(), dpop().require()] {
        let layer = layer().with_certificate_bound_tokens().with_dpop(dpop.build().unwrap());
        let (app, token) = (app_with(layer), bound_token());
        let proof = client.proof("/notes", &token).sign();
        let request = get("/notes", &format!("DPoP {token}"), [&*proof]);
        let reply = send_with(&app, request, certificate()).await;
        assert_invalid_binding(&reply, "bound to the key of the proof");
    }
}

#[tokio::test]
async fn a_token_bound_to_both_needs_both() {
    let client = Client::es256();
    let token =
        token(&json!({ "jkt": client.jkt, "x5t#S256": encode(certificate().0) }).to_string());
    let dpop = dpop().build().unwrap();
    let app = app_with(layer().with_certificate_bound_tokens().with_dpop(dpop));
    let proofs = [(); 2].map(|()| client.proof("/notes", &token).sign());
    let with_proof = || get("/notes", &format!("DPoP {token}"), [&*proofs[0]]);
    assert_eq!(send_with(&app, with_proof(), None).await.status, 401);
    let bearer = get("/notes", &format!("Bearer {token}"), []);
    assert_eq!(send_with(&app, bearer, certificate()).await.status, 401);
    assert_accepted(&send_with(&app, with_proof(), certificate()).await);
}
