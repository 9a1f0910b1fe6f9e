//! Sign-up that reveals which names are taken.

use std::collections::BTreeMap;

use axum::Router;
use futures::future::join_all;
use http::{Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower_jwt_auth::accounts::AccountRoutes;
use tower_jwt_auth::{
    mail::MessageKind,
    password::{PasswordProblem, PasswordRules},
    store::MemoryStore,
    throttle::Throttle,
    user::{AccountBackend, ExtraColumn, ExtraColumns, ExtraValues, SqlUsers},
};

use crate::{
    support::reply::{Reply, post, send},
    users::database::{Database, hasher, on_both_databases},
};

use super::setup::{PASSWORD, Setup, VERIFY_LINK, call, errors, log_in, new_user, sign_up};

const USERNAME_TAKEN: &str = "A user with that username already exists.";
const EMAIL_TAKEN: &str = "A user with that email address already exists.";

on_both_databases! {
    a_user_signs_up_and_verifies_the_address
    all_problems_are_reported_at_once
    passwords_are_compared_with_the_names
    rules_see_no_overlong_names
    one_of_many_concurrent_sign_ups_with_a_name_wins
    a_username_must_not_be_the_email_of_another_account
    tokens_are_returned_on_request_if_allowed
    unverified_users_get_no_tokens_if_the_backend_rejects_them
    columns_of_the_application_are_read_from_the_body
    names_can_be_optional
    a_throttle_limits_sign_ups
}

async fn a_user_signs_up_and_verifies_the_address(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    let reply = call(&app, "/users/", &new_user("Ada")).await;
    assert_eq!(reply.status, 201, "{reply:?}");
    let ada = setup.account("ada").await;
    let expected = json!({"id": ada.id(), "username": "Ada", "email": "Ada@example.com"});
    assert_eq!(reply.json(), expected);
    assert_eq!(reply.header("cache-control"), ["no-store"]);
    assert!(reply.header("set-cookie").is_empty());
    assert!(!ada.is_verified());

    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.to()), (MessageKind::VerifyEmail, "Ada@example.com"));
    let token = mail.token().unwrap();
    assert_eq!(mail.link().unwrap(), VERIFY_LINK.replace("{token}", token));
    let verified = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!((verified.status.as_u16(), &*verified.body), (204, ""));
    assert!(setup.account("ada").await.is_verified());
    let again = call(&app, "/users/verify", &json!({ "token": token })).await;
    assert_eq!((again.status.as_u16(), &again.json()["code"]), (400, &json!("invalid_token")));
    assert_eq!(log_in(&app, "ADA", PASSWORD).await.status, 200);
}

async fn all_problems_are_reported_at_once(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let required = json!(["This field is required."]);
    let missing = errors(&call(&app, "/users/", &json!({})).await);
    let expected = json!({"username": required, "email": required, "password": required});
    assert_eq!(missing, expected);

    let body = json!({"username": "ADA", "email": "ada", "password": "letmein"});
    let found = errors(&call(&app, "/users/", &body).await);
    let expected = json!({
        "username": [USERNAME_TAKEN],
        "email": ["Enter a valid email address."],
        "password": [
            "This password is too short. It must contain at least 15 characters.",
            "This password is too common.",
        ],
    });
    assert_eq!(found, expected);

    let body = json!({"username": "ada\u{200b}", "email": "ADA@EXAMPLE.COM", "password": PASSWORD});
    let found = errors(&call(&app, "/users/", &body).await);
    let expected = json!({"username": ["Enter a valid username."], "email": [EMAIL_TAKEN]});
    assert_eq!(found, expected);

    let too_long = "This value is too long.";
    for (name, length, problem) in [
        ("username", 151, too_long),
        ("username", 5_000, too_long),
        ("email", 5_000, too_long),
        ("password", 129, "This password is too long. It must contain at most 128 characters."),
    ] {
        let mut body = new_user("eve");
        body[name] = json!("é".repeat(length));
        assert_eq!(errors(&call(&app, "/users/", &body).await), json!({ name: [problem] }));
    }
    for (name, value, problem) in [
        ("username", json!([]), "Not a valid string."),
        ("username", json!("a\0"), "Null characters are not allowed."),
        ("email", Value::Null, "This field may not be null."),
        ("password", json!("   "), "This field may not be blank."),
        ("tokens", json!("yes"), "Must be a valid boolean."),
    ] {
        let mut body = new_user("eve");
        body[name] = value;
        assert_eq!(errors(&call(&app, "/users/", &body).await), json!({ name: [problem] }));
    }
    assert!(setup.users.account_by_username("eve").await.unwrap().is_none());
}

