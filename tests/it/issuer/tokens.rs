//! The claims of issued tokens.

use std::{collections::BTreeSet, error::Error, time::Duration};

use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;
use tower_jwt_auth::{
    AuthErrorKind, Claims, ConfigErrorKind, Issuer, NumericDate, Verifier,
    token::{ClaimNames, NoClaims, TokenType, UserId},
    user::User,
};

use crate::support::login::{
    DAY, HOUR, MINUTE, NOW, Profile, Setup, ada, error_kind, key, part, payload, refresh_of,
};

const HEX_DIGITS: &str = "0123456789abcdef";

fn is_random_id(id: &str) -> bool {
    id.len() == 32 && id.chars().all(|digit| HEX_DIGITS.contains(digit))
}

#[tokio::test]
async fn login_writes_the_claims_of_simplejwt_and_the_session() {
    let tokens = Setup::new().issuer().login(&ada()).await.unwrap();
    let (access, refresh) = (payload(tokens.access()), payload(refresh_of(&tokens)));
    let sid = tokens.session_id();
    assert_eq!(
        access,
        json!({
            "token_type": "access", "exp": NOW + 300, "iat": NOW, "jti": access["jti"],
            "user_id": "1", "sid": sid, "username": "ada",
        })
    );
    assert_eq!(
        refresh,
        json!({
            "token_type": "refresh", "exp": NOW + 86_400, "iat": NOW, "jti": refresh["jti"],
            "user_id": "1", "sid": sid, "auth_time": NOW,
        })
    );
    let ids = [sid, access["jti"].as_str().unwrap(), refresh["jti"].as_str().unwrap()];
    assert!(ids.into_iter().all(is_random_id), "{ids:?}");
    assert_eq!(BTreeSet::from(ids).len(), 3);
    assert_eq!(tokens.access_expires_at(), NumericDate::from_secs(NOW + 300));
    assert_eq!(tokens.refresh_expires_at(), Some(NumericDate::from_secs(NOW + 86_400)));

    for (token, kind) in [(tokens.access(), "access"), (refresh_of(&tokens), "refresh")] {
        // The same bytes as PyJWT's `jwt.encode(payload, secret, "HS256")`.
        assert!(token.starts_with("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9."));
        let claims = payload(token);
        let first_five = format!(
            r#"{{"token_type":"{kind}","exp":{},"iat":{NOW},"jti":{},"user_id":"1","#,
            claims["exp"], claims["jti"]
        );
        assert!(part(token, 1).starts_with(&first_five), "{}", part(token, 1));
    }
}

#[tokio::test]
async fn every_login_has_new_ids() {
    let issuer = Setup::new().issuer();
    let mut ids = BTreeSet::new();
    for _ in 0..20 {
        let tokens = issuer.login(&ada()).await.unwrap();
        for token in [tokens.access(), refresh_of(&tokens)] {
            assert!(ids.insert(payload(token)["jti"].to_string()));
        }
        assert!(ids.insert(tokens.session_id().to_owned()));
    }
}

#[tokio::test]
async fn tokens_expire_after_their_lifetime() {
    let setup = Setup::new();
    let issuer = setup.builder().access_lifetime(MINUTE).refresh_lifetime(HOUR).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();

    setup.clock.set(NumericDate::from_secs(NOW + 59));
    assert!(issuer.verifier().verify(tokens.access()).is_ok());
    setup.clock.set(NumericDate::from_secs(NOW + 60));
    assert_eq!(error_kind(issuer.verifier().verify(tokens.access())), AuthErrorKind::Expired);

    setup.clock.set(NumericDate::from_secs(NOW + 3599));
    assert!(issuer.verify(refresh_of(&tokens)).await.is_ok());
    setup.clock.set(NumericDate::from_secs(NOW + 3600));
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Expired);
}

#[tokio::test]
async fn the_longest_lifetimes_end_in_the_year_9999() {
    let setup = Setup::new();
    let builder = setup.builder().access_lifetime(Duration::MAX).refresh_lifetime(Duration::MAX);
    let issuer = builder.session_lifetime(None).leeway(5 * MINUTE).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    for token in [tokens.access(), refresh_of(&tokens), next.access(), refresh_of(&next)] {
        assert_eq!(payload(token)["exp"], NumericDate::MAX.as_secs());
    }
    assert!(issuer.verify(next.access()).await.is_ok());
    issuer.logout(refresh_of(&next)).await.unwrap();
    assert_eq!(error_kind(issuer.verify(next.access()).await), AuthErrorKind::Revoked);
}

