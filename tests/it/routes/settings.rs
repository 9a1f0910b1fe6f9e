//! Settings of the routes.

use serde_json::json;
use tower_jwt_auth::{
    ConfigErrorKind, TokenRoutes,
    routes::TokenRoutesBuilder,
    user::{Credentials, Fields, UsernamePassword},
};

use crate::support::login::{Directory, PASSWORD, Profile, SECRET, Setup};

use super::{credentials, post_json};

type Builder = TokenRoutesBuilder<Directory<Profile>, Profile>;

#[tokio::test]
async fn paths_may_be_chosen() {
    let setup = Setup::new();
    let app = TokenRoutes::builder(setup.issuer(), setup.users.clone())
        .at("/auth/v1")
        .obtain_path("/login")
        .refresh_path("/renew/")
        .verify_path("/check/token")
        .blacklist_path("/")
        .build()
        .unwrap()
        .into_router();
    for slash in ["", "/"] {
        let login = post_json(&app, &format!("/auth/v1/login{slash}"), &credentials()).await;
        let refresh = json!({"refresh": login.json()["refresh"]});
        let token = json!({"token": login.json()["access"]});
        for (path, body) in [("/renew", &refresh), ("/check/token", &token), ("", &refresh)] {
            let reply = post_json(&app, &format!("/auth/v1{path}{slash}"), body).await;
            assert_eq!(reply.status, 200, "{path}{slash}");
        }
    }
}

#[test]
fn nonsense_is_refused_when_the_routes_are_built() {
    use ConfigErrorKind::{Conflict, OutOfRange};

    let setup = Setup::new();
    let routes = || TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let refused: [(&str, Builder, ConfigErrorKind); 21] = [
        ("base without slash", routes().at("api"), OutOfRange),
        ("base with parameter", routes().at("/{tenant}"), OutOfRange),
        ("base with space", routes().at("/a b"), OutOfRange),
        ("path without slash", routes().refresh_path("renew"), OutOfRange),
        ("path without slash below a base", routes().at("/api").refresh_path("renew"), OutOfRange),
        ("empty path below a base", routes().at("/api").obtain_path(""), OutOfRange),
        ("path with parameter", routes().verify_path("/{token}"), OutOfRange),
        ("path with wildcard", routes().verify_path("/*"), OutOfRange),
        ("path with query", routes().obtain_path("/login?x=1"), OutOfRange),
        ("path with escape", routes().obtain_path("/log%69n"), OutOfRange),
        ("path beyond ASCII", routes().obtain_path("/entr\u{e9}e"), OutOfRange),
        ("one path twice", routes().verify_path("/refresh"), Conflict),
        ("one path twice but for a slash", routes().verify_path("/refresh/"), Conflict),
        ("the base twice", routes().at("/api").blacklist_path("/"), Conflict),
        ("one name twice", routes().rename_field("username", "password"), Conflict),
        ("one token name twice", routes().rename_field("access", "refresh"), Conflict),
        ("own field named like another", routes().rename_field("code", "username"), Conflict),
        (
            "own fields named alike",
            routes().rename_field("code", "pin").rename_field("number", "pin"),
            Conflict,
        ),
        ("no name", routes().rename_field("token", ""), Conflict),
        ("hardly a body", routes().body_limit(255), OutOfRange),
        ("a huge body", routes().body_limit(1024 * 1024 + 1), OutOfRange),
    ];
    for (what, builder, kind) in refused {
        let error = builder.build().err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(error.kind(), kind, "{what}");
    }
    for builder in [
        routes().body_limit(256),
        routes().body_limit(1024 * 1024),
        routes().at(""),
        routes().at("/"),
        routes().at("/A-b_c.d~9/x"),
        // Two that change places.
        routes().rename_field("username", "password").rename_field("password", "username"),
        routes().verify_path("/refresh").refresh_path("/verify"),
    ] {
        let _: axum::Router = builder.build().unwrap().into_router();
    }
}

#[test]
fn debug_shows_no_secret() {
    let setup = Setup::new();
    let builder = TokenRoutes::builder(setup.issuer(), setup.users.clone());
    let mut shown = format!("{builder:?}") + &format!("{:?}", builder.build().unwrap());
    let mut fields = Fields::new(credentials().as_object().cloned().unwrap());
    shown += &format!("{fields:?}");
    shown += &format!("{:?}", UsernamePassword::from_fields(&mut fields).unwrap());
    for secret in [SECRET, PASSWORD, "\"1\""] {
        assert!(!shown.contains(secret), "{shown}");
    }
}
