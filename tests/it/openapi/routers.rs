//! The routes of a router are those of its document. A route without a description fails here.

use std::collections::{BTreeMap, BTreeSet};

use axum::Router;

use super::{
    document::Document,
    drive::Described,
    services,
    sessions::{self, cookies},
    tokens,
};

/// Methods, each with a path without a slash at its end.
type Routes = BTreeSet<(String, String)>;

/// The routes of `router`. Only the debug output of a router lists them.
pub(super) fn served(router: &Router) -> Routes {
    let text = format!("{router:?}");
    let (methods, rest) = text.split_once("node: Node").unwrap();
    let (paths, _) = rest.split_once("fallback_router").unwrap();
    let entries = |text: &str| -> BTreeMap<u32, String> {
        let entries = text.split("RouteId(").skip(1);
        let entries = entries.map(|entry| {
            let (id, rest) = entry.split_once("): ").unwrap();
            (id.parse().unwrap(), rest.to_owned())
        });
        entries.collect()
    };
    let (methods, paths) = (entries(methods), entries(paths));
    let mut routes = Routes::new();
    for (id, path) in paths {
        let path = path.split('"').nth(1).unwrap();
        for method in ["get", "post", "put", "patch", "delete"] {
            if !methods[&id].contains(&format!(" {method}: None")) {
                routes.insert(route(method, path));
            }
        }
    }
    assert!(!routes.is_empty(), "{text}");
    routes
}

pub(super) fn described(document: &Document) -> Routes {
    let operations = document.operations();
    operations.iter().map(|it| route(&it.method.as_str().to_lowercase(), it.path)).collect()
}

fn route(method: &str, path: &str) -> (String, String) {
    (method.to_owned(), path.trim_end_matches('/').to_owned())
}

#[test]
fn every_route_is_described_and_no_other() {
    let all: [Described; 5] = [
        tokens::described(|routes| routes.password_grant_path("/grant")),
        sessions::described(&cookies(), |routes| routes),
        services::oauth(),
        services::well_known(),
        tokens::described(|routes| routes.at("")),
    ];
    for Described { app, document, .. } in all {
        assert_eq!(served(&app), described(&document));
    }
}

#[test]
fn the_routes_of_a_router_are_found() {
    let handler = async || ();
    let router: Router = Router::new()
        .route("/a/", axum::routing::get(handler).post(handler))
        .route("/b/{id}", axum::routing::delete(handler).layer(axum::Extension(1)));
    let expected = [("delete", "/b/{id}"), ("get", "/a"), ("post", "/a")];
    assert_eq!(served(&router), expected.map(|(method, path)| route(method, path)).into());
}