async fn passwords_are_compared_with_the_names(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    for (password, attribute) in
        [("lovelace-lovelace", "username"), ("engine-engine-1843", "email address")]
    {
        let body =
            json!({"username": "lovelace", "email": "engine@example.com", "password": password});
        let message = format!("The password is too similar to the {attribute}.");
        let found = errors(&call(&app, "/users/", &body).await);
        assert_eq!(found, json!({ "password": [message] }));
    }
}

async fn rules_see_no_overlong_names(database: Database) {
    let setup = Setup::new(database);
    let rules = PasswordRules::builder().rule(|_, user| {
        let names = [user.username(), user.email()].into_iter().flatten();
        let problem = PasswordProblem::new("seen", "The rule saw a long name.");
        names.into_iter().any(|name| name.chars().count() > 254).then_some(problem)
    });
    let app = setup.app_with(setup.routes().password_rules(rules.build().unwrap()));
    for name in ["username", "email"] {
        let mut body = new_user("ada");
        body[name] = json!("é".repeat(255));
        let found = errors(&call(&app, "/users/", &body).await);
        assert_eq!(found, json!({ name: ["This value is too long."] }));
    }
}

async fn one_of_many_concurrent_sign_ups_with_a_name_wins(database: Database) {
    let setup = Setup::new(database);
    // The other process has connections of its own.
    let other = setup.reconnected();
    let apps = [setup.app(), other.app()];
    setup.users.migrate().await.unwrap();
    let sign_ups = (0..100).map(|number| {
        let mut body = new_user(&format!("user{number}"));
        // Half of them want the same name, and half the same address, in some spelling.
        let name = if number % 4 < 2 { "ADA" } else { "ada" };
        body[if number % 2 == 0 { "username" } else { "email" }] =
            json!(if number % 2 == 0 { name.to_owned() } else { format!("{name}@example.com") });
        let app = apps[number % 4 / 2].clone();
        async move { call(&app, "/users/", &body).await }
    });
    let replies = join_all(sign_ups).await;
    let mut outcomes = BTreeMap::new();
    for (number, reply) in replies.iter().enumerate() {
        *outcomes.entry((number % 2, reply.status.as_u16())).or_insert(0) += 1;
        if reply.status != 201 {
            let (field, message) =
                if number % 2 == 0 { ("username", USERNAME_TAKEN) } else { ("email", EMAIL_TAKEN) };
            assert_eq!(errors(reply), json!({ field: [message] }));
        }
    }
    let expected = BTreeMap::from([((0, 201), 1), ((0, 400), 49), ((1, 201), 1), ((1, 400), 49)]);
    assert_eq!(outcomes, expected);
    // Each winner gets a mail, and nobody else does.
    let mut names = [setup.outbox.next().await, setup.outbox.next().await];
    names.sort_by_key(|mail| mail.to().to_lowercase() == "ada@example.com");
    assert_ne!(names[0].to().to_lowercase(), "ada@example.com");
    assert_eq!(names[1].to().to_lowercase(), "ada@example.com");
    sign_up(&setup, &apps[0], "last").await;
}

