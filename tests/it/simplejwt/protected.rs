//! Protected routes, stateless and with a user from the database.

use std::convert::Infallible;

use axum::{Extension, Router, body::Body, routing::get};
use http::{Method, Request, StatusCode};
use serde_json::json;
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, AuthErrorKind, Claims, Issuer, NumericDate, RegisteredClaims, SigningKey,
    guard::RequireLayer,
    jwks::RemoteKeys,
    middleware::InvalidToken,
    simplejwt::{DjangoStore, DjangoUser, Outstanding, SimpleJwtError, SimpleJwtLayer, TokenUser},
    user::User,
};

use crate::support::{
    foreign::ForeignKey,
    keys,
    log::Log,
    mint::NOW,
    provider::{JWKS, Provider},
    reply::Reply,
};

use super::setup::{
    BLACKLIST, HELLO, STATELESS, Site, get_bearer, get_with, log_in, member, post, rotating, send,
    token,
};

const NOT_PROVIDED: &str = r#"{"detail":"Authentication credentials were not provided."}"#;
const MALFORMED_HEADER: &str = r#"{"detail":"Authorization header must contain two space-delimited values","code":"bad_authorization_header"}"#;
const SLIDING_TOO: &str = "rest_framework_simplejwt.tokens.SlidingToken";
const ACCESS: &str = "rest_framework_simplejwt.tokens.AccessToken";

