//! The published keys and metadata, from the view of another service.

use std::time::Duration;

use axum::{Router, body::Body};
use http::{Method, Request, header::IF_NONE_MATCH};
use jsonwebtoken::{DecodingKey, Validation, jwk::JwkSet};
use serde_json::{Value, json};
use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, Issuer, KeySet, SigningKey, VerifyingKey,
    routes::{WellKnownRoutes, WellKnownRoutesBuilder},
    token::NoClaims,
    user::User,
};

use crate::support::{
    keys,
    reply::{Reply, send},
};

const JWKS: &str = "/.well-known/jwks.json";
const METADATA: [&str; 2] =
    ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"];

/// A key pair of each algorithm that has some.
fn pairs() -> Vec<SigningKey> {
    keys::PAIRS.map(|(algorithm, pem)| SigningKey::from_pem(algorithm, pem).unwrap()).into()
}

fn es256() -> SigningKey {
    SigningKey::from_pem(Algorithm::ES256, keys::P256).unwrap()
}

fn app(builder: WellKnownRoutesBuilder) -> Router {
    builder.build().unwrap().into_router()
}

async fn get(app: &Router, path: &str) -> Reply {
    send(app, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn get_unless(app: &Router, path: &str, tags: &[&str]) -> Reply {
    let request =
        tags.iter().fold(Request::get(path), |request, tag| request.header(IF_NONE_MATCH, *tag));
    send(app, request.body(Body::empty()).unwrap()).await
}

fn etag(reply: &Reply) -> String {
    let [tag] = *reply.header("etag") else { panic!("{reply:?}") };
    assert!(tag.starts_with('"') && tag.ends_with('"') && tag.len() > 20, "strong: {tag}");
    tag.to_owned()
}

#[tokio::test]
async fn every_public_key_is_published_and_verifies_its_tokens() {
    for pair in pairs() {
        let app = app(WellKnownRoutes::builder(pair.clone()));
        let reply = get(&app, JWKS).await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("content-type"), ["application/jwk-set+json"]);
        assert_eq!(reply.header("cache-control"), ["public, max-age=300"]);

        let jwk = &reply.json()["keys"][0];
        assert_eq!(jwk["kid"].as_str(), pair.kid());
        assert_eq!((&jwk["alg"], &jwk["use"]), (&json!(pair.algorithm().as_str()), &json!("sig")));

        let issuer = Issuer::builder(pair.clone()).build().unwrap();
        let tokens = issuer.login(&User::new(42, NoClaims::default())).await.unwrap();
        // With jsonwebtoken, and with this crate.
        let set: JwkSet = serde_json::from_str(&reply.body).unwrap();
        let found = set.find(pair.kid().unwrap()).unwrap();
        let algorithm = jsonwebtoken::decode_header(tokens.access()).unwrap().alg;
        let key = DecodingKey::from_jwk(found).unwrap();
        let read =
            jsonwebtoken::decode::<Value>(tokens.access(), &key, &Validation::new(algorithm));
        assert_eq!(read.unwrap().claims["user_id"], "42", "{algorithm:?}");
        let ours = VerifyingKey::from_jwk(&jwk.to_string(), None).unwrap();
        let verifier = tower_jwt_auth::Verifier::builder(ours).build().unwrap();
        assert_eq!(verifier.verify(tokens.access()).unwrap().user_id(), "42");
    }
}

#[tokio::test]
async fn secrets_and_private_members_are_never_published() {
    const PUBLIC: [&str; 8] = ["alg", "kid", "use", "kty", "n", "e", "crv", "x"];
    let secret = SigningKey::hs256(keys::SECRET).unwrap().with_kid("secret").unwrap();
    let hs512 = VerifyingKey::from_secret(Algorithm::HS512, keys::LONG_SECRET).unwrap();
    let keys = pairs()
        .into_iter()
        .fold(KeySet::builder().signing_key(secret.clone()).verifying_key(hs512), |keys, pair| {
            keys.verifying_key(pair.verifying_key())
        });
    let reply = get(&app(WellKnownRoutes::builder(keys.build().unwrap())), JWKS).await;
    let body = reply.json();
    let published = body["keys"].as_array().unwrap();
    assert_eq!(published.len(), pairs().len());
    for key in published {
        let mut names = key.as_object().unwrap().keys();
        assert!(names.all(|name| PUBLIC.contains(&&**name) || name == "y"), "{key}");
        assert_ne!(key["kty"], "oct");
    }
    assert!(!reply.body.contains("secret"), "the id of the secret is published");
    assert_eq!(secret.verifying_key().to_jwk(), None);
}

#[tokio::test]
async fn if_none_match_avoids_sending_a_document_again() {
    let app = app(WellKnownRoutes::builder(es256()).issuer("https://login.example"));
    for path in [JWKS, METADATA[0], METADATA[1]] {
        let tag = etag(&get(&app, path).await);
        let weak = format!("W/{tag}");
        let among_others = format!("\"a\",W/\"b,c\" , {tag}");
        for tags in [&[&*tag][..], &[&weak], &["*"], &[&among_others], &["\"a\"", &tag]] {
            let reply = get_unless(&app, path, tags).await;
            assert_eq!((reply.status.as_u16(), &*reply.body), (304, ""), "{tags:?}");
            assert_eq!(etag(&reply), tag);
            assert_eq!(reply.header("cache-control"), ["public, max-age=300"]);
            assert!(reply.header("content-type").is_empty());
        }
        let bare = tag.trim_matches('"');
        for tags in [&["\"a\""][..], &[bare], &[""], &["\"a\", \"b\""], &[&tag.to_lowercase()]] {
            assert_eq!(get_unless(&app, path, tags).await.status, 200, "{tags:?}");
        }
    }
}

#[tokio::test]
async fn only_get_and_head_are_allowed() {
    let app = app(WellKnownRoutes::builder(es256()).issuer("https://login.example"));
    for path in [JWKS, METADATA[0], METADATA[1]] {
        let full = get(&app, path).await;
        let request = |method| Request::builder().method(method).uri(path);
        let head = send(&app, request(Method::HEAD).body(Body::empty()).unwrap()).await;
        assert_eq!((head.status.as_u16(), &*head.body), (200, ""));
        for name in ["etag", "cache-control", "content-type"] {
            assert_eq!(head.header(name), full.header(name));
        }
        assert_eq!(head.header("content-length"), [full.body.len().to_string()]);
        for method in [Method::POST, Method::PUT, Method::DELETE, Method::OPTIONS] {
            let reply = send(&app, request(method).body(Body::empty()).unwrap()).await;
            assert_eq!(reply.status, 405);
            assert_eq!(reply.header("allow"), ["GET,HEAD"]);
        }
    }
}

#[tokio::test]
async fn the_documents_change_with_the_keys() {
    let keys = KeySet::from(es256());
    let app = app(WellKnownRoutes::builder(keys.clone()).issuer("https://login.example"));
    let before = get(&app, JWKS).await;
    let metadata = get(&app, METADATA[0]).await;
    assert_eq!(etag(&before), etag(&get(&app, JWKS).await));

    let new = SigningKey::from_pem(Algorithm::EdDSA, keys::ED25519).unwrap();
    let both = KeySet::builder().signing_key(new).verifying_key(es256().verifying_key());
    keys.replace(both).unwrap();
    let after = get_unless(&app, JWKS, &[&etag(&before)]).await;
    assert_eq!(after.status, 200);
    assert_ne!(etag(&after), etag(&before));
    assert_eq!(after.json()["keys"].as_array().unwrap().len(), 2);
    let metadata = get_unless(&app, METADATA[0], &[&etag(&metadata)]).await;
    let algorithms = &metadata.json()["id_token_signing_alg_values_supported"];
    assert_eq!(algorithms, &json!(["ES256", "EdDSA"]));
}

#[test]
fn debug_redacts_the_user_and_the_query_of_urls() {
    let with_secrets = WellKnownRoutes::builder(es256())
        .issuer("https://user:hunter2@login.example")
        .introspection_endpoint("https://user:hunter2@login.example/introspect", ["none"])
        .revocation_endpoint("https://login.example/revoke?key=hunter2", ["none"]);
    let shown = format!("{with_secrets:?}");
    assert!(!shown.contains("hunter2") && shown.contains("https://login.example"), "{shown}");
}

#[tokio::test]
async fn metadata_names_only_what_exists() {
    let app = app(WellKnownRoutes::builder(es256()).issuer("https://login.example"));
    for path in METADATA {
        let reply = get(&app, path).await;
        assert_eq!(reply.header("content-type"), ["application/json"]);
        let expected = json!({
            "issuer": "https://login.example",
            "jwks_uri": "https://login.example/.well-known/jwks.json",
            "response_types_supported": [],
            "grant_types_supported": [],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["ES256"],
        });
        assert_eq!(reply.json(), expected);
    }
}

/// RFC 8414 section 2: with their authentication methods.
#[tokio::test]
async fn metadata_names_configured_endpoints() {
    const INTROSPECT: &str = "https://login.example/oauth/introspect";
    const REVOKE: &str = "https://login.example/oauth/revoke";
    let issuer = || WellKnownRoutes::builder(es256()).issuer("https://login.example");
    let methods = ["client_secret_basic", "tls_client_auth"];
    let introspection = [
        ("introspection_endpoint", json!(INTROSPECT)),
        ("introspection_endpoint_auth_methods_supported", json!(methods)),
    ];
    let revocation = [
        ("revocation_endpoint", json!(REVOKE)),
        ("revocation_endpoint_auth_methods_supported", json!(["client_secret_basic"])),
    ];
    let plain = get(&app(issuer()), METADATA[0]).await.json();
    let with_introspection = issuer().introspection_endpoint(INTROSPECT, methods);
    let with_revocation = issuer().revocation_endpoint(REVOKE, ["client_secret_basic"]);
    let both = issuer()
        .introspection_endpoint(INTROSPECT, methods)
        .revocation_endpoint(REVOKE, ["client_secret_basic"]);
    for (builder, added) in [
        (with_introspection, introspection.to_vec()),
        (with_revocation, revocation.to_vec()),
        (both, [introspection, revocation].concat()),
    ] {
        let app = app(builder);
        let mut expected = plain.clone();
        for (name, value) in added {
            expected[name] = value;
        }
        for path in METADATA {
            assert_eq!(get(&app, path).await.json(), expected);
        }
    }
}

#[tokio::test]
async fn the_path_of_the_issuer_sets_the_paths_of_the_documents() {
    for (issuer, jwks, openid, oauth, jwks_uri) in [
        (
            "https://example.com/tenant/1",
            "/tenant/1/.well-known/jwks.json",
            "/tenant/1/.well-known/openid-configuration",
            "/.well-known/oauth-authorization-server/tenant/1",
            "https://example.com/tenant/1/.well-known/jwks.json",
        ),
        // A slash at the end belongs to the issuer, but not to the paths.
        (
            "https://example.com/",
            JWKS,
            METADATA[0],
            METADATA[1],
            "https://example.com/.well-known/jwks.json",
        ),
        (
            "http://127.0.0.1:3000",
            JWKS,
            METADATA[0],
            METADATA[1],
            "http://127.0.0.1:3000/.well-known/jwks.json",
        ),
    ] {
        let app = app(WellKnownRoutes::builder(es256()).issuer(issuer));
        assert_eq!(get(&app, jwks).await.status, 200, "{issuer}");
        for path in [openid, oauth] {
            let metadata = get(&app, path).await.json();
            assert_eq!(metadata["issuer"], issuer);
            assert_eq!(metadata["jwks_uri"], jwks_uri);
        }
    }
    let keys_alone = app(WellKnownRoutes::builder(es256()));
    for path in METADATA {
        assert_eq!(get(&keys_alone, path).await.status, 404);
    }
}

#[test]
fn build_rejects_invalid_settings() {
    let build = |builder: WellKnownRoutesBuilder| builder.build().map(drop).map_err(|e| e.kind());
    let es256 = || WellKnownRoutes::builder(es256());
    let secret = SigningKey::hs256(keys::SECRET).unwrap();
    assert_eq!(build(WellKnownRoutes::builder(secret)), Err(ConfigErrorKind::Ineffective));
    for issuer in [
        "",
        "login.example",
        "http://login.example",
        "http://127.0.0.1.example",
        "ftp://login.example",
        "https://",
        "https://login.example?tenant=1",
        "https://login.example#1",
        "https://user:password@login.example",
        "https://login.example/{tenant}",
        "https://login.example/a b",
        "https://login.example:65536",
    ] {
        assert_eq!(build(es256().issuer(issuer)), Err(ConfigErrorKind::OutOfRange), "{issuer}");
    }
    for issuer in [
        "http://localhost:3000",
        "http://LOCALHOST",
        "http://[::1]",
        // The rule is the same as for fetching keys.
        "http://127.0.0.2",
        "https://login.example:8443/a",
    ] {
        assert_eq!(build(es256().issuer(issuer)), Ok(()), "{issuer}");
    }
    const ENDPOINT: &str = "https://login.example/oauth/revoke";
    let issuer = || es256().issuer("https://login.example");
    let basic = ["client_secret_basic"];
    for (builder, expected) in [
        (issuer().introspection_endpoint(ENDPOINT, basic), Ok(())),
        (issuer().revocation_endpoint("http://127.0.0.1:3000/revoke", basic), Ok(())),
        // There is no metadata without an issuer.
        (es256().introspection_endpoint(ENDPOINT, basic), Err(ConfigErrorKind::Ineffective)),
        (es256().revocation_endpoint(ENDPOINT, basic), Err(ConfigErrorKind::Ineffective)),
        (issuer().revocation_endpoint(ENDPOINT, [""; 0]), Err(ConfigErrorKind::OutOfRange)),
        (issuer().revocation_endpoint(ENDPOINT, [""]), Err(ConfigErrorKind::OutOfRange)),
        // RFC 8414 section 2: these also require a list of algorithms.
        (
            issuer().introspection_endpoint(ENDPOINT, ["client_secret_basic", "private_key_jwt"]),
            Err(ConfigErrorKind::OutOfRange),
        ),
        (
            issuer().revocation_endpoint(ENDPOINT, ["client_secret_jwt"]),
            Err(ConfigErrorKind::OutOfRange),
        ),
    ] {
        assert_eq!(build(builder), expected);
    }
    for url in ["", "/revoke", "http://login.example/", "https://a@login.example", "https://a?b"] {
        for builder in
            [issuer().introspection_endpoint(url, basic), issuer().revocation_endpoint(url, basic)]
        {
            assert_eq!(build(builder), Err(ConfigErrorKind::OutOfRange), "{url}");
        }
    }
    for (seconds, expected) in [
        (0, Err(ConfigErrorKind::OutOfRange)),
        (1, Ok(())),
        (86_400, Ok(())),
        (86_401, Err(ConfigErrorKind::OutOfRange)),
    ] {
        assert_eq!(build(es256().max_age(Duration::from_secs(seconds))), expected, "{seconds}");
    }
}