async fn a_username_must_not_be_the_email_of_another_account(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app();
    sign_up(&setup, &app, "ada").await;
    let body =
        json!({"username": "Ada@Example.com", "email": "e@example.com", "password": PASSWORD});
    let found = errors(&call(&app, "/users/", &body).await);
    assert_eq!(found, json!({ "username": [USERNAME_TAKEN] }));

    let body =
        json!({"username": "bob@example.com", "email": "b@example.com", "password": PASSWORD});
    assert_eq!(call(&app, "/users/", &body).await.status, 201);
    let found = errors(&call(&app, "/users/", &new_user("bob")).await);
    assert_eq!(found, json!({ "email": [EMAIL_TAKEN] }));
}

async fn tokens_are_returned_on_request_if_allowed(database: Database) {
    let setup = Setup::new(database);
    let with_tokens = |name| {
        let mut body = new_user(name);
        body["tokens"] = json!(true);
        body
    };
    let members = |reply: &Reply| {
        assert_eq!(reply.status, 201, "{reply:?}");
        reply.json().as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let described = ["email", "id", "username"];
    let refused = call(&setup.app(), "/users/", &with_tokens("ada")).await;
    assert_eq!(members(&refused), described);

    let app = setup.app_with(setup.routes().tokens_at_sign_up(true));
    let without = call(&app, "/users/", &new_user("bob")).await;
    assert_eq!(members(&without), described);
    let reply = call(&app, "/users/", &with_tokens("eve")).await;
    assert_eq!(members(&reply), ["access", "email", "id", "refresh", "username"]);
    let body = reply.json();
    let claims = setup.issuer.verify(body["access"].as_str().unwrap()).await.unwrap();
    assert_eq!(claims.user_id(), setup.account("eve").await.id());
    let refreshed = json!({ "refresh": body["refresh"] });
    assert_eq!(call(&app, "/token/refresh", &refreshed).await.status, 200);
}

async fn unverified_users_get_no_tokens_if_the_backend_rejects_them(database: Database) {
    let setup = Setup::new(database);
    let users = SqlUsers::builder(setup.database.connect(), hasher()).require_verified_email(true);
    let setup = Setup { users: users.build().unwrap(), ..setup };
    let app = setup.app_with(setup.routes().tokens_at_sign_up(true));
    let mut body = new_user("ada");
    body["tokens"] = json!(true);
    let reply = call(&app, "/users/", &body).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["access"]), (201, &Value::Null));
    // The same as with a wrong password.
    let [unverified, wrong] =
        [log_in(&app, "ada", PASSWORD).await, log_in(&app, "ada", "another password").await];
    assert_eq!((unverified.status.as_u16(), &unverified.body), (401, &wrong.body));
}

#[derive(Clone, Default)]
struct Member {
    display_name: String,
    plan: Option<i64>,
}

impl ExtraColumns for Member {
    const COLUMNS: &'static [ExtraColumn] =
        &[ExtraColumn::text("display_name"), ExtraColumn::integer("plan")];

    fn read(values: &ExtraValues) -> Self {
        Self {
            display_name: values.text("display_name").unwrap_or_default().to_owned(),
            plan: values.integer("plan"),
        }
    }

    fn write(&self, values: &mut ExtraValues) {
        values.set_text("display_name", &*self.display_name);
        values.set_integer("plan", self.plan);
    }
}