/// The body for a token that none of `classes` accepts.
fn no_class(classes: &[(&str, &str)], message: &str) -> String {
    let messages = classes.iter().map(|(class, token_type)| {
        format!(r#"{{"token_class":"{class}","token_type":"{token_type}","message":"{message}"}}"#)
    });
    let messages = messages.collect::<Vec<_>>().join(",");
    format!(
        r#"{{"detail":"Given token not valid for any token type","code":"token_not_valid","messages":[{messages}]}}"#
    )
}

fn assert_rejected(reply: &Reply, body: &str) {
    assert_eq!((reply.status.as_u16(), &*reply.body), (401, body));
    assert_eq!(reply.header("www-authenticate"), [r#"Bearer realm="api""#]);
    assert_eq!(reply.header("content-type"), ["application/json"]);
}

#[tokio::test]
async fn finds_tokens_in_headers_as_simplejwt_does() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let valid = token("access", &[]);
    let line = |text: &str| text.replace('$', &valid).into_bytes();
    for path in [HELLO, STATELESS] {
        assert_rejected(&get_with(&app, path, &[]).await, NOT_PROVIDED);
        for text in ["", "  ", "bearer $", "BEARER $", "Token $", "JWT $", "$", "Basic a b c"] {
            assert_rejected(&get_with(&app, path, &[&line(text)]).await, NOT_PROVIDED);
        }
        for text in ["Bearer", "Bearer ", "Bearer $ x", "Bearer $ $"] {
            assert_rejected(&get_with(&app, path, &[&line(text)]).await, MALFORMED_HEADER);
        }
        // Django joins several lines.
        assert_rejected(
            &get_with(&app, path, &[&line("Bearer $"), &line("Bearer $")]).await,
            MALFORMED_HEADER,
        );
        for text in ["Bearer $", "  Bearer \t  $  "] {
            let reply = get_with(&app, path, &[&line(text)]).await;
            assert_eq!(reply.status, StatusCode::OK, "{reply:?}");
        }
        let invalid = no_class(&[("AccessToken", "access")], "Token is invalid");
        for bytes in [&b"Bearer x"[..], b"Bearer \xff\xfe", b"Bearer a,b", b"Bearer ...."] {
            assert_rejected(&get_with(&app, path, &[bytes]).await, &invalid);
        }
    }
}

#[tokio::test]
async fn rejects_invalid_tokens_with_simplejwts_messages() {
    let (site, with_app) = (Site::new().await, Site::with_blacklist_app().await);
    let (past, future) = (&*(NOW - 10).to_string(), &*(NOW + 10).to_string());
    let two = json!({ "AUTH_TOKEN_CLASSES": [ACCESS, SLIDING_TOO] });
    let one = vec![("AccessToken", "access")];
    let both = vec![("AccessToken", "access"), ("SlidingToken", "sliding")];
    for (app, classes) in
        [(site.app(&json!({})), &one), (site.app(&two), &both), (with_app.app(&two), &both)]
    {
        for (changes, message) in [
            (&[("exp", past)][..], "Token is expired"),
            (&[("iat", future)], "Token is invalid"),
            (&[("token_type", "\"odd\"")], "Token has wrong type"),
            (&[("token_type", "")], "Token has no type"),
            (&[("jti", "")], "Token has no id"),
            (&[("exp", "")], "Token has no 'exp' claim"),
            (&[("exp", "1e400")], "Token is invalid"),
            // A token that is bound to a key needs a proof, which these routes do not read.
            (
                &[("cnf", r#"{"jkt":"0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}"#)],
                "Token is invalid",
            ),
        ] {
            for path in [HELLO, STATELESS] {
                let reply = get_bearer(&app, path, &token("access", changes)).await;
                assert_rejected(&reply, &no_class(classes, message));
            }
        }
        for path in [HELLO, STATELESS] {
            let reply = get_bearer(&app, path, &token("refresh", &[])).await;
            assert_rejected(&reply, &no_class(classes, "Token has wrong type"));
        }
    }
}

#[tokio::test]
async fn loads_active_users() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let of = |id: &str| token("access", &[("user_id", id)]);
    let not_found = r#"{"detail":"User not found","code":"user_not_found"}"#;
    for id in ["\"99\"", "\"abc\"", "\"1.5\"", "99"] {
        assert_rejected(&get_bearer(&app, HELLO, &of(id)).await, not_found);
    }
    let inactive = r#"{"detail":"User is inactive","code":"user_inactive"}"#;
    assert_rejected(&get_bearer(&app, HELLO, &of("\"2\"")).await, inactive);
    let nobody = r#"{"detail":"Token contained no recognizable user identification","code":"token_not_valid"}"#;
    for path in [HELLO, STATELESS] {
        assert_rejected(&get_bearer(&app, path, &of("")).await, nobody);
    }
    // SimpleJWT wrote integers before 5.5.1.
    for (id, expected) in [("\"1\"", "1"), ("1", "1"), ("\"99\"", "99"), ("\"abc\"", "abc")] {
        let reply = get_bearer(&app, STATELESS, &of(id)).await;
        assert_eq!((reply.status, &*reply.body), (StatusCode::OK, expected));
    }
    for id in ["\"1\"", "1"] {
        assert_eq!(get_bearer(&app, HELLO, &of(id)).await.body, "ada");
    }
    let with_inactive = site.app(&json!({ "CHECK_USER_IS_ACTIVE": false }));
    assert_eq!(get_bearer(&with_inactive, HELLO, &of("2")).await.body, "bob");
}

#[tokio::test]
async fn a_password_change_revokes_tokens() {
    let site = Site::new().await;
    let settings = json!({ "CHECK_REVOKE_TOKEN": true });
    let app = site.app(&settings);
    let tokens = log_in(&app).await;
    let access = member(&tokens, "access");
    assert_eq!(get_bearer(&app, HELLO, &access).await.status, StatusCode::OK);
    let changed = r#"{"detail":"The user's password has been changed.","code":"password_changed"}"#;
    // A token issued before the setting was on.
    assert_rejected(&get_bearer(&app, HELLO, &token("access", &[])).await, changed);

    site.run("UPDATE auth_user SET password = 'pbkdf2_sha256$1000$salt$new' WHERE id = 1").await;
    assert_rejected(&get_bearer(&app, HELLO, &access).await, changed);
    // The stateless layer does not read the database.
    assert_eq!(get_bearer(&app, STATELESS, &access).await.status, StatusCode::OK);
}

/// As in SimpleJWT, the blacklist has no access tokens.
#[tokio::test]
async fn rejects_blacklisted_sliding_tokens() {
    let site = Site::with_blacklist_app().await;
    let mut settings = rotating();
    settings["AUTH_TOKEN_CLASSES"] = json!([ACCESS, SLIDING_TOO]);
    let app = site.app(&settings);
    let (access, sliding) = (token("access", &[]), token("sliding", &[]));
    for path in [HELLO, STATELESS] {
        assert_eq!(get_bearer(&app, path, &access).await.status, StatusCode::OK);
        assert_eq!(get_bearer(&app, path, &sliding).await.status, StatusCode::OK);
    }
    let refresh = json!({ "refresh": token("refresh", &[]) });
    assert_eq!(post(&app, BLACKLIST, &refresh).await.status, StatusCode::OK);
    for path in [HELLO, STATELESS] {
        assert_eq!(get_bearer(&app, path, &access).await.status, StatusCode::OK);
        let reply = get_bearer(&app, path, &sliding).await;
        let body = no_class(&[("AccessToken", "access")], "Token has wrong type");
        let sliding = r#",{"token_class":"SlidingToken","token_type":"sliding","message":"Token is blacklisted"}]}"#;
        assert_rejected(&reply, &(body.strip_suffix("]}").unwrap().to_owned() + sliding));
    }
}

#[tokio::test]
async fn the_blacklist_comes_before_the_token_type() {
    let site = Site::with_blacklist_app().await;
    let app = site.app(&json!({ "AUTH_TOKEN_CLASSES": [SLIDING_TOO] }));
    let refresh = token("refresh", &[]);
    let no_class = |message| no_class(&[("SlidingToken", "sliding")], message);
    assert_rejected(&get_bearer(&app, HELLO, &refresh).await, &no_class("Token has wrong type"));
    let blacklisted = post(&app, BLACKLIST, &json!({ "refresh": refresh })).await;
    assert_eq!(blacklisted.status, StatusCode::OK);
    assert_rejected(&get_bearer(&app, HELLO, &refresh).await, &no_class("Token is blacklisted"));
}

/// SimpleJWT accepts them. But then a logout would not end all access.
#[tokio::test]
async fn blacklisted_tokens_open_no_route_that_accepts_any_type() {
    let site = Site::with_blacklist_app().await;
    let untyped = json!({ "AUTH_TOKEN_CLASSES": ["rest_framework_simplejwt.tokens.UntypedToken"] });
    for (settings, class, token_type) in [
        (untyped, "UntypedToken", "untyped"),
        (json!({ "TOKEN_TYPE_CLAIM": null }), "AccessToken", "access"),
    ] {
        let app = site.app(&settings);
        let jti = json!(class).to_string();
        let refresh = token("refresh", &[("jti", &jti)]);
        for path in [HELLO, STATELESS] {
            assert_eq!(get_bearer(&app, path, &refresh).await.status, StatusCode::OK);
        }
        let blacklisted = post(&app, BLACKLIST, &json!({ "refresh": refresh })).await;
        assert_eq!(blacklisted.status, StatusCode::OK);
        for path in [HELLO, STATELESS] {
            let reply = get_bearer(&app, path, &refresh).await;
            assert_rejected(&reply, &no_class(&[(class, token_type)], "Token is blacklisted"));
        }
    }
}

/// The path of a token whose keys have to be fetched first.
#[tokio::test]
async fn rejects_blacklisted_tokens_after_fetching_their_keys() {
    let site = Site::with_blacklist_app().await;
    let (key, provider) = (ForeignKey::generate("first"), Provider::start());
    provider.publish(&[key.jwk()]);
    let changes = json!({ "aud": null, "token_type": "sliding", "user_id": "1" });
    let sliding = key.token_with("https://django.example", &changes);
    let status = async |path: &str| {
        // These have no keys yet.
        let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http();
        let jwt = site
            .builder(&json!({ "AUTH_TOKEN_CLASSES": [SLIDING_TOO], "ALGORITHM": "ES256" }))
            .keys(keys.clock(&site.clock).build().unwrap())
            .build()
            .unwrap();
        let who = get(async |user: TokenUser| user.id().to_owned());
        let app: Router = Router::new()
            .route(HELLO, who.clone().layer::<_, Infallible>(jwt.layer().unwrap()))
            .route(STATELESS, who.layer::<_, Infallible>(jwt.stateless_layer()));
        get_bearer(&app, path, &sliding).await.status
    };
    for path in [HELLO, STATELESS] {
        assert_eq!(status(path).await, StatusCode::OK);
    }
    let expires_at = NumericDate::from_secs(NOW + 100_000);
    let token = Outstanding { jti: "4c6a8b1f", user_id: Some("1"), expires_at };
    let blacklist = DjangoStore::new(site.users());
    assert!(blacklist.blacklist(&token, site.clock.now()).await.unwrap());
    for path in [HELLO, STATELESS] {
        assert_eq!(status(path).await, StatusCode::UNAUTHORIZED);
    }
    assert_eq!(provider.count(JWKS), 4);
}

#[tokio::test]
async fn accepts_other_schemes_and_headers() {
    let site = Site::new().await;
    let app = site.app(&json!({ "AUTH_HEADER_TYPES": ["JWT", "Bearer"] }));
    let valid = token("access", &[]);
    for scheme in ["JWT", "Bearer"] {
        let reply = get_with(&app, HELLO, &[format!("{scheme} {valid}").as_bytes()]).await;
        assert_eq!(reply.status, StatusCode::OK);
    }
    let reply = get_with(&app, HELLO, &[]).await;
    assert_eq!(reply.header("www-authenticate"), [r#"JWT realm="api""#]);
    let reply = post(&app, "/api/token/verify/", &json!({ "token": "x" })).await;
    assert_eq!(reply.header("www-authenticate"), [r#"JWT realm="api""#]);

    let app = site.app(&json!({ "AUTH_HEADER_NAME": "HTTP_X_AUTH" }));
    let request = |name: &str| {
        let request = Request::get(HELLO).header(name, format!("Bearer {valid}"));
        request.body(axum::body::Body::empty()).unwrap()
    };
    assert_eq!(send(&app, request("x-auth")).await.status, StatusCode::OK);
    assert_rejected(&send(&app, request("authorization")).await, NOT_PROVIDED);
}

#[tokio::test]
async fn authentication_comes_before_the_method() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let request = |token: Option<&str>| {
        let mut request = Request::builder().method(Method::POST).uri(HELLO);
        if let Some(token) = token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        request.body(axum::body::Body::empty()).unwrap()
    };
    assert_rejected(&send(&app, request(None)).await, NOT_PROVIDED);
    let reply = send(&app, request(Some(&token("access", &[])))).await;
    assert_eq!(reply.status, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn authentication_can_be_optional() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({ "AUTH_HEADER_TYPES": "JWT" })).build().unwrap();
    let who = get(async |user: Option<DjangoUser>, token: Option<TokenUser>| {
        assert_eq!(user.is_some(), token.is_some());
        user.map_or("nobody".to_owned(), |user| user.username().to_owned())
    });
    let must = get(async |user: DjangoUser| user.username().to_owned());
    let strict = jwt.layer().unwrap().with_optional(InvalidToken::Reject);
    let lenient = jwt.layer().unwrap().with_optional(InvalidToken::Ignore);
    let app = Router::new()
        .route("/strict", who.clone().layer(strict.clone()))
        .route("/lenient", who.layer(lenient))
        .route("/must", must.layer(strict));
    let valid = format!("JWT {}", token("access", &[]));
    for path in ["/strict", "/lenient"] {
        assert_eq!(get_with(&app, path, &[valid.as_bytes()]).await.body, "ada");
        assert_eq!(get_with(&app, path, &[]).await.body, "nobody");
    }
    for invalid in ["JWT x", "JWT", &format!("JWT {}", token("access", &[("user_id", "2")]))] {
        assert_eq!(get_with(&app, "/strict", &[invalid.as_bytes()]).await.status, 401);
        assert_eq!(get_with(&app, "/lenient", &[invalid.as_bytes()]).await.body, "nobody");
    }
    let reply = get_with(&app, "/must", &[]).await;
    assert_eq!((reply.status.as_u16(), &*reply.body), (401, NOT_PROVIDED));
    assert_eq!(reply.header("www-authenticate"), [r#"JWT realm="api""#]);

    // Without the database the token cannot be verified.
    site.run("ALTER TABLE auth_user RENAME TO away").await;
    for path in ["/strict", "/lenient"] {
        let reply = get_with(&app, path, &[valid.as_bytes()]).await;
        assert_eq!(reply.status, StatusCode::SERVICE_UNAVAILABLE);
    }
}

#[tokio::test]
async fn an_inner_layer_removes_the_user_of_an_outer_layer() {
    let site = Site::new().await;
    let outer = site.builder(&json!({})).build().unwrap();
    let inner = site.builder(&json!({ "AUTH_HEADER_NAME": "HTTP_X_INNER" })).build().unwrap();
    let who = get(async |extensions: http::Extensions| {
        let user = extensions.get::<DjangoUser>().is_some();
        let token = extensions.get::<TokenUser>().is_some();
        format!("{user} {token} {}", extensions.get::<Claims>().is_some())
    });
    let optional = inner.layer().unwrap().with_optional(InvalidToken::Reject);
    let app = Router::new()
        .route("/outer", who.clone().layer(outer.layer().unwrap()))
        .route("/both", who.layer::<_, Infallible>(optional).layer(outer.layer().unwrap()));
    let valid = token("access", &[]);
    assert_eq!(get_bearer(&app, "/outer", &valid).await.body, "true true true");
    assert_eq!(get_bearer(&app, "/both", &valid).await.body, "false false false");
}

/// Otherwise a handler would get one user from the database and another one from the token.
#[tokio::test]
async fn an_inner_stateless_layer_removes_the_outer_user() {
    let site = Site::new().await;
    let outer = site.builder(&json!({})).build().unwrap();
    let inner = site.builder(&json!({ "AUTH_HEADER_NAME": "HTTP_X_INNER" })).build().unwrap();
    let who = get(async |user: TokenUser, extensions: http::Extensions| {
        format!("{} {}", user.id(), extensions.get::<DjangoUser>().is_some())
    });
    let app: Router = Router::new().route(
        "/",
        who.clone().layer::<_, Infallible>(inner.stateless_layer()).layer(outer.layer().unwrap()),
    );
    let request = Request::get("/")
        .header("authorization", format!("Bearer {}", token("access", &[])))
        .header("x-inner", format!("Bearer {}", token("access", &[("user_id", "\"2\"")])))
        .body(Body::empty());
    assert_eq!(send(&app, request.unwrap()).await.body, "2 false");

    // The layer does not vouch for a user that the application has inserted, either.
    let inserted = Extension(site.user("1").await);
    let app: Router = Router::new()
        .route("/", who.layer::<_, Infallible>(outer.stateless_layer()).layer(inserted));
    assert_eq!(get_bearer(&app, "/", &token("access", &[])).await.body, "1 false");
}

/// A scope must be required of the token that was checked last.
#[tokio::test]
async fn generic_readers_get_the_claims_of_the_innermost_layer() {
    let site = Site::new().await;
    let issuer = Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
        .claims::<serde_json::Value>()
        .clock(&site.clock)
        .build()
        .unwrap();
    let user = User::new(9, json!({ "name": "eve" }));
    let outer_token = issuer.login(&user).await.unwrap();
    let jwt = site.builder(&json!({ "AUTH_HEADER_NAME": "HTTP_X_INNER" })).build().unwrap();
    let who = get(async |claims: RegisteredClaims| claims.user_id().to_string());
    let route = |layer: SimpleJwtLayer| {
        let inner = who.clone().layer::<_, Infallible>(layer);
        inner.layer::<_, Infallible>(issuer.layer())
    };
    let app: Router = Router::new()
        .route("/stateless", route(jwt.stateless_layer()))
        .route("/loaded", route(jwt.layer().unwrap()))
        .route("/optional", route(jwt.stateless_layer().with_optional(InvalidToken::Reject)));
    let request = |path: &str, inner: Option<String>| {
        let bearer = format!("Bearer {}", outer_token.access());
        let mut request = Request::get(path).header("authorization", bearer);
        if let Some(inner) = inner {
            request = request.header("x-inner", format!("Bearer {inner}"));
        }
        request.body(Body::empty()).unwrap()
    };
    for path in ["/stateless", "/loaded", "/optional"] {
        let reply = send(&app, request(path, Some(token("access", &[])))).await;
        assert_eq!(reply.body, "1", "{path}");
    }
    let reply = send(&app, request("/optional", None)).await;
    assert_eq!(reply.status, StatusCode::UNAUTHORIZED, "no claims of the outer layer");
}

/// Otherwise a handler could read two users from one request.
#[tokio::test]
async fn layers_of_both_kinds_remove_the_user_of_the_outer_one() {
    let site = Site::new().await;
    let issuer = Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
        .claims::<serde_json::Value>()
        .clock(&site.clock)
        .build()
        .unwrap();
    let user = User::new(9, json!({ "name": "eve" }));
    let of_issuer = issuer.login(&user).await.unwrap();
    let jwt = site.builder(&json!({ "AUTH_HEADER_NAME": "HTTP_X_TOKEN" })).build().unwrap();
    let who = get(async |registered: Option<RegisteredClaims>, extensions: http::Extensions| {
        let registered = registered.map(|claims| claims.user_id().to_string());
        let found = [
            extensions.get::<DjangoUser>().is_some(),
            extensions.get::<TokenUser>().is_some(),
            extensions.get::<Claims>().is_some(),
            extensions.get::<Claims<serde_json::Value>>().is_some(),
        ];
        format!("{} {found:?}", registered.unwrap_or_default())
    });
    let optional = InvalidToken::Reject;
    let anonymous = || jwt.layer().unwrap().with_optional(optional);
    let app: Router = Router::new()
        .route(
            "/issuer",
            who.clone().layer::<_, Infallible>(issuer.layer()).layer(jwt.layer().unwrap()),
        )
        .route(
            "/issuer/optional",
            who.clone()
                .layer::<_, Infallible>(issuer.layer().with_optional(optional))
                .layer(jwt.layer().unwrap()),
        )
        .route(
            "/issuer/after-nobody",
            who.clone().layer::<_, Infallible>(issuer.layer()).layer(anonymous()),
        )
        .route(
            "/django",
            who.clone().layer::<_, Infallible>(jwt.layer().unwrap()).layer(issuer.layer()),
        )
        .route(
            "/django/stateless",
            who.clone().layer::<_, Infallible>(jwt.stateless_layer()).layer(issuer.layer()),
        )
        .route("/django/optional", who.layer::<_, Infallible>(anonymous()).layer(issuer.layer()));
    let send = async |path: &str, has_issuer: bool, has_django: bool| {
        let mut request = Request::get(path);
        if has_issuer {
            request = request.header("authorization", format!("Bearer {}", of_issuer.access()));
        }
        if has_django {
            request = request.header("x-token", format!("Bearer {}", token("access", &[])));
        }
        send(&app, request.body(Body::empty()).unwrap()).await.body
    };
    assert_eq!(send("/issuer", true, true).await, "9 [false, false, false, true]");
    assert_eq!(send("/issuer/optional", false, true).await, " [false, false, false, false]");
    assert_eq!(send("/issuer/after-nobody", true, false).await, "9 [false, false, false, true]");
    assert_eq!(send("/django", true, true).await, "1 [true, true, true, false]");
    assert_eq!(send("/django/stateless", true, true).await, "1 [false, true, true, false]");
    assert_eq!(send("/django/optional", true, false).await, " [false, false, false, false]");
}

/// Otherwise an authenticated request could be taken for an anonymous one.
#[tokio::test]
async fn an_inner_layer_overrides_an_anonymous_outer_layer() {
    let site = Site::new().await;
    let outer = site.builder(&json!({ "AUTH_HEADER_NAME": "HTTP_X_OUTER" })).build().unwrap();
    let optional = outer.layer().unwrap().with_optional(InvalidToken::Reject);
    let inner = site.builder(&json!({})).build().unwrap();
    let who = get(async |user: Result<DjangoUser, SimpleJwtError>| match user {
        Ok(user) => user.username().to_owned(),
        Err(error) => error.status().to_string(),
    });
    let app: Router = Router::new()
        .route("/", who.layer::<_, Infallible>(inner.stateless_layer()).layer(optional));
    let reply = get_bearer(&app, "/", &token("access", &[])).await;
    assert_eq!(reply.body, "500 Internal Server Error", "no layer loads a user for this route");
}

#[tokio::test]
async fn token_users_have_the_claims_of_their_token() {
    let site = Site::new().await;
    let jwt = site.builder(&json!({})).build().unwrap();
    let show = get(async |user: TokenUser, claims: Claims| {
        assert_eq!(claims.user_id(), user.id());
        let level: Option<u8> = user.claim("level");
        let shown = format!("{user:?}");
        assert!(!shown.contains("ada"), "{shown}");
        format!(
            "{} {:?} {} {} {level:?} {:?}",
            user.id(),
            user.username(),
            user.is_staff(),
            user.is_superuser(),
            user.claim::<String>("missing"),
        )
    });
    let staff = RequireLayer::new(|claims: &Claims| claims.json().contains("is_staff"));
    let app = Router::new().route("/", show.clone().layer(jwt.stateless_layer())).merge(
        Router::new().route("/staff", show).route_layer(staff).route_layer(jwt.stateless_layer()),
    );
    let plain = token("access", &[]);
    assert_eq!(get_bearer(&app, "/", &plain).await.body, r#"1 "" false false None None"#);
    assert_eq!(get_bearer(&app, "/staff", &plain).await.status, StatusCode::FORBIDDEN);
    let rich = token(
        "access",
        &[("username", "\"ada\""), ("is_staff", "true"), ("level", "7"), ("scope", "{}")],
    );
    for path in ["/", "/staff"] {
        let reply = get_bearer(&app, path, &rich).await;
        assert_eq!(reply.body, r#"1 "ada" true false Some(7) None"#);
    }
}

#[tokio::test]
async fn rejections_carry_the_error_in_their_extensions() {
    let site = Site::new().await;
    let app = site.app(&json!({}));
    let view = Request::post("/api/token/verify/").header("content-type", "application/json");
    let expired = token("access", &[("exp", "1")]);
    for (request, kind) in [
        (Request::get(HELLO).body(Body::empty()), AuthErrorKind::MissingCredentials),
        (view.body(json!({ "token": expired }).to_string().into()), AuthErrorKind::Expired),
    ] {
        let response = app.clone().oneshot(request.unwrap()).await.unwrap();
        assert_eq!(response.extensions().get::<AuthError>().unwrap().kind(), kind);
    }
}

#[tokio::test]
async fn names_a_missing_layer_in_the_log_and_not_in_the_response() {
    let (log, _guard) = Log::collect();
    let app: Router = Router::new().route("/", get(async |_: DjangoUser| ()));
    let reply = crate::support::reply::send(
        &app,
        Request::get("/").body(axum::body::Body::empty()).unwrap(),
    )
    .await;
    assert_eq!(reply.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(member(&reply, "detail"), "The server is misconfigured.");
    let lines = log.take().join("\n");
    assert!(
        lines.starts_with("ERROR event request rejected: the application is misconfigured"),
        "{lines}"
    );
    assert!(lines.contains("DjangoUser requires a SimpleJwtLayer"));
}
