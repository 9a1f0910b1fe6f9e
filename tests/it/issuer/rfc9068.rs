//! Access tokens of RFC 9068.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Issuer, Verifier,
    issue::IssuerBuilder,
    token::{ClaimNames, TokenProfile},
    user::User,
};

use crate::support::login::{
    HOUR, NOW, Profile, Setup, ada, error_kind, key, mint, part, payload, refresh_of,
};

const ISSUER: &str = "https://login.example";

fn builder(setup: &Setup) -> IssuerBuilder<Profile> {
    setup.builder().issuer(ISSUER).audience("api").rfc9068_access_tokens("web")
}

/// The verifier of another service.
fn other_service(setup: &Setup, profile: TokenProfile) -> Verifier<Profile> {
    let verifier = Verifier::builder(key().verifying_key()).claims().clock(&setup.clock);
    verifier.issuer(ISSUER).audience("api").profile(profile).build().unwrap()
}

#[tokio::test]
async fn access_tokens_follow_rfc_9068() {
    let setup = Setup::new();
    let issuer = builder(&setup).build().unwrap();
    let tokens = issuer.login(&ada().with_scopes(["read"])).await.unwrap();
    assert_eq!(part(tokens.access(), 0), r#"{"alg":"HS256","typ":"at+jwt"}"#);
    let access = payload(tokens.access());
    assert_eq!(
        access,
        json!({
            "token_type": "access", "exp": NOW + 300, "iat": NOW, "jti": access["jti"],
            "user_id": "1", "aud": "api", "iss": ISSUER, "sid": tokens.session_id(),
            "scope": "read", "client_id": "web", "sub": "1", "username": "ada",
        })
    );
    for profile in [TokenProfile::Rfc9068, TokenProfile::Plain] {
        let claims = other_service(&setup, profile).verify(tokens.access()).unwrap();
        assert_eq!((claims.user_id().as_str(), &*claims.username), ("1", "ada"));
    }
    assert_eq!(issuer.verifier().verify(tokens.access()).unwrap().user_id(), "1");
    assert!(issuer.verify(tokens.access()).await.is_ok());
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert!(other_service(&setup, TokenProfile::Rfc9068).verify(next.access()).is_ok());
}

#[tokio::test]
async fn refresh_tokens_are_unchanged_and_rejected_by_other_services() {
    let setup = Setup::new();
    let tokens = builder(&setup).build().unwrap().login(&ada()).await.unwrap();
    assert_eq!(part(refresh_of(&tokens), 0), r#"{"alg":"HS256","typ":"JWT"}"#);
    let refresh = payload(refresh_of(&tokens));
    assert_eq!((&refresh["sub"], &refresh["client_id"]), (&Value::Null, &Value::Null));
    for profile in [TokenProfile::Rfc9068, TokenProfile::Plain] {
        assert!(other_service(&setup, profile).verify(refresh_of(&tokens)).is_err());
    }
}

#[tokio::test]
async fn the_verifier_requires_the_header_type() {
    let setup = Setup::new();
    let issuer = builder(&setup).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let payload = part(tokens.access(), 1);
    let verifier = issuer.verifier();
    let with_typ = |typ: &str| {
        mint(
            crate::support::login::SECRET,
            &format!(r#"{{"alg":"HS256","typ":"{typ}"}}"#),
            &payload,
        )
    };
    assert!(verifier.verify(&with_typ("at+jwt")).is_ok());
    assert!(verifier.verify(&with_typ("application/at+jwt")).is_ok());
    assert!(issuer.verify(&with_typ("at+jwt")).await.is_ok());
    for typ in ["JWT", "dpop+jwt", ""] {
        let token = with_typ(typ);
        assert_eq!(error_kind(verifier.verify(&token)), AuthErrorKind::WrongTokenType);
        assert_eq!(error_kind(issuer.verify(&token).await), AuthErrorKind::WrongTokenType);
    }
}

#[tokio::test]
async fn writes_the_subject_once() {
    let setup = Setup::new();
    let names = ClaimNames::default().with_user_id("sub");
    let issuer = builder(&setup).claim_names(names).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    assert_eq!(part(tokens.access(), 1).matches(r#""sub":"1""#).count(), 1);
    assert!(other_service(&setup, TokenProfile::Rfc9068).verify(tokens.access()).is_ok());
}

#[tokio::test]
async fn rejects_custom_claims_named_client_id_or_sub() {
    #[derive(Serialize, Deserialize)]
    struct Client {
        client_id: String,
    }
    #[derive(Serialize, Deserialize)]
    struct Subject {
        sub: String,
    }
    let plain = || Issuer::builder(key()).claims::<Client>().issuer(ISSUER).audience("api");
    let user = User::new(1, Client { client_id: "mine".to_owned() });
    assert!(plain().build().unwrap().login(&user).await.is_ok());
    let issuer = plain().rfc9068_access_tokens("web").build().unwrap();
    assert_eq!(error_kind(issuer.login(&user).await), AuthErrorKind::Misconfigured);

    let issuer = Issuer::builder(key()).claims::<Subject>().issuer(ISSUER).audience("api");
    let issuer = issuer.rfc9068_access_tokens("web").build().unwrap();
    let user = User::new(1, Subject { sub: "2".to_owned() });
    assert_eq!(error_kind(issuer.login(&user).await), AuthErrorKind::Misconfigured);
}

#[test]
fn rejects_incomplete_or_contradictory_settings() {
    let base = || Issuer::builder(key()).access_lifetime(HOUR);
    let full = || base().issuer(ISSUER).audience("api");
    let names = ClaimNames::default;
    for (builder, expected) in [
        (full().rfc9068_access_tokens("web"), None),
        (base().audience("api").rfc9068_access_tokens("web"), Some(ConfigErrorKind::Ineffective)),
        (base().issuer(ISSUER).rfc9068_access_tokens("web"), Some(ConfigErrorKind::Ineffective)),
        (full().rfc9068_access_tokens(""), Some(ConfigErrorKind::OutOfRange)),
        (full().rfc9068_access_tokens("w\0"), Some(ConfigErrorKind::OutOfRange)),
        (full().rfc9068_access_tokens("w".repeat(256)), Some(ConfigErrorKind::OutOfRange)),
        (
            full().rfc9068_access_tokens("web").claim_names(names().with_jti("id")),
            Some(ConfigErrorKind::Conflict),
        ),
        (
            full().rfc9068_access_tokens("web").claim_names(names().with_user_id("client_id")),
            Some(ConfigErrorKind::Conflict),
        ),
    ] {
        assert_eq!(builder.build().err().map(|error| error.kind()), expected);
    }
}
