//! Sessions and the generation of accounts.

use serde::{Deserialize, Serialize};
use tower_jwt_auth::{
    Algorithm, AuthErrorKind, Issuer, MemoryStore, SigningKey,
    user::{AccountBackend, NewAccount, SqlUsers, UserBackend},
};

use super::{
    database::{Database, PASSWORD, hasher, on_both_databases},
    login::credentials,
};

on_both_databases! {
    a_new_generation_ends_sessions
    the_session_that_changes_the_password_goes_on
    claims_are_built_again_at_each_refresh
}

#[derive(Debug, Deserialize, PartialEq, Serialize)]
struct Profile {
    username: String,
    is_staff: bool,
}

fn issuer() -> Issuer<Profile> {
    Issuer::builder(SigningKey::generate(Algorithm::HS256).unwrap())
        .claims::<Profile>()
        .rotate_refresh_tokens(true)
        .store(MemoryStore::new())
        .build()
        .unwrap()
}

fn users(database: &Database) -> SqlUsers<Profile> {
    SqlUsers::builder(database.connect(), hasher())
        .claims(|account| Profile {
            username: account.username().unwrap_or_default().to_owned(),
            is_staff: account.is_staff(),
        })
        .scopes(|account| account.roles().map(str::to_owned).collect::<Vec<_>>())
        .build()
        .unwrap()
}

async fn a_new_generation_ends_sessions(database: Database) {
    let (issuer, users) = (issuer(), users(&database));
    let new = NewAccount::new().with_username("ada").with_password(PASSWORD);
    let mut ada = users.create(new).await.unwrap();
    for change in ["password", "deactivation", "deletion"] {
        let tokens = issuer.login(&users.user(&ada)).await.unwrap();
        let tokens = issuer.refresh(tokens.refresh().unwrap(), &users).await.unwrap();
        match change {
            "password" => {
                ada = users.set_password(&ada, "difference engine", None).await.unwrap().unwrap();
            }
            "deactivation" => {
                users.set_active(ada.id(), false).await.unwrap().unwrap();
                ada = users.set_active(ada.id(), true).await.unwrap().unwrap();
            }
            _ => users.delete(ada.id()).await.unwrap(),
        }
        let error = issuer.refresh(tokens.refresh().unwrap(), &users).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::UserInactive, "{change}");
    }
}

/// With tokens from before, too: the client may not have received newer ones.
async fn the_session_that_changes_the_password_goes_on(database: Database) {
    let (issuer, users) = (issuer(), users(&database));
    let new = NewAccount::new().with_username("ada").with_password(PASSWORD);
    let mut ada = users.create(new).await.unwrap();
    let own = issuer.login(&users.user(&ada)).await.unwrap();
    for password in ["difference engine", "analytical engine"] {
        let other = issuer.login(&users.user(&ada)).await.unwrap();
        let session_id = Some(own.session_id());
        ada = users.set_password(&ada, password, session_id).await.unwrap().unwrap();
        let error = issuer.refresh(other.refresh().unwrap(), &users).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::UserInactive);
    }
    let mut own = issuer.refresh(own.refresh().unwrap(), &users).await.unwrap();
    own = issuer.refresh(own.refresh().unwrap(), &users).await.unwrap();

    // It ends like all others by changes that it did not make.
    let other = issuer.login(&users.user(&ada)).await.unwrap();
    let session_id = Some(other.session_id());
    users.set_password(&ada, PASSWORD, session_id).await.unwrap().unwrap();
    let error = issuer.refresh(own.refresh().unwrap(), &users).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::UserInactive);
    let other = issuer.refresh(other.refresh().unwrap(), &users).await.unwrap();
    users.set_active(ada.id(), false).await.unwrap().unwrap();
    users.set_active(ada.id(), true).await.unwrap().unwrap();
    let error = issuer.refresh(other.refresh().unwrap(), &users).await.unwrap_err();
    assert_eq!(error.kind(), AuthErrorKind::UserInactive);
}

async fn claims_are_built_again_at_each_refresh(database: Database) {
    let (issuer, users) = (issuer(), users(&database));
    let new = NewAccount::new()
        .with_username("ada")
        .with_password(PASSWORD)
        .with_roles(["read", "write"]);
    users.create(new).await.unwrap();
    let user = users.authenticate(credentials("ada", PASSWORD)).await.unwrap().user().unwrap();
    assert_eq!(user.scopes().collect::<Vec<_>>(), ["read", "write"]);
    let tokens = issuer.login(&user).await.unwrap();
    users.set_username(user.id(), "lovelace").await.unwrap().unwrap();
    users.set_staff(user.id(), true).await.unwrap().unwrap();
    let tokens = issuer.refresh(tokens.refresh().unwrap(), &users).await.unwrap();
    let claims = issuer.verifier().verify(tokens.access()).unwrap();
    let expected = Profile { username: "lovelace".to_owned(), is_staff: true };
    assert_eq!(*claims, expected);
    assert_eq!(claims.user_id(), user.id().as_str());
}