async fn columns_of_the_application_are_read_from_the_body(database: Database) {
    let setup = Setup::new(database);
    let builder = SqlUsers::builder_with_columns::<Member>(setup.database.connect(), hasher());
    let users = builder.build().unwrap();
    let routes = || {
        AccountRoutes::builder(setup.issuer.clone(), users.clone(), setup.outbox.clone()).at("/api")
    };
    let app: Router = routes()
        .sign_up_fields(|fields| {
            let display_name = fields.required_string("display_name");
            let plan = match fields.take("plan") {
                None => Some(None),
                Some(plan) if plan.is_i64() => Some(plan.as_i64()),
                Some(_) => {
                    fields.error("plan", "A valid integer is required.");
                    None
                }
            };
            Some(Member { display_name: display_name?, plan: plan? })
        })
        .describe_user(|account| {
            let mut members = serde_json::Map::new();
            members.insert("name".to_owned(), json!(account.extra().display_name));
            members
        })
        .build()
        .unwrap()
        .into_router();
    let mut body = new_user("ada");
    body["plan"] = json!("gold");
    body["password"] = json!("letmein");
    let found = errors(&call(&app, "/users", &body).await);
    assert_eq!(found["display_name"], json!(["This field is required."]));
    assert_eq!(found["plan"], json!(["A valid integer is required."]));
    assert!(found["password"].is_array());

    let mut body = new_user("ada");
    body["display_name"] = json!("Countess");
    body["plan"] = json!(7);
    let reply = call(&app, "/users", &body).await;
    assert_eq!((reply.status.as_u16(), reply.json()), (201, json!({ "name": "Countess" })));
    let ada = users.account_by_username("ada").await.unwrap().unwrap();
    assert_eq!((&*ada.extra().display_name, ada.extra().plan), ("Countess", Some(7)));

    // Without a function, they have their default values.
    let app: Router = routes().build().unwrap().into_router();
    let mut body = new_user("bob");
    body["plan"] = json!(7);
    assert_eq!(call(&app, "/users", &body).await.status, 201);
    let bob = users.account_by_username("bob").await.unwrap().unwrap();
    assert_eq!(bob.extra().plan, None);
}

async fn names_can_be_optional(database: Database) {
    let setup = Setup::new(database);
    let app = setup.app_with(setup.routes().require_username(false));
    let body = json!({"email": "ada@example.com", "password": PASSWORD});
    let reply = call(&app, "/users/", &body).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["username"]), (201, &Value::Null));
    let mail = setup.outbox.next().await;
    assert_eq!((mail.kind(), mail.username()), (MessageKind::VerifyEmail, None));

    let app = setup.app_with(setup.routes().require_email(false));
    let body = json!({"username": "bob", "email": null, "password": PASSWORD});
    let reply = call(&app, "/users/", &body).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["email"]), (201, &Value::Null));
    let body = json!({"email": "c@example.com", "password": PASSWORD});
    let found = errors(&call(&app, "/users/", &body).await);
    assert_eq!(found, json!({"username": ["This field is required."]}));
    // The account without an address has sent no mail.
    sign_up(&setup, &app, "last").await;
}

async fn a_throttle_limits_sign_ups(database: Database) {
    let setup = Setup::new(database);
    let throttle = Throttle::builder(MemoryStore::new()).without_addresses().clock(&setup.clock);
    let throttle = throttle.namespace("sign-up").build().unwrap();
    let app = setup.app_with(setup.routes().sign_up_throttle(throttle));
    // A request that lacks fields asks nothing about accounts.
    for _ in 0..20 {
        errors(&call(&app, "/users/", &json!({"password": "x"})).await);
    }
    let mut body = new_user("ada");
    body["username"] = json!("ada\u{200b}");
    for _ in 0..10 {
        errors(&call(&app, "/users/", &body).await);
    }
    let reply = call(&app, "/users/", &new_user("ada")).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, vec!["30"]));
    assert_eq!(reply.json()["code"], "throttled");
    assert!(setup.users.account_by_username("ada").await.unwrap().is_none());
    sign_up(&setup, &app, "bob").await;
}

#[tokio::test]
async fn bodies_must_be_json_objects_within_the_limit() {
    let setup = Setup::new(Database::file());
    let app = setup.app_with(setup.routes().body_limit(1_000));
    let form =
        Request::post("/api/users").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let duplicate = r#"{"username":"a","email":"a@b","password":"x","password":"y"}"#;
    for (request, status, code) in [
        (form.body("username=ada".into()).unwrap(), 415, "unsupported_media_type"),
        (post("/api/users", " ".repeat(1_001)), 413, "body_too_large"),
        (post("/api/users", "[]"), 400, "invalid_body"),
        (post("/api/users", duplicate), 400, "invalid_body"),
        (Request::get("/api/users").body("".into()).unwrap(), 405, "method_not_allowed"),
    ] {
        let reply = send(&app, request).await;
        assert_eq!((reply.status.as_u16(), &reply.json()["code"]), (status, &json!(code)));
    }
}
