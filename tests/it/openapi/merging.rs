//! Documents of several routes in one.

use serde_json::{Value, json};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;

use super::{sessions, tokens};

fn documents() -> [OpenApi; 2] {
    let documents = [
        tokens::described(|routes| routes.session_list_at("/api/tokens")).document,
        sessions::described(&sessions::cookies(), |routes| routes).document,
    ];
    documents.map(|document| document.openapi)
}

#[test]
fn merged_documents_have_all_operations_once() {
    let [tokens, sessions] = documents();
    let count = |document: &OpenApi| document.paths.paths.len();
    let expected = count(&tokens) + count(&sessions);
    let merged = tokens.merge_from(sessions);
    assert_eq!(count(&merged), expected);

    let document = serde_json::to_value(merged).unwrap();
    let mut ids: Vec<_> = operations(&document).map(|it| it["operationId"].clone()).collect();
    let all = ids.len();
    ids.sort_by_key(Value::to_string);
    ids.dedup();
    assert_eq!(ids.len(), all, "{ids:?}");
    let schemes = document["components"]["securitySchemes"].as_object().unwrap();
    assert_eq!(schemes.keys().collect::<Vec<_>>(), ["bearer", "cookie", "refresh_cookie"]);
}

#[test]
fn every_reference_of_a_merged_document_has_a_target() {
    let [tokens, sessions] = documents();
    let document = serde_json::to_value(tokens.merge_from(sessions)).unwrap();
    for operation in operations(&document) {
        for requirement in operation["security"].as_array().unwrap() {
            for name in requirement.as_object().unwrap().keys() {
                assert!(document["components"]["securitySchemes"][name].is_object(), "{name}");
            }
        }
    }
    let text = document.to_string();
    for reference in text.split("\"$ref\":\"#").skip(1) {
        let pointer = reference.split('"').next().unwrap();
        assert!(document.pointer(pointer).is_some(), "{pointer}");
    }
}

#[test]
fn an_application_describes_its_own_users() {
    let own = json!({
        "openapi": "3.1.0",
        "info": {"title": "Notes", "version": "1"},
        "paths": {},
        "components": {"schemas": {"SessionUser": {"type": "string"}}},
    });
    let own: OpenApi = serde_json::from_value(own).unwrap();
    let [_, sessions] = documents();
    let document = serde_json::to_value(own.merge_from(sessions)).unwrap();
    assert_eq!(document["components"]["schemas"]["SessionUser"], json!({"type": "string"}));
    assert_eq!(document["info"]["title"], "Notes");
}

#[test]
fn nested_routes_have_nested_paths() {
    let described = tokens::described(|routes| routes);
    let mut router: OpenApiRouter = OpenApiRouter::from(described.app);
    *router.get_openapi_mut() = described.document.openapi;
    let document = OpenApiRouter::<()>::default().nest("/v1", router).into_openapi();
    assert!(document.paths.paths.contains_key("/v1/api/token/refresh"));
}

fn operations(document: &Value) -> impl Iterator<Item = &Value> {
    let paths = document["paths"].as_object().unwrap().values();
    paths.flat_map(|item| item.as_object().unwrap().values())
}
