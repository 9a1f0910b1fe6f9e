//! What documents state about bound tokens. `tests/it/openapi` compares them with responses.

use serde_json::{Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    possession::{Dpop, DpopBuilder},
    transport::TokenSource,
};
use utoipa::{Modify, openapi::OpenApi};

use crate::support::login::Setup;

use super::client::PUBLIC_URL;

fn dpop(setup: &Setup) -> DpopBuilder {
    Dpop::builder(PUBLIC_URL).store(setup.store.clone()).clock(&setup.clock)
}

fn document(change: impl FnOnce(DpopBuilder) -> DpopBuilder) -> Value {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/token");
    let routes = routes.password_grant_path("/grant").session_list_at("/api");
    let routes = routes.dpop(change(dpop(&setup)).build().unwrap()).build().unwrap();
    serde_json::to_value(routes.openapi()).unwrap()
}

fn header(operation: &Value) -> Option<&Value> {
    let parameters = operation["parameters"].as_array()?;
    parameters.iter().find(|parameter| parameter["name"] == "DPoP")
}

#[test]
fn routes_list_the_header_with_the_proof() {
    for (document, required) in
        [(document(|dpop| dpop), false), (document(DpopBuilder::require), true)]
    {
        for path in ["/token/", "/token/refresh", "/token/grant"] {
            let operation = &document["paths"][path]["post"];
            let header = header(operation).unwrap();
            assert_eq!((&header["in"], &header["required"]), (&json!("header"), &json!(required)));
        }
        assert_eq!(header(&document["paths"]["/token/verify"]["post"]), None);
        let login = &document["paths"]["/token/"]["post"]["responses"];
        let schema = &login["200"]["content"]["application/json"]["schema"]["properties"];
        assert_eq!(schema["token_type"]["enum"], json!(["DPoP"]));
        assert!(login["401"].to_string().contains("invalid_dpop_proof"));
        assert!(!login.to_string().contains("use_dpop_nonce"));
        let grant = &document["paths"]["/token/grant"]["post"]["responses"];
        let schema = &grant["200"]["content"]["application/json"]["schema"]["properties"];
        assert_eq!(schema["token_type"]["enum"], json!(["Bearer", "DPoP"]));
        assert!(grant["400"].to_string().contains("invalid_dpop_proof"));
    }
}

#[test]
fn routes_list_the_nonce() {
    let nonces =
        |dpop: DpopBuilder| dpop.nonces([7, 9].repeat(16), std::time::Duration::from_secs(60));
    let document = document(nonces);
    let response = &document["paths"]["/token/"]["post"]["responses"]["401"];
    assert!(response.to_string().contains("use_dpop_nonce"));
    assert!(response["headers"].get("DPoP-Nonce").is_some());
    let response = &document["paths"]["/api/sessions"]["get"]["responses"]["401"];
    assert!(response["headers"].get("DPoP-Nonce").is_some());
}

#[test]
fn a_layer_adds_the_scheme_and_the_proof() {
    let setup = Setup::new();
    let application = json!({
        "openapi": "3.1.0", "info": { "title": "", "version": "" },
        "paths": { "/notes": { "get": { "responses": {} } } },
    });
    let both = json!({ "dpop": [], "dpop_proof": [] });
    for (dpop, security) in [
        (dpop(&setup), json!([{ "bearer": [] }, { "header_x-token": [] }, both])),
        (dpop(&setup).require(), json!([both])),
    ] {
        let source = TokenSource::header(http::HeaderName::from_static("x-token"));
        let layer = setup.issuer().layer().with_additional_source(source);
        let layer = layer.with_dpop(dpop.build().unwrap());
        let mut document: OpenApi = serde_json::from_value(application.clone()).unwrap();
        layer.modify(&mut document);
        let document = serde_json::to_value(document).unwrap();
        let operation = &document["paths"]["/notes"]["get"];
        assert_eq!(operation["security"], security);
        assert!(operation["responses"]["401"].to_string().contains("invalid_dpop_proof"));
        let schemes = document["components"]["securitySchemes"].as_object().unwrap();
        assert_eq!(schemes.len(), security.as_array().unwrap().len() + 1);
        let proof = &schemes["dpop_proof"];
        assert_eq!((&proof["in"], &proof["name"]), (&json!("header"), &json!("DPoP")));
    }
}
