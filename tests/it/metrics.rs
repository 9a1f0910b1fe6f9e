//! What is counted and measured, with which names and labels.

use std::{collections::BTreeMap, error::Error, time::Duration};

use tower_jwt_auth::{
    AuthErrorKind, Issuer, JwtAuthLayer, MemoryStore, SigningKey,
    jwks::RemoteKeys,
    middleware::InvalidToken,
    password::{MemoryUsers, PasswordHasher},
    token::NoClaims,
    user::User,
};

use crate::support::{
    app::{bearer, layer, request, send_once, token, valid_token, verifier_builder},
    foreign::ForeignKey,
    keys,
    provider::{JWKS, Provider, Response},
    recorded::Recorded,
    slow_store::{SlowStore, Verdict},
};

type Outcome = Result<(), Box<dyn Error>>;

#[track_caller]
fn assert_recorded(recorded: &Recorded, expected: &[(&str, f64)]) {
    let expected: BTreeMap<_, _> =
        expected.iter().map(|(name, value)| ((*name).to_owned(), *value)).collect();
    assert_eq!(recorded.take(), expected);
}

#[tokio::test]
async fn counts_accepted_and_rejected_tokens() {
    let recorded = Recorded::start();
    let (valid, layer) = (valid_token(), layer());
    for token in [&*valid, &*valid, "x", &*token(&[("exp", "1")]), &*token(&[("jti", "7")])] {
        let _ = send_once(&layer, bearer(token)).await;
    }
    let _ = send_once(&layer, request()).await;
    let _ = send_once(&layer, request()).await;
    assert_recorded(
        &recorded,
        &[
            ("jwt_auth_accepted_tokens_total", 2.0),
            // The token `x` is not looked up: no key can be selected for it.
            (r#"jwt_auth_cache_lookups_total{result="hit"}"#, 1.0),
            (r#"jwt_auth_cache_lookups_total{result="miss"}"#, 3.0),
            (r#"jwt_auth_rejections_total{kind="expired"}"#, 1.0),
            (r#"jwt_auth_rejections_total{kind="invalid_claims"}"#, 1.0),
            (r#"jwt_auth_rejections_total{kind="malformed"}"#, 1.0),
            (r#"jwt_auth_rejections_total{kind="missing_credentials"}"#, 2.0),
        ],
    );
    let optional = layer.with_optional(InvalidToken::Ignore);
    let _ = send_once(&optional, request()).await;
    let _ = send_once(&optional, bearer("x")).await;
    assert_recorded(&recorded, &[("jwt_auth_ignored_tokens_total", 1.0)]);
}

#[tokio::test]
async fn measures_store_calls() {
    let recorded = Recorded::start();
    for (verdict, outcome) in [
        (Verdict::NotRevoked, Ok("42")),
        (Verdict::Revoked, Err(AuthErrorKind::Revoked)),
        (Verdict::Fails("down"), Err(AuthErrorKind::Unavailable)),
    ] {
        let verifier = verifier_builder::<NoClaims>().cache(0).build().unwrap();
        let layer = JwtAuthLayer::new(verifier).with_revocation_check(SlowStore::released(verdict));
        assert_eq!(send_once(&layer, bearer(&valid_token())).await.outcome(), outcome);
    }
    assert_recorded(
        &recorded,
        &[
            ("jwt_auth_accepted_tokens_total", 1.0),
            (r#"jwt_auth_rejections_total{kind="revoked"}"#, 1.0),
            (r#"jwt_auth_rejections_total{kind="unavailable"}"#, 1.0),
            (r#"jwt_auth_store_call_seconds{call="is_revoked",outcome="ok"}"#, 2.0),
            (r#"jwt_auth_store_call_seconds{call="is_revoked",outcome="unavailable"}"#, 1.0),
        ],
    );
}

#[tokio::test]
async fn counts_logins_refreshes_and_revocations() -> Outcome {
    let recorded = Recorded::start();
    let builder = || {
        Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
            .claims::<NoClaims>()
            .store(MemoryStore::new())
    };
    let users = MemoryUsers::new(PasswordHasher::builder().memory_kib(1024).iterations(1).build()?);
    users.insert("ada", "a password of ada", User::new(1, NoClaims::default())).await?;
    let ada = User::new(1, NoClaims::default());

    let issuer = builder().rotate_refresh_tokens(true).build()?;
    let first = issuer.login(&ada).await?;
    let refresh = first.refresh().unwrap_or_default();
    issuer.refresh(refresh, &users).await?;
    issuer.refresh(refresh, &users).await?;
    issuer.revoke_user(&1.into()).await?;
    let strict = builder().rotate_refresh_tokens(true).reuse_grace(Duration::ZERO).build()?;
    let first = strict.login(&ada).await?;
    let refresh = first.refresh().unwrap_or_default();
    strict.refresh(refresh, &users).await?;
    assert!(strict.refresh(refresh, &users).await.is_err());
    let all = recorded.take();
    let count = |name: &str| all.get(name).copied().unwrap_or_default();
    for (name, expected) in [
        (r#"jwt_auth_logins_total{outcome="succeeded"}"#, 2.0),
        (r#"jwt_auth_refreshes_total{outcome="rotated"}"#, 2.0),
        (r#"jwt_auth_refreshes_total{outcome="replayed"}"#, 1.0),
        (r#"jwt_auth_refreshes_total{outcome="reused"}"#, 1.0),
        (r#"jwt_auth_revocations_total{revoked="user"}"#, 1.0),
        (r#"jwt_auth_store_call_seconds{call="begin",outcome="ok"}"#, 2.0),
        (r#"jwt_auth_store_call_seconds{call="spend",outcome="ok"}"#, 4.0),
        (r#"jwt_auth_store_call_seconds{call="revoke",outcome="ok"}"#, 1.0),
    ] {
        assert_eq!(count(name), expected, "{name}: {all:#?}");
    }

    let renewing = builder().build()?;
    let tokens = renewing.login(&ada).await?;
    renewing.refresh(tokens.refresh().unwrap_or_default(), &users).await?;
    assert_eq!(recorded.take()[r#"jwt_auth_refreshes_total{outcome="renewed"}"#], 1.0);
    Ok(())
}

#[tokio::test]
async fn measures_introspections_by_outcome() -> Outcome {
    use tower_jwt_auth::introspection::{ClientAuth, Introspection};

    let (recorded, provider) = (Recorded::start(), Provider::start());
    let auth = ClientAuth::basic("api", "secret");
    let introspection = Introspection::builder(provider.url("/introspect"), auth);
    let introspection = introspection.insecure_loopback_http().build()?;
    for (token, response) in [
        ("one", Response::text(r#"{"active":true,"sub":"ada"}"#)),
        ("one", Response::status(500)),
        ("two", Response::text(r#"{"active":true}"#)),
        ("three", Response::text(r#"{"active":false}"#)),
        ("four", Response::text("{}")),
        ("five", Response::status(500)),
    ] {
        provider.respond("/introspect", response);
        let _ = introspection.introspect(token).await;
    }
    assert_recorded(
        &recorded,
        &[
            (r#"jwt_auth_introspection_seconds{outcome="active"}"#, 1.0),
            (r#"jwt_auth_introspection_seconds{outcome="inactive"}"#, 1.0),
            (r#"jwt_auth_introspection_seconds{outcome="malformed"}"#, 1.0),
            (r#"jwt_auth_introspection_seconds{outcome="rejected"}"#, 1.0),
            (r#"jwt_auth_introspection_seconds{outcome="status"}"#, 1.0),
        ],
    );
    Ok(())
}

#[tokio::test]
async fn counts_key_fetches_by_server_and_outcome() -> Outcome {
    let recorded = Recorded::start();
    let provider = Provider::start();
    provider.respond(JWKS, Response::status(500));
    let keys = RemoteKeys::from_url(provider.url(JWKS)).insecure_loopback_http().build()?;
    let server = format!("127.0.0.1:{}", provider.port());
    let series = |server: &str, outcome: &str| {
        format!(r#"jwt_auth_key_fetches_total{{server="{server}",outcome="{outcome}"}}"#)
    };
    // A token can name any server: one that has never served keys gets no label.
    assert!(keys.refresh().await.is_err());
    let all = recorded.take();
    assert!(all[&series("unconfirmed", "status")] >= 1.0, "{all:?}");
    assert!(!all.keys().any(|name| name.contains(&server)), "{all:?}");
    provider.publish(&[ForeignKey::generate("one").jwk()]);
    keys.refresh().await?;
    provider.respond(JWKS, Response::status(500));
    assert!(keys.refresh().await.is_err());
    let all = recorded.take();
    for outcome in ["ok", "status"] {
        assert!(all[&series(&server, outcome)] >= 1.0, "{all:?}");
    }
    Ok(())
}
