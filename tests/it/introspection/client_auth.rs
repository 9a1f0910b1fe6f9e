//! How the service authenticates at the server.

use std::collections::HashMap;

use base64::{Engine, prelude::BASE64_STANDARD};
use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, SigningKey, Verifier,
    introspection::{ClientAuth, Introspection},
    token::TokenProfile,
};

use super::{Server, TOKEN, URL, active};
use crate::support::mint::{NOW, clock};

/// The header `Authorization` and the parameters of a request.
async fn request_with(auth: ClientAuth) -> (Option<String>, HashMap<String, String>) {
    let server = Server::new(active(&json!({})));
    let introspection = Introspection::builder(URL, auth).client(server.clone()).clock(clock());
    let _ = introspection.build().unwrap().introspect(TOKEN).await.unwrap();
    let request = server.last_request();
    assert_eq!((request.method(), &*request.uri().to_string()), (&Method::POST, URL));
    let mut names: Vec<_> = request.headers().keys().map(|name| name.as_str()).collect();
    names.retain(|name| *name != "authorization");
    names.sort_unstable();
    assert_eq!(names, ["accept", "accept-encoding", "content-type", "user-agent"]);
    assert_eq!(request.headers()["content-type"], "application/x-www-form-urlencoded");
    assert_eq!(request.headers()["accept-encoding"], "identity");
    let authorization = request.headers().get("authorization");
    assert!(authorization.is_none_or(|value| value.is_sensitive()));
    let authorization = authorization.map(|value| value.to_str().unwrap().to_owned());
    let form = String::from_utf8(request.body().clone()).unwrap();
    let parameters = form.split('&').map(|pair| pair.split_once('=').unwrap());
    let parameters = parameters.map(|(name, value)| (name.to_owned(), value.to_owned()));
    (authorization, parameters.collect())
}

#[tokio::test]
async fn basic_credentials_are_form_encoded_first() {
    let auth = ClientAuth::basic("my:app", "p%ss wörd+");
    let (authorization, parameters) = request_with(auth).await;
    let encoded = authorization.unwrap().strip_prefix("Basic ").unwrap().to_owned();
    let decoded = BASE64_STANDARD.decode(encoded).unwrap();
    assert_eq!(decoded, b"my%3Aapp:p%25ss+w%C3%B6rd%2B");
    assert_eq!(parameters.len(), 2);
    assert_eq!(parameters["token"], TOKEN);
    assert_eq!(parameters["token_type_hint"], "access_token");
}

#[tokio::test]
async fn a_bearer_token_is_sent_as_it_is() {
    let (authorization, parameters) = request_with(ClientAuth::bearer("access-token=")).await;
    assert_eq!(authorization.as_deref(), Some("Bearer access-token="));
    assert_eq!(parameters.len(), 2);
}

#[tokio::test]
async fn an_assertion_is_signed_for_each_request() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap().with_kid("k1").unwrap();
    let verifier: Verifier = Verifier::builder(key.verifying_key())
        .issuer("api")
        .audience("https://login.example")
        .profile(TokenProfile::Plain)
        .clock(clock())
        .build()
        .unwrap();
    let auth = ClientAuth::private_key_jwt("api", key, "https://login.example");
    let mut ids = Vec::new();
    for _ in 0..2 {
        let (authorization, parameters) = request_with(auth.clone()).await;
        assert_eq!(authorization, None);
        assert_eq!(parameters["client_id"], "api");
        assert_eq!(
            parameters["client_assertion_type"],
            "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer"
        );
        let claims = verifier.verify(&parameters["client_assertion"]).unwrap();
        assert_eq!(claims.subject(), Some("api"));
        assert_eq!(claims.expires_at().as_secs(), NOW + 60);
        let json: Value = serde_json::from_str(claims.json()).unwrap();
        assert_eq!(json["aud"], "https://login.example");
        ids.push(claims.jti().unwrap().to_owned());
    }
    assert_ne!(ids[0], ids[1]);
}

#[test]
fn credentials_that_cannot_work_are_an_error() {
    let (es256, hs256) = [Algorithm::ES256, Algorithm::HS256]
        .map(|algorithm| SigningKey::generate(algorithm).unwrap())
        .into();
    for (auth, kind) in [
        (ClientAuth::basic("", "secret"), ConfigErrorKind::Key),
        (ClientAuth::basic("api", ""), ConfigErrorKind::Key),
        (ClientAuth::bearer(""), ConfigErrorKind::Key),
        (ClientAuth::bearer("two words"), ConfigErrorKind::Key),
        (ClientAuth::bearer("line\r\nbreak"), ConfigErrorKind::Key),
        (ClientAuth::private_key_jwt("api", hs256, "aud"), ConfigErrorKind::Key),
        (ClientAuth::private_key_jwt("", es256.clone(), "aud"), ConfigErrorKind::Ineffective),
        (ClientAuth::private_key_jwt("api", es256, ""), ConfigErrorKind::Ineffective),
    ] {
        let error = Introspection::builder(URL, auth).build().unwrap_err();
        assert_eq!(error.kind(), kind, "{error}");
    }
}

#[test]
fn debug_output_has_no_secret() {
    let key = SigningKey::generate(Algorithm::ES256).unwrap();
    let auth = [
        ClientAuth::basic("api", "hunter2"),
        ClientAuth::bearer("hunter2"),
        ClientAuth::private_key_jwt("api", key, "hunter2"),
    ];
    for auth in auth {
        let builder = Introspection::builder("https://user:hunter2@login.example/?hunter2", auth);
        let shown = format!("{builder:?}");
        assert!(!shown.contains("hunter2"), "{shown}");
    }
}