#[tokio::test]
async fn leeway_applies_to_access_and_refresh_tokens() {
    let setup = Setup::new();
    let issuer = setup.builder().leeway(MINUTE).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    setup.clock.set(NumericDate::from_secs(NOW + 359));
    assert!(issuer.verifier().verify(tokens.access()).is_ok());
    setup.clock.set(NumericDate::from_secs(NOW + 360));
    assert!(issuer.verifier().verify(tokens.access()).is_err());
    setup.clock.set(NumericDate::from_secs(NOW + 86_459));
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
    // The store remembers the spent token until it expires, including the leeway.
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Reused);
}

#[tokio::test]
async fn writes_and_requires_issuer_and_audience() {
    let setup = Setup::new();
    let issuer = setup.builder().issuer("https://id.example").audience("api").build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    for token in [tokens.access(), refresh_of(&tokens)] {
        let claims = payload(token);
        assert_eq!((&claims["iss"], &claims["aud"]), (&json!("https://id.example"), &json!("api")));
        assert!(issuer.verify(token).await.is_ok());
    }
    for (other, kind) in [
        (setup.builder().issuer("https://id.example").audience("b"), AuthErrorKind::WrongAudience),
        (setup.builder().issuer("https://other").audience("api"), AuthErrorKind::WrongIssuer),
    ] {
        let other = other.build().unwrap();
        assert_eq!(error_kind(other.verifier().verify(tokens.access())), kind);
        assert_eq!(error_kind(other.verify(refresh_of(&tokens)).await), kind);
        assert_eq!(error_kind(other.refresh(refresh_of(&tokens), &setup.users).await), kind);
        assert_eq!(error_kind(other.logout(refresh_of(&tokens)).await), kind);
    }
    // A token without `iss` is rejected too.
    let nameless = setup.issuer().login(&ada()).await.unwrap();
    assert_eq!(error_kind(issuer.verify(nameless.access()).await), AuthErrorKind::WrongIssuer);
}

#[tokio::test]
async fn claim_names_can_be_changed() {
    let setup = Setup::new();
    let names = ClaimNames::default().with_user_id("sub").with_token_type("use").with_jti("tid");
    let issuer = setup.builder().claim_names(names).build().unwrap();
    let tokens = issuer.login(&ada()).await.unwrap();
    let access = part(tokens.access(), 1);
    assert!(access.starts_with(r#"{"use":"access","exp":"#), "{access}");
    let claims = payload(tokens.access());
    assert_eq!(claims["sub"], "1");
    assert!(is_random_id(claims["tid"].as_str().unwrap()));
    for name in ["user_id", "token_type", "jti"] {
        assert_eq!(claims.get(name), None);
    }

    let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    let verified = issuer.verifier().verify(next.access()).unwrap();
    assert_eq!((verified.user_id().as_str(), &*verified.username), ("1", "ada"));
    let reused = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(reused), AuthErrorKind::Reused);
}

#[tokio::test]
async fn rejects_tokens_of_another_type() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Invitation {
        team: String,
    }
    let setup = Setup::new();
    let issuer = setup.issuer();
    let invitation = Invitation { team: "engine".to_owned() };
    let kind = TokenType::from("invitation");
    let invited = issuer.issue(&kind, HOUR, &UserId::from(7), &invitation).unwrap();
    let claims = payload(&invited);
    assert_eq!(
        claims,
        json!({
            "token_type": "invitation", "exp": NOW + 3600, "iat": NOW, "jti": claims["jti"],
            "user_id": "7", "team": "engine",
        })
    );
    let verifier =
        issuer.verifier_builder().claims::<Invitation>().token_type(kind).build().unwrap();
    let verified = verifier.verify(&invited).unwrap();
    assert_eq!((verified.user_id().as_str(), &*verified), ("7", &invitation));

    let tokens = issuer.login(&ada()).await.unwrap();
    let (access, refresh) = (tokens.access(), refresh_of(&tokens));
    let wrong = AuthErrorKind::WrongTokenType;
    for token in [&*invited, refresh] {
        assert_eq!(error_kind(issuer.verifier().verify(token)), wrong);
    }
    for token in [access, refresh] {
        assert_eq!(error_kind(verifier.verify(token)), wrong);
    }
    for token in [&*invited, access] {
        assert_eq!(error_kind(issuer.refresh(token, &setup.users).await), wrong);
        assert_eq!(error_kind(issuer.logout(token).await), wrong);
    }
    assert_eq!(error_kind(issuer.verify(&invited).await), wrong);

    // A custom token expires by the issuer's clock, like any other.
    setup.clock.advance(HOUR);
    assert_eq!(error_kind(verifier.verify(&invited)), AuthErrorKind::Expired);
}

#[tokio::test]
async fn issues_access_tokens_without_a_session() {
    let issuer = Setup::new().issuer();
    let token = issuer.issue(&TokenType::Access, DAY, ada().id(), ada().claims()).unwrap();
    let claims: Claims<Profile> = issuer.verifier().verify(&token).unwrap();
    assert_eq!((claims.session_id(), claims.auth_time()), (None, None));
    assert!(issuer.verify(&token).await.is_ok());
}

