//! Settings that contradict each other or have no effect, and `Debug`.

use std::{num::NonZeroUsize, time::Duration};

use tower_jwt_auth::{
    Algorithm, ConfigErrorKind, Issuer, MemoryStore, VerifyingKey,
    issue::IssuerBuilder,
    token::{ClaimNames, UserId},
};

use crate::support::login::{DAY, HOUR, MINUTE, Profile, SECRET, Setup, ada, key};

#[test]
fn build_rejects_invalid_settings() {
    use ConfigErrorKind::{Conflict, Ineffective, OutOfRange};

    let plain = || Issuer::builder(key()).claims::<Profile>();
    let stored = || plain().store(MemoryStore::new());
    let rotating = || stored().rotate_refresh_tokens(true);
    let verifying = VerifyingKey::from_secret(Algorithm::HS256, SECRET).unwrap();
    let almost = Duration::from_millis(999);
    let second = Duration::from_secs(1);
    let names = ClaimNames::default;
    let rejected: [(&str, IssuerBuilder<Profile>, ConfigErrorKind); 23] = [
        ("cannot sign", Issuer::builder(verifying).claims(), Ineffective),
        ("no access lifetime", plain().access_lifetime(Duration::ZERO), OutOfRange),
        ("hardly an access lifetime", plain().access_lifetime(almost), OutOfRange),
        ("no refresh lifetime", plain().refresh_lifetime(almost), OutOfRange),
        ("refresh outlives session", plain().session_lifetime(DAY - second), OutOfRange),
        ("long grace", rotating().reuse_grace(5 * MINUTE + second), OutOfRange),
        ("hardly a grace", rotating().reuse_grace(almost), OutOfRange),
        ("rotation, no store", plain().rotate_refresh_tokens(true), Ineffective),
        ("grace, no rotation", stored().reuse_grace(MINUTE), Ineffective),
        ("limit, no store", plain().sessions_per_user(NonZeroUsize::MIN), Ineffective),
        ("deadline, no store", plain().store_deadline(second), Ineffective),
        ("no time for the store", stored().store_deadline(Duration::ZERO), OutOfRange),
        ("no ticket lifetime", stored().ticket_lifetime(almost), OutOfRange),
        ("long ticket lifetime", stored().ticket_lifetime(5 * MINUTE + second), OutOfRange),
        ("tickets, no store", plain().ticket_lifetime(MINUTE), Ineffective),
        ("long leeway", plain().leeway(5 * MINUTE + second), OutOfRange),
        ("empty issuer", plain().issuer(""), Ineffective),
        ("empty audience", plain().audience(""), Ineffective),
        ("two names alike", plain().claim_names(names().with_user_id("jti")), Conflict),
        ("a name that is taken", plain().claim_names(names().with_user_id("exp")), Conflict),
        ("a name that is taken", plain().claim_names(names().with_token_type("scope")), Conflict),
        ("a name that is taken", plain().claim_names(names().with_jti("sid")), Conflict),
        ("no name", plain().claim_names(names().with_jti("")), Conflict),
    ];
    for (what, builder, kind) in rejected {
        let error = builder.build().err().unwrap_or_else(|| panic!("{what}"));
        assert_eq!(error.kind(), kind, "{what}");
        assert!(error.to_string().is_ascii() && !error.to_string().contains(SECRET));
    }
    // The limits themselves are allowed.
    for builder in [
        plain().access_lifetime(DAY + second),
        plain().refresh_lifetime(1000 * DAY),
        plain().access_lifetime(second).refresh_lifetime(second),
        plain().session_lifetime(DAY),
        plain().session_lifetime(None).refresh_lifetime(1000 * DAY),
        rotating().reuse_grace(5 * MINUTE).leeway(5 * MINUTE),
        stored().store_deadline(almost),
        stored().ticket_lifetime(second),
        stored().ticket_lifetime(5 * MINUTE),
        plain().claim_names(names().with_user_id("sub")),
    ] {
        builder.build().unwrap();
    }
}

#[tokio::test]
async fn debug_hides_secrets_tokens_and_users() {
    let setup = Setup::new();
    let builder = setup.builder().issuer("someone").access_lifetime(HOUR);
    let mut shown = format!("{builder:?}");
    let issuer = builder.build().unwrap();
    let user = ada().with_scopes(["read"]).with_epoch("epoch-1");
    let tokens = issuer.login(&user).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    let sessions = issuer.sessions(user.id()).await.unwrap();
    let error = issuer.refresh(tokens.access(), &setup.users).await.unwrap_err();
    shown += &format!("{issuer:?} {user:?} {tokens:?} {claims:?} {sessions:?} {error:?}");
    shown += &format!("{:?} {:?} {:?}", UserId::from("ada"), key(), setup.store.inner);
    shown +=
        &format!("{:?} {:?}", issuer.verifier(), issuer.verifier_builder().claims::<Profile>());
    let jti = claims.jti().unwrap();
    for secret in [SECRET, "ada", "read", "epoch-1", jti, tokens.session_id(), "eyJ"] {
        assert!(!shown.contains(secret), "{secret} in {shown}");
    }
}
