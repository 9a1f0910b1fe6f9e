//! Fields that are missing or invalid, and renamed fields.

use serde_json::{Value, json};
use tower_jwt_auth::{
    Issuer, TokenRoutes,
    token::UserId,
    user::{Authentication, BackendError, Credentials, Fields, User, UserBackend},
};

use crate::support::{
    login::{Profile, Setup, ada, key, payload},
    reply::post,
};

use super::{app, credentials, post_json, send};

/// The response to a body with these invalid fields.
fn invalid(errors: &Value) -> Value {
    json!({
        "detail": "Some fields are missing or invalid.",
        "code": "invalid_body",
        "errors": errors,
    })
}

#[tokio::test]
async fn the_response_lists_every_invalid_field() {
    let required = "This field is required.";
    let not_null = "This field may not be null.";
    let blank = "This field may not be blank.";
    let not_a_string = "Not a valid string.";
    let no_null = "Null characters are not allowed.";
    let app = app(&Setup::new());
    for (body, errors) in [
        (json!({}), json!({"username": [required], "password": [required]})),
        (json!({"username": "1"}), json!({"password": [required]})),
        (json!({"Username": "1", "password": "p"}), json!({"username": [required]})),
        (
            json!({"username": null, "password": ""}),
            json!({"username": [not_null], "password": [blank]}),
        ),
        (json!({"username": " \t\n", "password": "p"}), json!({"username": [blank]})),
        (
            json!({"username": [], "password": {}}),
            json!({"username": [not_a_string], "password": [not_a_string]}),
        ),
        (json!({"username": true, "password": "p"}), json!({"username": [not_a_string]})),
        (
            json!({"username": "a\0", "password": "\0"}),
            json!({"username": [no_null], "password": [no_null]}),
        ),
    ] {
        let reply = post_json(&app, "/api/token/", &body).await;
        assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)), "{body}");
    }
    for (path, field) in [("refresh", "refresh"), ("verify", "token"), ("blacklist", "refresh")] {
        let path = format!("/api/token/{path}/");
        for (value, problem) in
            [(Value::Null, not_null), (json!("\u{a0}"), blank), (json!(["x"]), not_a_string)]
        {
            let reply = post_json(&app, &path, &json!({field: value})).await;
            assert_eq!(
                (reply.status.as_u16(), reply.json()),
                (400, invalid(&json!({field: [problem]})))
            );
        }
        let reply = post_json(&app, &path, &json!({"other": "x"})).await;
        assert_eq!(
            (reply.status.as_u16(), reply.json()),
            (400, invalid(&json!({field: [required]})))
        );
    }
}

#[tokio::test]
async fn integers_are_read_as_strings_and_other_members_are_ignored() {
    let app = app(&Setup::new());
    let body =
        json!({"username": 1, "password": "analytical engine", "remember": [true, {"a": 1}]});
    assert_eq!(post_json(&app, "/api/token/", &body).await.status, 200);
    assert_eq!(post_json(&app, "/api/token/verify/", &json!({"token": -15})).await.status, 401);
    // Other numbers are rounded, so that several passwords would become one.
    let reply = post_json(&app, "/api/token/verify/", &json!({"token": 1.5})).await;
    assert_eq!(reply.json()["errors"], json!({"token": ["Not a valid string."]}));
}

#[tokio::test]
async fn an_invalid_body_is_not_a_failed_login() {
    let setup = Setup::new();
    let app = app(&setup);
    post_json(&app, "/api/token/", &json!({"username": "1"})).await;
    send(&app, post("/api/token/", "{")).await;
    assert!(setup.events.take().is_empty());
}

#[tokio::test]
async fn fields_can_be_renamed() {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone())
        .at("/api/token")
        .rename_field("username", "surname")
        .rename_field("username", "email")
        .rename_field("access", "access_token")
        .rename_field("refresh", "refresh_token")
        .rename_field("token", "any_token");
    let app = routes.build().unwrap().into_router();
    let reply = post_json(&app, "/api/token/", &credentials()).await;
    let errors = json!({"email": ["This field is required."]});
    assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)));

    let body = json!({"email": "1", "password": "analytical engine"});
    let login = post_json(&app, "/api/token/", &body).await.json();
    assert_eq!(login.as_object().unwrap().len(), 2);
    let body = json!({"refresh_token": login["refresh_token"]});
    let next = post_json(&app, "/api/token/refresh/", &body).await.json();
    assert_eq!(next.as_object().unwrap().len(), 2);
    let body = json!({"any_token": next["access_token"]});
    assert_eq!(post_json(&app, "/api/token/verify/", &body).await.status, 200);
    let body = json!({"refresh_token": next["refresh_token"]});
    assert_eq!(post_json(&app, "/api/token/blacklist/", &body).await.status, 200);
    let body = json!({"refresh": next["refresh_token"]});
    let errors = json!({"refresh_token": ["This field is required."]});
    let reply = post_json(&app, "/api/token/blacklist/", &body).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)));
}