#[test]
fn issue_rejects_refresh_tokens_empty_lifetimes_and_invalid_user_ids() {
    let issuer = Setup::new().issuer();
    let claims = NoClaims::default();
    let user = UserId::from(1);
    let custom = TokenType::from("invitation");
    for (token_type, lifetime) in [
        (TokenType::Refresh, HOUR),
        (TokenType::Custom("refresh".into()), HOUR),
        (custom.clone(), Duration::ZERO),
        (custom.clone(), Duration::from_millis(999)),
    ] {
        let rejected = issuer.issue(&token_type, lifetime, &user, &claims);
        assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured, "{token_type:?}");
    }
    for user in [UserId::from(""), UserId::from("x".repeat(256)), UserId::from("a\0b")] {
        let rejected = issuer.issue(&custom, HOUR, &user, &claims);
        assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
    }
    assert!(issuer.issue(&custom, HOUR, &UserId::from("x".repeat(255)), &claims).is_ok());
}

/// Asserts that no token can carry these claims: no access, refresh or custom token.
async fn assert_rejected<C>(claims: C)
where
    C: Serialize + DeserializeOwned + Clone + Send + Sync + 'static,
{
    let in_access = Issuer::builder(key()).claims::<C>().build().unwrap();
    let user = User::new(1, claims.clone());
    assert_eq!(error_kind(in_access.login(&user).await), AuthErrorKind::Misconfigured);

    let in_refresh = Issuer::builder(key()).refresh_claims::<C>().build().unwrap();
    let user: User = User::new(1, NoClaims::default());
    let user = user.with_refresh_claims(claims.clone());
    assert_eq!(error_kind(in_refresh.login(&user).await), AuthErrorKind::Misconfigured);

    let kind = TokenType::from("invitation");
    let rejected = in_access.issue(&kind, HOUR, &UserId::from(1), &claims);
    assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
}

#[tokio::test]
async fn rejects_claims_that_are_not_an_object() {
    assert_rejected("text".to_owned()).await;
    assert_rejected(5).await;
    assert_rejected(vec![Profile { username: "ada".to_owned() }]).await;
    assert_rejected(true).await;
}

/// The signer has a fast path for plain structs.
#[test]
fn writes_claims_of_any_shape() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Plain {
        #[serde(rename = "quoted \"name\"")]
        text: String,
        #[serde(skip_serializing_if = "Option::is_none")]
        absent: Option<u8>,
        list: Vec<Option<f64>>,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Nested {
        #[serde(flatten)]
        plain: Plain,
    }
    #[derive(Clone, Serialize, Deserialize)]
    struct Wrapped(Plain);

    fn assert_written<C: Serialize>(claims: &C) {
        let user_id = UserId::from("a\"\\\n\u{1f980}");
        let issuer = Issuer::builder(key()).issuer("\u{7f}\u{0}").build().unwrap();
        let token = issuer.issue(&TokenType::from("a\tb"), HOUR, &user_id, claims).unwrap();
        let builder = issuer.verifier_builder().any_token_type();
        let verified = builder.build().unwrap().verify(&token).unwrap();
        let json: serde_json::Map<String, serde_json::Value> =
            serde_json::from_str(verified.json()).unwrap();
        assert_eq!(verified.user_id(), user_id.as_str());
        assert_eq!(verified.issuer(), Some("\u{7f}\u{0}"));
        assert_eq!(verified.token_type().map(TokenType::as_str), Some("a\tb"));
        let own = serde_json::to_value(claims).unwrap();
        for (name, value) in own.as_object().unwrap() {
            assert_eq!(json.get(name), Some(value), "{name}");
        }
        assert_eq!(json.len(), 6 + own.as_object().unwrap().len());
    }
    let text = "\u{e9}\"\\\r\u{1f}".to_owned();
    let plain = Plain { text, absent: None, list: vec![None, Some(0.5)] };
    assert_written(&plain);
    assert_written(&Wrapped(plain.clone()));
    assert_written(&Some(plain.clone()));
    assert_written(&std::collections::BTreeMap::from([("a", 1), ("b", 2)]));
    assert_written(&std::collections::BTreeMap::<u8, u8>::new());
    assert_written(&Nested { plain });
    assert_written(&NoClaims::default());
}

#[tokio::test]
async fn rejects_claims_with_duplicate_members() {
    #[derive(Clone, Deserialize)]
    struct Twice {}

    impl Serialize for Twice {
        fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            use serde::ser::SerializeStruct;
            let mut fields = serializer.serialize_struct("Twice", 2)?;
            fields.serialize_field("role", "user")?;
            fields.serialize_field("role", "admin")?;
            fields.end()
        }
    }
    assert_rejected(Twice {}).await;
}

