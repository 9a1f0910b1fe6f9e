//! Bodies of the account routes. The first line is the path, the rest the JSON.

#![no_main]

use std::sync::LazyLock;

use axum::{Router, body::Body};
use fuzz::{block_on, clock, has_duplicates, members, mutate_json, parts, send, string_member};
use http::{Request, header::CONTENT_TYPE};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde_json::Value;
use tower_jwt_auth::{
    Issuer, MemoryStore, SigningKey,
    accounts::AccountRoutes,
    mail::{MailError, Mailer, Message},
    token::{NoClaims, UserId},
    user::{
        Account, AccountBackend, AccountError, Authentication, BackendError, NewAccount, User,
        UserBackend, UsernamePassword,
    },
};

const PATHS: [&str; 5] = [
    "/users",
    "/users/verify",
    "/users/verify/resend",
    "/password/reset",
    "/password/reset/confirm",
];

struct Nobody;

impl Mailer for Nobody {
    async fn send(&self, _: Message) -> Result<(), MailError> {
        Ok(())
    }
}

/// Accounts that are created and forgotten.
struct Forgetful;

type Found = Option<Account>;

impl UserBackend<NoClaims> for Forgetful {
    type Credentials = UsernamePassword;

    async fn authenticate(&self, _: UsernamePassword) -> Result<Authentication, BackendError> {
        Ok(None.into())
    }

    async fn find(&self, _: &UserId) -> Result<Option<User>, BackendError> {
        Ok(None)
    }
}

impl AccountBackend<NoClaims> for Forgetful {
    type Extra = ();

    fn user(&self, account: &Account) -> User {
        User::new(account.id(), NoClaims::default())
    }

    async fn create(&self, new: NewAccount<'_>) -> Result<Account, AccountError> {
        let account = Account::new(1, "generation").with_username(new.username);
        Ok(account.with_email(new.email))
    }

    async fn account(&self, _: &UserId) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn account_by_username(&self, _: &str) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn account_by_email(&self, _: &str) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn verify_password(&self, _: &UserId, _: &str) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn set_password(
        &self,
        _: &Account,
        _: &str,
        _: Option<&str>,
    ) -> Result<Found, AccountError> {
        Ok(None)
    }

    async fn set_username(&self, _: &UserId, _: &str) -> Result<Found, AccountError> {
        Ok(None)
    }

    async fn set_email(&self, _: &UserId, _: &str, _: bool) -> Result<Found, AccountError> {
        Ok(None)
    }

    async fn mark_verified(&self, _: &UserId, _: &str) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn set_active(&self, _: &UserId, _: bool) -> Result<Found, BackendError> {
        Ok(None)
    }

    async fn delete(&self, _: &UserId) -> Result<(), BackendError> {
        Ok(())
    }
}

/// The default routes, and those that do not reveal which accounts exist.
static APPS: LazyLock<[Router; 2]> = LazyLock::new(|| {
    block_on(async {
        let key = SigningKey::hs256(fuzz::SECRET).unwrap();
        let issuer = Issuer::builder(key).store(MemoryStore::new()).clock(clock()).build().unwrap();
        [false, true].map(|safe| {
            let routes = AccountRoutes::builder(issuer.clone(), Forgetful, Nobody);
            routes.enumeration_safe(safe).build().unwrap().into_router()
        })
    })
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_json(data, size, max_size, seed)
});

fuzz_target!(|input: &[u8]| {
    let [path, body] = parts(input);
    let Some(path) = PATHS.iter().find(|known| known.as_bytes() == path) else { return };
    for app in &*APPS {
        let request = Request::post(*path).header(CONTENT_TYPE, "application/json");
        let (status, response) = send(app, request.body(Body::from(body.to_vec())).unwrap());
        assert!([200, 201, 202, 204, 400, 413].contains(&status.as_u16()), "{path}: {status}");
        assert!(response.is_empty() || serde_json::from_slice::<Value>(&response).is_ok());
        if status.is_success() {
            let read = members(body).expect("an object");
            assert!(!has_duplicates(&read));
            if *path == "/users" {
                // The longest and the shortest password, in characters. It may be a number.
                if let Some(password) = string_member(&read, "password") {
                    assert!((15..=128).contains(&password.chars().count()));
                }
            }
        }
    }
});
