//! The password grant, as the Authorize button of a page uses it.

use http::Method;
use serde_json::{Value, json};
use tower_jwt_auth::openapi::accept_password_grant;

use crate::support::{
    login::PASSWORD,
    reply::{post, send},
};

use super::{
    drive::{Described, Draft, DraftToken, drive},
    tokens,
};

const PATH: &str = "/api/token/grant";

fn described() -> Described {
    // RFC 6749 fixes the names of the parameters, whatever the fields of the login are called.
    let mut described = tokens::described(|routes| {
        routes.password_grant_path("/grant").rename_field("username", "email")
    });
    let paths = described.document.json["paths"].as_object_mut().unwrap();
    paths.retain(|path, _| path == PATH);
    described
}

fn draft() -> Draft {
    let password = PASSWORD.replace(' ', "+");
    Draft::new(PATH, DraftToken::None).form(&[
        ("grant_type", "password"),
        ("username", "1"),
        ("password", &password),
        ("scope", ""),
    ])
}

#[tokio::test(start_paused = true)]
async fn every_response_of_the_password_grant_is_described() {
    drive(async || described(), async |_: &Described, _: &Method, _: &str, _: &str| draft()).await;
}

#[tokio::test]
async fn the_password_grant_returns_tokens_that_are_accepted() {
    let described = described();
    // Swagger UI sends the credentials of a client without a name.
    let draft = draft().header(http::header::AUTHORIZATION, "Basic Og==");
    let reply = described.send_draft(&Method::POST, PATH, draft).await;
    let body = reply.json();
    assert_eq!((&body["token_type"], &body["expires_in"]), (&json!("Bearer"), &json!(300)));
    for name in ["access_token", "refresh_token"] {
        let body = json!({"token": body[name]});
        let verified = send(&described.app, post("/api/token/verify", body.to_string())).await;
        assert_eq!(verified.status, 200, "{verified:?}");
    }
}

#[tokio::test]
async fn a_second_factor_completes_a_password_grant() {
    let described = described();
    let draft = Draft::new(PATH, DraftToken::None).form(&[
        ("grant_type", "password"),
        ("username", "second"),
        ("password", "any"),
    ]);
    let reply = described.send_draft(&Method::POST, PATH, draft).await;
    assert_eq!(
        (reply.status.as_u16(), reply.json()["error"].clone()),
        (400, json!("second_factor_required"))
    );
    assert!(reply.header("www-authenticate").is_empty(), "{reply:?}");
    let body = json!({"step": reply.json()["step"], "code": super::drive::CODE});
    let reply = send(&described.app, post("/api/token/second-factor", body.to_string())).await;
    assert_eq!(reply.status, 200, "{reply:?}");
}

#[tokio::test]
async fn there_is_no_password_grant_by_default() {
    let described = tokens::described(|routes| routes);
    let schemes = &described.document.json["components"]["securitySchemes"];
    assert!(schemes["bearer"].is_object() && schemes["oauth2"].is_null());
    let reply = send(&described.app, post(PATH, "")).await;
    assert_eq!(reply.status, 404);
}

#[tokio::test]
async fn operations_with_bearer_accept_the_password_grant() {
    let described = tokens::described(|routes| routes.password_grant_path("/grant"));
    let mut document = described.document.openapi;
    accept_password_grant(&mut document);
    accept_password_grant(&mut document);
    let document: Value = serde_json::to_value(document).unwrap();
    let flow = &document["components"]["securitySchemes"]["oauth2"]["flows"]["password"];
    assert_eq!(flow["tokenUrl"], PATH);
    assert_eq!(
        document["paths"]["/api/sessions"]["get"]["security"],
        json!([{"bearer": []}, {"oauth2": []}])
    );
    assert_eq!(document["paths"]["/api/token/"]["post"]["security"], json!([]));
}

#[tokio::test]
async fn a_password_grant_needs_a_path_of_its_own() {
    use crate::support::login::Setup;
    use tower_jwt_auth::{ConfigErrorKind, TokenRoutes};
    let setup = Setup::new();
    for (path, kind) in
        [("/refresh", ConfigErrorKind::Conflict), ("grant", ConfigErrorKind::OutOfRange)]
    {
        let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone());
        let error = routes.password_grant_path(path).build().unwrap_err();
        assert_eq!(error.kind(), kind, "{path}");
    }
}
