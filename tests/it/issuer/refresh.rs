//! Which claims a refresh renews, and which it keeps.

use serde::{Deserialize, Serialize};
use serde_json::json;
use tower_jwt_auth::{AuthErrorKind, Issuer, NumericDate, user::User};

use crate::support::login::{
    DAY, Directory, HEADER, HOUR, MINUTE, NOW, Profile, SECRET, Setup, ada, error_kind, key, mint,
    payload, refresh_of,
};

#[tokio::test]
async fn rebuilds_claims_from_the_user() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Device {
        device: String,
    }
    let user = |name: &str, device: &str| {
        let user: User<Profile> = User::new(1, Profile { username: name.to_owned() });
        user.with_refresh_claims(Device { device: device.to_owned() })
    };
    let setup = Setup::new();
    let users = Directory::default();
    let issuer = Issuer::builder(key())
        .claims::<Profile>()
        .refresh_claims::<Device>()
        .clock(&setup.clock)
        .rotate_refresh_tokens(true)
        .store(setup.store.clone())
        .build()
        .unwrap();
    let tokens = issuer.login(&user("ada", "phone")).await.unwrap();

    users.put(user("countess", "tablet"));
    let tokens = issuer.refresh(refresh_of(&tokens), &users).await.unwrap();
    assert_eq!(payload(tokens.access())["username"], "countess");
    assert_eq!(payload(refresh_of(&tokens))["device"], "tablet");
}

#[tokio::test]
async fn keeps_session_id_user_and_auth_time() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let first = issuer.login(&ada()).await.unwrap();
    let mut tokens = first.clone();
    for minutes in 1..4 {
        setup.clock.advance(MINUTE);
        tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        assert_eq!(tokens.session_id(), first.session_id());
        let refresh = payload(refresh_of(&tokens));
        let now = NOW + minutes * 60;
        assert_eq!(
            refresh,
            json!({
                "token_type": "refresh", "exp": now + 86_400, "iat": now, "jti": refresh["jti"],
                "user_id": "1", "sid": first.session_id(), "auth_time": NOW,
            })
        );
        let access = payload(tokens.access());
        assert_eq!((&access["sid"], &access["exp"]), (&refresh["sid"], &json!(now + 300)));
    }
}

#[tokio::test]
async fn scopes_never_widen() {
    let scope_of = |token: &str| payload(token).get("scope").cloned();
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada().with_scopes(["read", "write"])).await.unwrap();

    // One scope was removed, one is new.
    setup.users.put(ada().with_scopes(["admin", "read"]));
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(scope_of(tokens.access()), Some(json!("read")));
    assert_eq!(scope_of(refresh_of(&tokens)), Some(json!("read")));

    // A scope that the session has lost does not come back.
    setup.users.put(ada().with_scopes(["admin", "read", "write"]));
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(scope_of(tokens.access()), Some(json!("read")));

    setup.users.put(ada());
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(scope_of(tokens.access()), None);
    setup.users.put(ada().with_scopes(["admin", "read", "write"]));
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(scope_of(tokens.access()), None);
}

#[tokio::test]
async fn an_invalid_scope_fails_before_the_token_is_spent() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let tokens = issuer.login(&ada().with_scopes(["read"])).await.unwrap();
    setup.users.put(User::new(1, Profile { username: "a".repeat(8 * 1024) }));
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Misconfigured);
    setup.users.put(ada());
    assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn a_new_epoch_ends_older_sessions() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    setup.users.put(ada().with_epoch("1"));
    let tokens = issuer.login(&ada().with_epoch("1")).await.unwrap();
    assert_eq!(payload(refresh_of(&tokens))["user_epoch"], "1");
    assert_eq!(payload(tokens.access()).get("user_epoch"), None);
    let tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(payload(refresh_of(&tokens))["user_epoch"], "1");

    for changed in [ada().with_epoch("2"), ada().with_epoch(""), ada()] {
        setup.users.put(changed);
        let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::UserInactive);
    }
    // A session that began before users had epochs.
    let tokens = issuer.login(&ada()).await.unwrap();
    setup.users.put(ada().with_epoch("1"));
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::UserInactive);
}

#[tokio::test]
async fn rejects_deleted_and_inactive_users() {
    let setup = Setup::new();
    for issuer in [setup.issuer(), setup.plain_builder().build().unwrap()] {
        setup.users.put(ada());
        let tokens = issuer.login(&ada()).await.unwrap();
        setup.users.put(ada().with_active(false));
        let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::UserInactive);
        setup.users.remove("1");
        let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::UserInactive);
        // The token was not spent, so the session continues once the user is active again.
        setup.users.put(ada());
        assert!(issuer.refresh(refresh_of(&tokens), &setup.users).await.is_ok());

        let rejected = issuer.login(&ada().with_active(false)).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::UserInactive);
    }
}

