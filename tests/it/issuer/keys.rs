//! Several issuers in one process, and rotation of keys.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, KeySet, MemoryStore, SigningKey, token::UserId, user::User,
};

use crate::support::login::{DAY, Directory, Profile, Setup, ada, error_kind, part, refresh_of};

#[tokio::test]
async fn issuers_reject_the_tokens_of_each_other() {
    #[derive(Clone, Serialize, Deserialize)]
    struct Machine {
        serial: u64,
    }
    let people_store = MemoryStore::new();
    let people = Issuer::builder(SigningKey::generate(Algorithm::HS256).unwrap())
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .store(people_store.clone())
        .build()
        .unwrap();
    let machine_store = MemoryStore::new();
    let machines = Issuer::builder(SigningKey::generate(Algorithm::ES256).unwrap())
        .claims::<Machine>()
        .store(machine_store.clone())
        .build()
        .unwrap();
    let ada_in = people.login(&ada()).await.unwrap();
    let machine: User<Machine> = User::new(1, Machine { serial: 9 });
    let users = Directory::default();
    users.put(machine.clone());
    let machine_in = machines.login(&machine).await.unwrap();

    assert_eq!(people.verifier().verify(ada_in.access()).unwrap().username, "ada");
    assert_eq!(machines.verifier().verify(machine_in.access()).unwrap().serial, 9);
    let unknown = AuthErrorKind::UnknownKey;
    assert_eq!(error_kind(people.verify(machine_in.access()).await), unknown);
    assert_eq!(error_kind(machines.verify(refresh_of(&ada_in)).await), unknown);
    assert_eq!(error_kind(machines.refresh(refresh_of(&ada_in), &users).await), unknown);
    assert_eq!(error_kind(machines.logout(refresh_of(&ada_in)).await), unknown);

    // Both have a user 1; each revokes its own.
    machines.revoke_user(&UserId::from(1)).await.unwrap();
    assert_eq!(error_kind(machines.verify(machine_in.access()).await), AuthErrorKind::Revoked);
    assert!(people.verify(ada_in.access()).await.is_ok());
    assert_eq!((people_store.len(), machine_store.len()), (1, 2));
}

#[tokio::test]
async fn issuers_with_one_secret_reject_the_tokens_of_each_other() {
    let setup = Setup::new();
    let one = setup.builder().issuer("one").build().unwrap();
    let two = setup.builder().issuer("two").build().unwrap();
    let tokens = one.login(&ada()).await.unwrap();
    assert_eq!(error_kind(two.verify(tokens.access()).await), AuthErrorKind::WrongIssuer);
    let rejected = two.refresh(refresh_of(&tokens), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::WrongIssuer);
    assert!(one.refresh(refresh_of(&tokens), &setup.users).await.is_ok());
}

#[tokio::test]
async fn sessions_survive_a_rotation_of_keys() {
    let setup = Setup::new();
    let generate = |kid| SigningKey::generate(Algorithm::ES256).unwrap().with_kid(kid).unwrap();
    let (old, new) = (generate("old"), generate("new"));
    let keys = KeySet::from(old.clone());
    let issuer = Issuer::builder(keys.clone())
        .claims::<Profile>()
        .clock(&setup.clock)
        .rotate_refresh_tokens(true)
        .reuse_grace(Duration::ZERO)
        .store(setup.store.clone())
        .build()
        .unwrap();
    let verifier = issuer.verifier();
    let first = issuer.login(&ada()).await.unwrap();
    let lingering = issuer.login(&ada()).await.unwrap();
    assert!(part(first.access(), 0).contains(r#""kid":"old""#));

    let both = KeySet::builder().signing_key(new.clone()).verifying_key(old.verifying_key());
    keys.replace(both).unwrap();
    assert!(verifier.verify(first.access()).is_ok());
    let second = issuer.refresh(refresh_of(&first), &setup.users).await.unwrap();
    for token in [second.access(), refresh_of(&second)] {
        assert!(part(token, 0).contains(r#""kid":"new""#));
    }
    // The session is the same: the store knows that a token of the old key was spent.
    let fork = issuer.refresh(refresh_of(&lingering), &setup.users).await.unwrap();
    let reused = issuer.refresh(refresh_of(&lingering), &setup.users).await;
    assert_eq!(error_kind(reused), AuthErrorKind::Reused);
    assert_eq!(error_kind(issuer.verify(fork.access()).await), AuthErrorKind::Revoked);

    keys.replace(KeySet::builder().signing_key(new)).unwrap();
    assert_eq!(error_kind(verifier.verify(first.access())), AuthErrorKind::UnknownKey);
    assert!(verifier.verify(second.access()).is_ok());
    let rejected = issuer.refresh(refresh_of(&lingering), &setup.users).await;
    assert_eq!(error_kind(rejected), AuthErrorKind::UnknownKey);
    assert!(issuer.refresh(refresh_of(&second), &setup.users).await.is_ok());

    // An issuer never loses its signing key.
    setup.clock.advance(DAY);
    assert!(keys.replace(KeySet::builder().verifying_key(old.verifying_key())).is_err());
    assert!(issuer.login(&ada()).await.is_ok());
}
