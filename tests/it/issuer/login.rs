//! Logins through the token routes while the user is revoked.

use serde_json::json;
use tower_jwt_auth::{
    Issuer, TokenRoutes,
    token::UserId,
    user::{BackendError, User, UserBackend, UsernamePassword},
};

use crate::support::{
    login::{Directory, PASSWORD, Profile, Setup},
    reply::{post, send},
};

/// Users whose password is changed, and who are revoked, while the old password is checked.
struct ChangingUsers {
    users: Directory<Profile>,
    issuer: Issuer<Profile>,
}

impl UserBackend<Profile> for ChangingUsers {
    type Credentials = UsernamePassword;

    async fn authenticate(
        &self,
        credentials: UsernamePassword,
    ) -> Result<Option<User<Profile>>, BackendError> {
        let user = self.users.authenticate(credentials).await?;
        self.issuer.revoke_user(&UserId::from(1)).await.map_err(BackendError::unavailable)?;
        Ok(user)
    }

    async fn find(&self, id: &UserId) -> Result<Option<User<Profile>>, BackendError> {
        self.users.find(id).await
    }
}

#[tokio::test]
async fn a_login_under_way_does_not_survive_revoke_user() {
    let setup = Setup::new();
    let issuer = setup.issuer();
    let users = ChangingUsers { users: setup.users.clone(), issuer: issuer.clone() };
    let app = TokenRoutes::new(issuer.clone(), users).into_router();
    let body = json!({ "username": "1", "password": PASSWORD }).to_string();
    let reply = send(&app, post("/", body)).await;
    assert_eq!(reply.status, 401, "{reply:?}");
    assert_eq!(reply.json()["code"], "invalid_credentials");
    assert!(issuer.sessions(&UserId::from(1)).await.unwrap().is_empty());
}