#[tokio::test]
async fn response_extras_cannot_replace_the_tokens() {
    let setup = Setup::new();
    let routes = TokenRoutes::builder(setup.issuer(), setup.users.clone()).at("/api/token");
    let routes = routes.response_extras(|user| {
        let extras = json!({
            "user": {"id": user.id().as_str(), "name": user.claims().username},
            "access": "forged",
            "refresh": null,
        });
        extras.as_object().cloned().unwrap()
    });
    let app = routes.build().unwrap().into_router();
    let body = post_json(&app, "/api/token/", &credentials()).await.json();
    assert_eq!(body["user"], json!({"id": "1", "name": "ada"}));
    assert_eq!(payload(body["access"].as_str().unwrap())["token_type"], "access");
    let refresh = json!({"refresh": body["refresh"]});
    let body = post_json(&app, "/api/token/refresh/", &refresh).await.json();
    assert_eq!(body.get("user"), None);
}

/// Users who log in with a one-time code.
struct ByCode;

struct OneTimeCode {
    email: String,
    code: u64,
}

impl Credentials for OneTimeCode {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let email = fields.required_string("email");
        let code = fields.take("code").and_then(|code| code.as_u64());
        if code.is_none() {
            fields.error("code", "Not a code.");
        }
        Some(Self { email: email?, code: code? })
    }
}

impl UserBackend<Profile> for ByCode {
    type Credentials = OneTimeCode;

    async fn authenticate(
        &self,
        credentials: OneTimeCode,
    ) -> Result<Authentication<Profile>, BackendError> {
        let known = credentials.email == "ada@example.org" && credentials.code == 1843;
        Ok(known.then(ada).into())
    }

    async fn find(&self, _id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        Ok(Some(ada()))
    }
}

#[tokio::test]
async fn a_backend_can_define_its_own_credentials() {
    let issuer = || Issuer::builder(key()).claims::<Profile>().build().unwrap();
    let app = TokenRoutes::new(issuer(), ByCode).into_router();
    let valid = json!({"email": "ada@example.org", "code": 1843});
    assert_eq!(post_json(&app, "/", &valid).await.status, 200);
    let wrong = json!({"email": "ada@example.org", "code": 1844});
    assert_eq!(post_json(&app, "/", &wrong).await.status, 401);
    let reply = post_json(&app, "/", &json!({"code": "1843"})).await;
    let errors = json!({"code": ["Not a code."], "email": ["This field is required."]});
    assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)));

    let renamed = TokenRoutes::builder(issuer(), ByCode).rename_field("code", "pin").build();
    let app = renamed.unwrap().into_router();
    let valid = json!({"email": "ada@example.org", "pin": 1843});
    assert_eq!(post_json(&app, "/", &valid).await.status, 200);
    let reply = post_json(&app, "/", &json!({"email": "ada@example.org", "code": 1843})).await;
    let errors = json!({"pin": ["Not a code."]});
    assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)));
}

#[tokio::test]
async fn field_errors_reject_credentials_that_were_read() {
    struct Picky;
    impl Credentials for Picky {
        fn from_fields(fields: &mut Fields) -> Option<Self> {
            fields.error("captcha", "Try another one.");
            Some(Self)
        }
    }
    struct Anybody;
    impl UserBackend<Profile> for Anybody {
        type Credentials = Picky;

        async fn authenticate(&self, _: Picky) -> Result<Authentication<Profile>, BackendError> {
            Ok(ada().into())
        }

        async fn find(&self, _: &UserId) -> Result<Option<User<Profile>>, BackendError> {
            Ok(Some(ada()))
        }
    }
    let issuer = Issuer::builder(key()).claims::<Profile>().build().unwrap();
    let app = TokenRoutes::new(issuer, Anybody).into_router();
    let reply = post_json(&app, "/", &json!({})).await;
    let errors = json!({"captcha": ["Try another one."]});
    assert_eq!((reply.status.as_u16(), reply.json()), (400, invalid(&errors)));
}