#[tokio::test]
async fn rejects_claims_named_like_registered_claims() {
    macro_rules! named {
        ($($name:literal),*) => {$({
            #[derive(Clone, Serialize, Deserialize)]
            struct Plain {
                #[serde(rename = $name)]
                value: u64,
            }
            #[derive(Clone, Serialize, Deserialize)]
            struct Nested {
                #[serde(flatten)]
                plain: Plain,
            }
            assert_rejected(Plain { value: 1 }).await;
            assert_rejected(Nested { plain: Plain { value: 1 } }).await;
        })*};
    }
    named!("exp", "iat", "jti", "user_id", "token_type");
    // These tokens do not have them, but only the issuer may write them.
    named!(
        "sid",
        "scope",
        "scp",
        "auth_time",
        "amr",
        "user_epoch",
        "session_start",
        "cnf",
        "nbf",
        "iss",
        "aud",
        "sub"
    );

    #[derive(Clone, Serialize, Deserialize)]
    struct Session {
        sid: String,
    }
    let issuer = Issuer::builder(key()).claims::<Session>().build().unwrap();
    let user: User<Session> = User::new(1, Session { sid: "mine".to_owned() });
    assert_eq!(error_kind(issuer.login(&user).await), AuthErrorKind::Misconfigured);
}

#[tokio::test]
async fn rejects_tokens_that_the_verifier_would_reject() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let long = User::new(1, Profile { username: "a".repeat(8 * 1024) });
    assert_eq!(error_kind(issuer.login(&long).await), AuthErrorKind::Misconfigured);
    for id in ["", "a\0b", &"a".repeat(256)] {
        let user = User::new(id, Profile { username: "ada".to_owned() });
        assert_eq!(error_kind(issuer.login(&user).await), AuthErrorKind::Misconfigured, "{id:?}");
    }
    assert!(setup.store.inner.is_empty());

    for id in ["\0", "ada\0", &"x".repeat(256)] {
        let user = User::new(id, Profile { username: "ada".to_owned() });
        assert_eq!(error_kind(issuer.login(&user).await), AuthErrorKind::Misconfigured);
    }

    let rather_long = User::new(1, Profile { username: "a".repeat(5 * 1024) });
    let tokens = issuer.login(&rather_long).await.unwrap();
    assert!(issuer.verifier().verify(tokens.access()).is_ok());
}

#[tokio::test]
async fn the_limit_of_the_length_can_be_changed() {
    let setup = Setup::new();
    let user = User::new(1, Profile { username: "a".repeat(8 * 1024) });
    let error = setup.issuer().login(&user).await.unwrap_err();
    let message = error.source().unwrap().to_string();
    assert!(message.contains("`max_token_len` of the issuer is 8192"), "{message}");

    let issuer = setup.builder().max_token_len(16 * 1024).build().unwrap();
    let tokens = issuer.login(&user).await.unwrap();
    assert!(issuer.verifier().verify(tokens.access()).is_ok());
    assert!(issuer.verify(tokens.access()).await.is_ok());
    setup.users.put(user);
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
    for bytes in [63, 1024 * 1024 + 1] {
        let error = setup.builder().max_token_len(bytes).build().unwrap_err();
        assert_eq!(error.kind(), ConfigErrorKind::OutOfRange);
    }
}

#[tokio::test]
async fn writes_scopes_as_rfc_6749_defines_them() {
    let issuer = Setup::new().issuer();
    let tokens = issuer.login(&ada().with_scopes(["read", "write"])).await.unwrap();
    assert_eq!(payload(tokens.access())["scope"], "read write");
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    assert!(claims.has_scope("read") && claims.has_scope("write") && !claims.has_scope("rea"));

    for scope in ["", "read write", "a\"b", "a\\b", "lesen\u{e4}", "a\u{7f}", "a\n"] {
        let rejected = issuer.login(&ada().with_scopes(["read", scope])).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured, "{scope:?}");
    }
}

#[tokio::test]
async fn access_and_refresh_tokens_carry_their_own_claims() {
    #[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
    struct Device {
        device: String,
    }
    let issuer =
        Issuer::builder(key()).claims::<Profile>().refresh_claims::<Device>().build().unwrap();
    let user = ada().with_refresh_claims(Device { device: "phone".to_owned() });
    let tokens = issuer.login(&user).await.unwrap();
    let (access, refresh) = (payload(tokens.access()), payload(refresh_of(&tokens)));
    assert_eq!((access.get("username"), access.get("device")), (Some(&json!("ada")), None));
    assert_eq!((refresh.get("username"), refresh.get("device")), (None, Some(&json!("phone"))));

    // A verifier of refresh tokens returns their claims.
    let verifier: Verifier<Device> =
        issuer.verifier_builder().claims().token_type(TokenType::Refresh).build().unwrap();
    assert_eq!(verifier.verify(refresh_of(&tokens)).unwrap().device, "phone");
}
