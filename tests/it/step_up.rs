//! Requirements for the login behind a token (RFC 9470).

use std::time::Duration;

use axum::{Router, body::Body, routing::get};
use http::Request;
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Claims, ConfigErrorKind, Issuer, ManualClock, SigningKey, Verifier,
    clock::NumericDate,
    guard::RequireLayer,
    testing::TestToken,
    token::{NoClaims, StepUp, StepUpBuilder},
    user::User,
};

use crate::support::{
    login::Directory,
    reply::{Reply, send},
};

const NOW: NumericDate = NumericDate::from_secs(1_700_000_000);
const MINUTE: Duration = Duration::from_secs(60);

fn key() -> SigningKey {
    SigningKey::generate(Algorithm::HS256).unwrap()
}

async fn call(app: &Router, token: &str) -> Reply {
    let request = Request::get("/").header("authorization", format!("Bearer {token}"));
    send(app, request.body(Body::empty()).unwrap()).await
}

fn challenge(parameters: &str) -> String {
    let error = "insufficient_user_authentication";
    let description = "a more recent or stronger login is required";
    format!(
        "Bearer realm=\"api\", error=\"{error}\", error_description=\"{description}\"{parameters}"
    )
}

#[tokio::test]
async fn a_login_is_recent_until_max_age_has_passed() {
    let clock = ManualClock::new(NOW);
    let issuer = Issuer::builder(key()).access_auth_time(true).clock(clock.clone());
    let issuer = issuer.access_lifetime(60 * MINUTE).build().unwrap();
    let step_up = StepUp::builder().max_age(5 * MINUTE).clock(clock.clone()).build().unwrap();
    let app = Router::new()
        .route("/", get(|| async {}))
        .route_layer(RequireLayer::step_up(step_up))
        .route_layer(issuer.layer());
    let user = User::new(1, NoClaims::default());
    let tokens = issuer.login(&user).await.unwrap();
    clock.advance(5 * MINUTE);
    assert_eq!(call(&app, tokens.access()).await.status, 200);
    clock.advance(Duration::from_secs(1));
    let reply = call(&app, tokens.access()).await;
    assert_eq!(reply.status, 401);
    assert_eq!(reply.header("www-authenticate"), [challenge(", max_age=\"300\"")]);
    assert_eq!(reply.json()["code"], "insufficient_user_authentication");

    // A refresh is no login.
    let users = Directory::default();
    users.put(user.clone());
    let refreshed = issuer.refresh(tokens.refresh().unwrap(), &users).await.unwrap();
    assert_eq!(call(&app, refreshed.access()).await.status, 401);
    let again = issuer.login(&user).await.unwrap();
    assert_eq!(call(&app, again.access()).await.status, 200);
}

#[tokio::test]
async fn access_tokens_have_the_time_of_the_login_only_if_configured() {
    let user = User::new(1, NoClaims::default());
    for written in [false, true] {
        let issuer = Issuer::builder(key()).access_auth_time(written).build().unwrap();
        let tokens = issuer.login(&user).await.unwrap();
        let claims = issuer.verifier().verify(tokens.access()).unwrap();
        assert_eq!(claims.auth_time().is_some(), written);
    }
}

#[tokio::test]
async fn the_class_of_a_login_is_kept_over_refreshes() {
    let issuer = Issuer::builder(key()).build().unwrap();
    let user = User::new(1, NoClaims::default());
    let start = issuer.start_login().await.unwrap().with_acr("phr");
    let tokens = issuer.finish_login(start, &user, None).await.unwrap();
    let of = |token: &str| {
        let claims: Claims = issuer.verifier().verify(token).unwrap();
        claims.acr().map(str::to_owned)
    };
    assert_eq!(of(tokens.access()).as_deref(), Some("phr"));
    let users = Directory::default();
    users.put(user.clone());
    let refreshed = issuer.refresh(tokens.refresh().unwrap(), &users).await.unwrap();
    assert_eq!(of(refreshed.access()).as_deref(), Some("phr"));
    let plain = issuer.login(&user).await.unwrap();
    assert_eq!(of(plain.access()), None);
}

/// The challenge for a token, or `None` if it is accepted.
fn rejected(step_up: StepUpBuilder, token: &TestToken) -> Option<String> {
    let key = key();
    let verifier: Verifier = Verifier::builder(key.clone()).build().unwrap();
    let step_up = step_up.clock(ManualClock::new(NOW)).build().unwrap();
    let claims = verifier.verify(&token.sign(&key)).unwrap();
    let error = claims.require_step_up(&step_up).err()?;
    assert_eq!(error.kind(), AuthErrorKind::InsufficientUserAuthentication);
    Some(error.challenge("api").to_str().unwrap().to_owned())
}

#[test]
fn one_of_the_classes_is_required() {
    let step_up = || StepUp::builder().acr_values(["phr", "phrh"]);
    let expected = Some(challenge(", acr_values=\"phr phrh\""));
    assert_eq!(rejected(step_up(), &TestToken::new(1)), expected);
    assert_eq!(rejected(step_up(), &TestToken::new(1).with_acr("0")), expected);
    assert_eq!(rejected(step_up(), &TestToken::new(1).with_acr("ph")), expected);
    assert_eq!(rejected(step_up(), &TestToken::new(1).with_acr("phrh")), None);
}

#[test]
fn both_requirements_must_be_met() {
    let step_up = || StepUp::builder().max_age(MINUTE).acr_values(["phr"]);
    let expected = Some(challenge(", max_age=\"60\", acr_values=\"phr\""));
    let (recent, old) = (NOW, NOW.saturating_sub(2 * MINUTE));
    let token = |acr: &str, time| TestToken::new(1).with_acr(acr).with_auth_time(time);
    assert_eq!(rejected(step_up(), &token("phr", recent)), None);
    assert_eq!(rejected(step_up(), &token("phr", old)), expected);
    assert_eq!(rejected(step_up(), &token("0", recent)), expected);
    assert_eq!(rejected(step_up(), &TestToken::new(1).with_acr("phr")), expected);
}

#[test]
fn contradictory_settings_are_errors() {
    use ConfigErrorKind::{Ineffective, OutOfRange};

    for (builder, kind) in [
        (StepUp::builder(), Ineffective),
        (StepUp::builder().max_age(Duration::ZERO), OutOfRange),
        (StepUp::builder().acr_values([""; 0]), OutOfRange),
        (StepUp::builder().acr_values(["two words"]), OutOfRange),
        (StepUp::builder().acr_values(["quo\"te"]), OutOfRange),
    ] {
        let debug = format!("{builder:?}");
        assert_eq!(builder.build().unwrap_err().kind(), kind, "{debug}");
    }
}
