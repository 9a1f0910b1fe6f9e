//! Spans and events of `tracing`.

use std::{collections::BTreeSet, time::Duration};

use axum::{
    Router,
    body::{Body, to_bytes},
    routing::get,
};
use http::{Request, header::CONTENT_TYPE};
use serde_json::{Value, json};
use tower::ServiceExt;
use tower_jwt_auth::{
    AuthError, Claims, Issuer, JwtAuthLayer, MemoryStore, SigningKey, TokenRoutes,
    guard::RequireLayer, middleware::InvalidToken, transport::TokenSource,
};

use crate::support::{
    app::{bearer, layer, request, send_once, token, with_authorization},
    log::Log,
    mint::{Minter, claims, clock},
    slow_store::{SlowStore, Verdict},
};

use super::{
    ADA, BOB, Named, Outcome, PASSWORD, Person, assert_silent, issuer_builder, secret_strings,
    strings_of, users,
};

const REASON: &str = "postgres://user:hunter2@db";

#[tokio::test]
async fn each_outcome_logs_one_event() {
    let (log, _guard) = Log::collect();
    let valid = || bearer(&token(&[]));
    let with_store = |verdict| layer().with_revocation_check(SlowStore::released(verdict));
    let optional = || layer().with_optional(InvalidToken::Ignore);
    const REJECTED: &str = "@tower_jwt_auth::rejection::record";
    const LAYER: &str = "@tower_jwt_auth::middleware::config";
    const LOOKUP: &str = "TRACE span token_revocation_lookup @tower_jwt_auth::check";
    let accepted = format!("TRACE event token accepted {LAYER}");
    let rejected = |kind: &str| format!("DEBUG event request rejected kind={kind} {REJECTED}");
    let anonymous =
        |kind: &str| format!("DEBUG event request passed on without claims kind={kind} {REJECTED}");
    let cases = [
        (layer(), valid(), vec![accepted.clone()]),
        (layer(), request(), vec![rejected("MissingCredentials")]),
        (layer(), with_authorization(&["Bearer"]), vec![rejected("InvalidRequest")]),
        (layer(), bearer("x"), vec![rejected("Malformed")]),
        (optional(), request(), vec![anonymous("MissingCredentials")]),
        (optional(), bearer("x"), vec![anonymous("Malformed")]),
        (layer().with_revocation_check(MemoryStore::new()), valid(), vec![accepted.clone()]),
        (with_store(Verdict::NotRevoked), valid(), vec![LOOKUP.to_owned(), accepted]),
        (with_store(Verdict::Revoked), valid(), vec![LOOKUP.to_owned(), rejected("Revoked")]),
        (
            layer(),
            bearer(&token(&[("exp", "1")])),
            vec![rejected(r#"Expired member="exp" rule="not in the past" setting="leeway""#)],
        ),
        (
            layer(),
            bearer(&token(&[("token_type", r#""refresh""#)])),
            vec![rejected(
                r#"WrongTokenType member="token_type" rule="expected access" setting="token_types""#,
            )],
        ),
        (
            layer(),
            bearer(&Minter::hs256().mint(r#"{"alg":"HS512","kid":"x\ny"}"#, claims(&[]))),
            vec![rejected(
                r#"UnknownKey member="alg" rule="expected the algorithm of a trusted key" kid="x\\ny" keys=1"#,
            )],
        ),
        (
            with_store(Verdict::Fails(REASON)),
            valid(),
            vec![
                LOOKUP.to_owned(),
                format!(
                    "WARN event request rejected: a required service is unavailable kind=Unavailable \
                     cause=the token store is unavailable: postgres://[redacted]@db {REJECTED}"
                ),
            ],
        ),
    ];
    for (layer, request, expected) in cases {
        let _ = send_once(&layer, request).await;
        assert_eq!(log.take(), expected);
    }

    let failing = SlowStore::released(Verdict::Fails(REASON));
    let second = Duration::from_secs(1);
    let insecure = layer().with_insecure_fail_open_revocation_check(failing, second).unwrap();
    let _ = send_once(&insecure, valid()).await;
    let lines = log.take();
    assert!(
        lines[1].starts_with("WARN event token accepted without a revocation check"),
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
    assert_silent(&lines.join(" "), [REASON]);

    let guard = RequireLayer::new(|_: &Claims<Named>| true);
    let _ = send_once(&guard, request()).await;
    let lines = log.take();
    assert_eq!(lines.len(), 1);
    assert!(
        lines[0].starts_with("ERROR event request rejected: the application is misconfigured"),
        "{lines:?}"
    );
    assert!(lines[0].contains("requires a JwtAuthLayer"), "{lines:?}");
}

/// Sends requests of every kind to a small application, as `person`. Returns the secrets in them.
async fn send_all_requests(person: Person) -> Result<Vec<String>, Box<dyn std::error::Error>> {
    let store = MemoryStore::new();
    let issuer = issuer_builder(store.clone()).build()?;
    let auth = || JwtAuthLayer::new(issuer.verifier()).with_revocation_check(store.clone());
    let routes = TokenRoutes::builder(issuer.clone(), users().await?).at("/token").build()?;
    let handler = async |claims: Claims<Named>| -> Result<String, AuthError> {
        claims.require(|claims| claims.nickname.len() > 3)?;
        claims.require_scope("another-scope")?;
        Ok(claims.nickname.clone())
    };
    let waiting = SlowStore::released(Verdict::NotRevoked);
    let failing = SlowStore::released(Verdict::Fails(REASON));
    let never = RequireLayer::new(|_: &Claims<Named>| false);
    let app = Router::new()
        .route("/memory", get(handler).layer(auth()))
        .route("/waiting", get(handler).layer(auth().with_revocation_check(waiting)))
        .route("/failing", get(handler).layer(auth().with_revocation_check(failing)))
        .route("/optional", get(handler).layer(auth().with_optional(InvalidToken::Ignore)))
        .route("/cookie", get(handler).layer(auth().with_source(TokenSource::cookie("access")?)))
        .route("/guarded", get(handler).layer((auth(), never)))
        .route("/without", get(handler))
        .merge(routes.into_router());

    let post = async |path: &str, body: Value| -> Result<Value, Box<dyn std::error::Error>> {
        let request = Request::post(path)
            .header(CONTENT_TYPE, "application/json")
            .body(Body::from(body.to_string()))?;
        let response = app.clone().oneshot(request).await?;
        Ok(serde_json::from_slice(&to_bytes(response.into_body(), 16_384).await?)?)
    };
    let string = |body: &Value, name: &str| body[name].as_str().unwrap_or_default().to_owned();

    for password in ["wrong", ""] {
        post("/token/", json!({ "username": person.login, "password": password })).await?;
    }
    post("/token/", json!({ "username": "nobody", "password": PASSWORD })).await?;
    let first = post("/token/", json!({ "username": person.login, "password": PASSWORD })).await?;
    let access = string(&first, "access");
    let refresh = string(&first, "refresh");
    assert!(access.len() > 100 && refresh.len() > 100, "{first}");
    post("/token/verify", json!({ "token": access })).await?;
    post("/token/verify", json!({ "token": "x" })).await?;
    let forger =
        SigningKey::hs256("another secret, which only a forger has, of sufficient length")?;
    let forger = Issuer::builder(forger).claims::<Named>().clock(clock()).build()?;
    let forged = forger.login(&person.user()).await?.access().to_owned();

    for path in ["/memory", "/waiting", "/failing", "/optional", "/cookie", "/guarded", "/without"]
    {
        let headers = [
            ("authorization", format!("Bearer {access}")),
            ("authorization", format!("Bearer {refresh}")),
            ("authorization", format!("Bearer {forged}")),
            ("authorization", format!("Bearer {access} {access}")),
            ("authorization", format!("Basic {access}")),
            ("cookie", format!("access={access}")),
            ("cookie", format!("access={access}; access={refresh}")),
            ("x-other", access.clone()),
        ];
        for (name, value) in headers {
            let request = Request::get(path).header(name, value).body(Body::empty())?;
            app.clone().oneshot(request).await?;
        }
    }

    // Rotation, reuse and logout.
    let second = post("/token/refresh", json!({ "refresh": refresh })).await?;
    let again = post("/token/refresh", json!({ "refresh": refresh })).await?;
    assert_eq!(again["code"], "token_revoked");
    post("/token/refresh", json!({ "refresh": string(&second, "refresh") })).await?;
    post("/token/blacklist", json!({ "refresh": string(&second, "refresh") })).await?;
    let request = Request::get("/memory").header("authorization", format!("Bearer {access}"));
    app.clone().oneshot(request.body(Body::empty())?).await?;

    let tokens = [access, refresh, forged, string(&second, "access"), string(&second, "refresh")];
    Ok(tokens.iter().flat_map(|token| strings_of(token)).collect())
}

#[tokio::test]
async fn logs_contain_nothing_from_a_request() -> Outcome {
    let (log, _guard) = Log::collect();
    let mut lines_of = Vec::new();
    for person in [ADA, BOB] {
        let tokens = send_all_requests(person).await?;
        let lines = log.take();
        let output = lines.join("\n");
        assert_silent(&output, tokens);
        assert_silent(&output, secret_strings());
        assert_silent(&output, person.strings());
        assert_silent(&output, [PASSWORD, REASON, "hunter2", "another-scope"]);
        lines_of.push(lines.into_iter().collect::<BTreeSet<_>>());
    }
    // The lines are few, and the same for each person.
    assert_eq!(lines_of[0], lines_of[1]);
    let own: Vec<_> = lines_of[0].iter().filter(|line| line.contains("@tower_jwt_auth")).collect();
    assert!(own.len() < 25, "{own:#?}");
    // The requests caused errors of all these kinds.
    for kind in [
        "InvalidSignature",
        "Forbidden",
        "InsufficientScope",
        "InvalidCredentials",
        "InvalidRequest",
        "MissingCredentials",
        "Reused",
        "Revoked",
        "Unavailable",
        "WrongTokenType",
    ] {
        assert!(own.iter().any(|line| line.contains(&format!("kind={kind} "))), "{kind}: {own:#?}");
    }
    Ok(())
}
