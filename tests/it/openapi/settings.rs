//! The settings of routes are those of their documents.

use http::Method;
use serde_json::{Map, Value, json};
use tower_jwt_auth::{
    TokenRoutes,
    routes::{RouteError, SessionRoutes},
    token::UserId,
    transport::SessionCookies,
    user::{Authentication, BackendError, Credentials, Fields, User, UserBackend},
};

use crate::support::{
    login::{PASSWORD, Profile, Setup},
    reply::post,
};

use super::{
    document::Document,
    sessions::{self, cookies},
    tokens,
};

fn paths(document: &Document) -> Vec<&str> {
    document.operations().iter().map(|it| it.path).collect()
}

#[tokio::test]
async fn renamed_fields_are_described() {
    let described = tokens::described(|routes| {
        routes
            .rename_field("username", "email")
            .rename_field("access", "token_a")
            .rename_field("step", "stage")
    });
    let login = described.document.operation(&Method::POST, "/api/token/");
    assert_eq!(login.fields(), ["email", "password"]);
    let second = described.document.operation(&Method::POST, "/api/token/second-factor");
    assert_eq!(second.fields(), ["code", "stage"]);
    let body = json!({"email": "1", "password": PASSWORD}).to_string();
    let reply = described.send(&Method::POST, "/api/token/", post("/api/token/", body)).await;
    assert!(reply.json()["token_a"].is_string(), "{reply:?}");
    let reply = described.send(&Method::POST, "/api/token/", post("/api/token/", "{}")).await;
    assert_eq!(reply.status, 400);
}

#[test]
fn moved_paths_are_described() {
    let described = tokens::described(|routes| {
        routes
            .at("/auth")
            .obtain_path("/login")
            .refresh_path("/again")
            .verify_path("/check")
            .blacklist_path("/logout")
            .second_factor_path("/code")
            .password_grant_path("/grant")
            .session_list_at("/my")
    });
    let expected = [
        "/auth/again",
        "/auth/check",
        "/auth/code",
        "/auth/grant",
        "/auth/login",
        "/auth/logout",
        "/my/logout-all",
        "/my/logout-others",
        "/my/sessions",
        "/my/sessions/{session_id}",
        "/my/sessions/{session_id}",
        "/my/ticket",
    ];
    assert_eq!(paths(&described.document), expected);
}

#[test]
fn routes_that_are_off_are_not_described() {
    let setup = Setup::new();
    let issuer = setup.plain_builder().build().unwrap();
    let routes = TokenRoutes::new(issuer, setup.users.clone());
    let document = Document::new(routes.openapi());
    assert_eq!(paths(&document), ["/", "/refresh", "/verify"]);
    let errors = document.operation(&Method::POST, "/").errors();
    assert!(errors.iter().all(|(_, code)| code != "throttled" && code != "second_factor_required"));
}

#[test]
fn a_refresh_returns_a_refresh_token_only_with_rotation() {
    let setup = Setup::new();
    for (issuer, has_refresh) in
        [(setup.issuer(), true), (setup.plain_builder().build().unwrap(), false)]
    {
        let routes = TokenRoutes::new(issuer, setup.users.clone());
        let document = Document::new(routes.openapi());
        let content = &document.json["paths"]["/refresh"]["post"]["responses"]["200"]["content"];
        let members = &content["application/json"]["schema"]["properties"];
        assert_eq!(members["refresh"].is_object(), has_refresh);
    }
}

/// A login with an e-mail address and a code.
struct OneTimeCode;

impl Credentials for OneTimeCode {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required_string("email");
        let code = fields.required_string("pin");
        email.zip(code).map(|_| Self)
    }
}

struct Codes;

impl UserBackend<Profile> for Codes {
    type Credentials = OneTimeCode;

    async fn authenticate(&self, _: OneTimeCode) -> Result<Authentication<Profile>, BackendError> {
        Ok(Authentication::Invalid)
    }

    async fn find(&self, _: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        Ok(None)
    }
}

#[test]
fn the_fields_of_other_credentials_are_described() {
    let routes = TokenRoutes::builder(Setup::new().issuer(), Codes).rename_field("email", "mail");
    let document = Document::new(routes.build().unwrap().openapi());
    assert_eq!(document.operation(&Method::POST, "/").fields(), ["mail", "pin"]);
}

#[test]
fn cookies_have_their_configured_names() {
    let cookies = SessionCookies::builder().access_name("a").refresh_name("r").build().unwrap();
    let described = sessions::described(&cookies, |routes| routes);
    let schemes = &described.document.json["components"]["securitySchemes"];
    assert_eq!(
        schemes["cookie"],
        json!({
            "type": "apiKey", "in": "cookie", "name": "a",
            "description": "The cookie with the access token.",
        })
    );
    assert_eq!(schemes["refresh_cookie"]["name"], "r");
    let refresh = described.document.operation(&Method::POST, "/api/session/refresh");
    assert_eq!(refresh.security(), ["refresh_cookie"]);
    let logout = described.document.operation(&Method::DELETE, "/api/session/");
    assert_eq!(logout.security(), ["refresh_cookie", "bearer", "cookie", ""]);
}

#[tokio::test]
async fn members_of_the_application_may_be_added_to_responses() {
    let extra = |_: &User<Profile>| Map::from_iter([("name".to_owned(), json!("ada"))]);
    let described = tokens::described(|routes| routes.response_extras(extra));
    let body = super::drive::credentials().to_string();
    described.send(&Method::POST, "/api/token/", post("/api/token/", body.clone())).await;
    let described = sessions::described(&cookies(), |routes| routes.describe_user(extra));
    described.send(&Method::POST, "/api/session/", post("/api/session/", body)).await;
}

#[test]
fn bodies_of_other_rejections_are_not_described() {
    let plain = |error: &RouteError| (error.status(), error.detail());
    let tokens = tokens::described(|routes| routes.rejection(plain)).document.json;
    let sessions = sessions::described(&cookies(), |routes| routes.rejection(plain)).document.json;
    for document in [tokens, sessions] {
        assert!(document["components"]["schemas"]["AuthError"].is_null());
        let paths = document["paths"].as_object().unwrap().values();
        for operation in paths.flat_map(|item| item.as_object().unwrap().values()) {
            for (status, response) in operation["responses"].as_object().unwrap() {
                let is_error = status.starts_with(['4', '5']);
                assert!(!is_error || response["content"].is_null(), "{response}");
            }
            let unavailable = &operation["responses"]["503"];
            assert!(unavailable["headers"]["retry-after"].is_object(), "{unavailable}");
        }
    }
}

#[test]
fn session_routes_without_a_store_of_users_describe_the_id() {
    let setup = Setup::new();
    let routes = SessionRoutes::builder(setup.issuer(), setup.users.clone(), &cookies());
    let document: Value = serde_json::to_value(routes.build().unwrap().openapi()).unwrap();
    let user = &document["components"]["schemas"]["SessionUser"];
    assert_eq!(user["required"], json!(["id"]));
}