#[tokio::test]
async fn refreshing_does_not_extend_the_session_lifetime() {
    let setup = Setup::new();
    let issuer = setup
        .builder()
        .access_lifetime(HOUR)
        .refresh_lifetime(DAY)
        .session_lifetime(2 * DAY)
        .build()
        .unwrap();
    let end = NOW + 2 * 86_400;
    let mut tokens = issuer.login(&ada()).await.unwrap();
    for hour in 1..48 {
        setup.clock.advance(HOUR);
        let now = NOW + hour * 3600;
        tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
        let (access, refresh) = (payload(tokens.access()), payload(refresh_of(&tokens)));
        assert_eq!(refresh["exp"], json!((now + 86_400).min(end)), "hour {hour}");
        assert_eq!(access["exp"], json!((now + 3600).min(end)), "hour {hour}");
        assert_eq!(tokens.access_expires_at(), NumericDate::from_secs((now + 3600).min(end)));
    }
    // One second before the end, tokens are valid for one second.
    setup.clock.set(NumericDate::from_secs(end - 1));
    tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    assert_eq!(payload(tokens.access())["exp"], json!(end));
    setup.clock.set(NumericDate::from_secs(end));
    let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::Expired);
}

#[tokio::test]
async fn leeway_does_not_extend_the_session_lifetime() {
    let setup = Setup::new();
    for rotate in [true, false] {
        setup.clock.set(NumericDate::from_secs(NOW));
        let issuer = setup
            .builder()
            .rotate_refresh_tokens(rotate)
            .session_lifetime(DAY)
            .leeway(MINUTE)
            .build()
            .unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        setup.clock.advance(DAY);
        let rejected = issuer.refresh(refresh_of(&tokens), &setup.users).await;
        assert_eq!(error_kind(rejected), AuthErrorKind::Expired);
    }
}

#[tokio::test]
async fn sessions_without_a_lifetime_do_not_end() {
    let setup = Setup::new();
    let issuer = setup.builder().session_lifetime(None).build().unwrap();
    let mut tokens = issuer.login(&ada()).await.unwrap();
    for _ in 0..400 {
        setup.clock.advance(DAY - MINUTE);
        tokens = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
    }
    assert_eq!(payload(refresh_of(&tokens))["auth_time"], NOW);
}

#[tokio::test]
async fn without_rotation_the_refresh_token_remains_valid() {
    let setup = Setup::new();
    for builder in [setup.plain_builder(), setup.plain_builder().store(setup.store.clone())] {
        let issuer = builder.build().unwrap();
        let tokens = issuer.login(&ada()).await.unwrap();
        for _ in 0..3 {
            let next = issuer.refresh(refresh_of(&tokens), &setup.users).await.unwrap();
            assert_eq!(next.refresh(), None);
            assert_eq!(payload(next.access())["sid"], tokens.session_id());
        }
    }
}

#[tokio::test]
async fn rejects_an_auth_time_in_the_future() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let with_auth_time = |auth_time: u64| {
        let exp = NOW + 600;
        let payload = format!(
            r#"{{"token_type":"refresh","exp":{exp},"iat":{NOW},"jti":"x","user_id":"1",
                "sid":"s","auth_time":{auth_time}}}"#
        );
        mint(SECRET, HEADER, &payload)
    };
    for (auth_time, kind) in [(60, AuthErrorKind::Revoked), (61, AuthErrorKind::NotYetValid)] {
        let token = with_auth_time(NOW + auth_time);
        assert_eq!(error_kind(issuer.refresh(&token, &setup.users).await), kind);
        assert_eq!(error_kind(issuer.verify(&token).await), kind);
    }
}

#[tokio::test]
async fn verify_rejects_refresh_tokens_of_sessions_that_exceeded_their_lifetime() {
    let setup = Setup::new();
    let before = setup.builder().refresh_lifetime(3 * DAY).build().unwrap();
    // The session lifetime was shortened afterwards.
    let issuer = setup.builder().session_lifetime(2 * DAY).build().unwrap();
    let tokens = before.login(&ada()).await.unwrap();
    setup.clock.advance(2 * DAY - MINUTE);
    assert!(issuer.verify(refresh_of(&tokens)).await.is_ok());
    setup.clock.advance(MINUTE);
    let refreshed = issuer.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(refreshed), AuthErrorKind::Expired);
    assert_eq!(error_kind(issuer.verify(refresh_of(&tokens)).await), AuthErrorKind::Expired);
    assert!(before.verify(refresh_of(&tokens)).await.is_ok());
}
