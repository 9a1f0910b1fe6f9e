//! Requests that end after any of their steps, because a service does not respond.

use axum::Router;
use serde_json::json;
use tower_jwt_auth::{
    Issuer, MemoryStore, SigningKey, TokenRoutes,
    accounts::AccountRoutes,
    mail::MessageKind,
    user::{AccountBackend, SqlUsers},
};

use crate::{
    support::{login::SECRET, reply::Reply},
    users::database::{Database, on_both_databases},
};

use super::{
    failing::{FailingStore, FailingUsers, Failure, Steps},
    password::NEW,
    session::Session,
    setup::{Outbox, PASSWORD, call, log_in, new_user},
};

on_both_databases! {
    a_change_of_the_password_is_safe_at_each_step
    a_reset_is_safe_at_each_step
    a_deletion_is_safe_at_each_step
    a_change_of_names_is_safe_at_each_step
    an_address_is_confirmed_safely_at_each_step
    a_sign_up_is_verified_safely_at_each_step
}

/// More steps than any request has.
const MANY: usize = 40;

struct Fragile {
    app: Router,
    users: SqlUsers,
    steps: Steps,
    outbox: Outbox,
}

impl Fragile {
    fn new(database: &Database) -> Self {
        let (steps, outbox, users) = (Steps::default(), Outbox::new(), database.users());
        let failing = FailingUsers(users.clone(), steps.clone());
        let issuer: Issuer = Issuer::builder(SigningKey::hs256(SECRET).unwrap())
            .rotate_refresh_tokens(true)
            .store(FailingStore(MemoryStore::new(), steps.clone()))
            .build()
            .unwrap();
        let tokens = TokenRoutes::builder(issuer.clone(), failing.clone()).at("/api/token");
        let accounts = AccountRoutes::builder(issuer, failing, outbox.clone()).at("/api");
        let app = tokens.build().unwrap().into_router();
        let app = app.merge(accounts.build().unwrap().into_router());
        Self { app, users, steps, outbox }
    }

    async fn sign_up(&self, name: &str) {
        let reply = call(&self.app, "/users/", &new_user(name)).await;
        assert_eq!(reply.status, 201, "{reply:?}");
        // Earlier requests may have sent mails about the new password.
        while self.outbox.next().await.kind() == MessageKind::PasswordChanged {}
    }

    /// Has a request fail after this many steps. Returns the response, and whether it has failed.
    async fn fail(
        &self,
        steps: usize,
        failure: Failure,
        request: impl Future<Output = Reply>,
    ) -> (Reply, bool) {
        self.steps.fail_from(steps, failure);
        let reply = request.await;
        let failed = self.steps.recover();
        assert!([204, 200, 503].contains(&reply.status.as_u16()), "{steps} {failure:?} {reply:?}");
        (reply, failed)
    }

    /// Whether the new password is the password now.
    async fn is_changed(&self, name: &str) -> bool {
        let old = log_in(&self.app, name, PASSWORD).await.status == 200;
        let new = log_in(&self.app, name, NEW).await.status == 200;
        assert_ne!(old, new);
        new
    }
}

/// Calls `$request` with the number of steps that succeed, until all succeed.
macro_rules! at_each_step {
    (|$steps:ident, $failure:ident| $request:block) => {
        for $failure in [Failure::NotDone, Failure::Done] {
            for $steps in 0.. {
                assert!($steps < MANY);
                let failed: bool = $request;
                if !failed {
                    break;
                }
            }
        }
    };
}

async fn a_change_of_the_password_is_safe_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let name = format!("user{steps}{failure:?}");
        fragile.sign_up(&name).await;
        let mut own = Session::begin(&fragile.app, &name, PASSWORD).await;
        let other = Session::begin(&fragile.app, &name, PASSWORD).await;
        let change = own.change_password(PASSWORD, NEW);
        let (reply, failed) = fragile.fail(steps, failure, change).await;
        // Before the logins below, which begin sessions.
        let is_other_live = other.get_me().await.status == 200;
        own.assert_live().await;
        let is_changed = fragile.is_changed(&name).await;
        assert!(!(is_changed && is_other_live), "{steps} {failure:?}");
        if is_changed {
            other.assert_ended().await;
        }
        match reply.status.as_u16() {
            204 => assert!(is_changed),
            _ => assert!(!is_changed || failure == Failure::Done, "{steps}"),
        }
        if !is_changed {
            assert_eq!(own.change_password(PASSWORD, NEW).await.status, 204);
            other.assert_ended().await;
        }
        failed
    });
}

async fn a_reset_is_safe_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let name = format!("user{steps}{failure:?}");
        fragile.sign_up(&name).await;
        let session = Session::begin(&fragile.app, &name, PASSWORD).await;
        let body = json!({ "email": format!("{name}@example.com") });
        assert_eq!(call(&fragile.app, "/password/reset", &body).await.status, 202);
        let token = fragile.outbox.token(MessageKind::ResetPassword).await;
        let body = json!({ "token": token, "password": NEW });
        let reset = call(&fragile.app, "/password/reset/confirm", &body);
        let (reply, failed) = fragile.fail(steps, failure, reset).await;
        let is_live = session.get_me().await.status == 200;
        let is_changed = fragile.is_changed(&name).await;
        assert!(!(is_changed && is_live), "{steps} {failure:?}");
        match reply.status.as_u16() {
            204 => assert!(is_changed),
            _ => assert!(!is_changed || failure == Failure::Done, "{steps}"),
        }
        // A token that changed nothing can be used.
        let again = call(&fragile.app, "/password/reset/confirm", &body).await;
        assert_eq!(again.status, if is_changed { 400 } else { 204 }, "{steps} {failure:?}");
        session.assert_ended().await;
        failed
    });
}

async fn a_deletion_is_safe_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let name = format!("user{steps}{failure:?}");
        fragile.sign_up(&name).await;
        let mut own = Session::begin(&fragile.app, &name, PASSWORD).await;
        let other = Session::begin(&fragile.app, &name, PASSWORD).await;
        let (reply, failed) = fragile.fail(steps, failure, own.delete_me(PASSWORD)).await;
        let account = fragile.users.account_by_username(&name).await.unwrap();
        if account.is_none() {
            other.assert_ended().await;
            assert!(reply.status == 204 || failure == Failure::Done, "{steps}");
            assert_eq!(own.refresh().await.status, 401);
        } else {
            assert_eq!(reply.status, 503, "{steps}");
            own.assert_live().await;
            assert_eq!(own.delete_me(PASSWORD).await.status, 204);
        }
        failed
    });
}

async fn a_change_of_names_is_safe_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let (name, new) = (format!("user{steps}{failure:?}"), format!("new{steps}{failure:?}"));
        fragile.sign_up(&name).await;
        let own = Session::begin(&fragile.app, &name, PASSWORD).await;
        let body = json!({ "username": new, "email": format!("{new}@example.com") });
        let (reply, failed) = fragile.fail(steps, failure, own.patch_me(&body)).await;
        let account = fragile.users.account_by_username(&new).await.unwrap();
        if reply.status == 200 {
            assert_eq!(account.unwrap().email(), Some(&*format!("{name}@example.com")));
            let kinds = [fragile.outbox.next().await.kind(), fragile.outbox.next().await.kind()];
            assert_eq!(kinds, [MessageKind::VerifyEmail, MessageKind::EmailChangeRequested]);
        } else {
            assert!(account.is_none() || failure == Failure::Done, "{steps}");
        }
        failed
    });
    // Rejected requests have sent no mail.
    let reply = call(&fragile.app, "/users/", &new_user("last")).await;
    assert_eq!(reply.status, 201);
    assert_eq!(fragile.outbox.next().await.to(), "last@example.com");
}

async fn an_address_is_confirmed_safely_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let (name, new) = (format!("user{steps}{failure:?}"), format!("new{steps}{failure:?}"));
        fragile.sign_up(&name).await;
        let own = Session::begin(&fragile.app, &name, PASSWORD).await;
        own.patch_me(&json!({ "email": format!("{new}@example.com") })).await;
        let token = fragile.outbox.token(MessageKind::VerifyEmail).await;
        assert_eq!(fragile.outbox.next().await.kind(), MessageKind::EmailChangeRequested);
        let body = json!({ "token": token });
        let verify = call(&fragile.app, "/users/verify", &body);
        let (reply, failed) = fragile.fail(steps, failure, verify).await;
        let account = fragile.users.account_by_username(&name).await.unwrap().unwrap();
        let is_changed = account.email() == Some(&*format!("{new}@example.com"));
        assert_eq!(account.is_verified(), is_changed);
        if reply.status == 204 {
            assert!(is_changed);
            assert_eq!(fragile.outbox.next().await.kind(), MessageKind::EmailChanged);
        } else {
            assert!(!is_changed || failure == Failure::Done, "{steps}");
        }
        failed
    });
}

async fn a_sign_up_is_verified_safely_at_each_step(database: Database) {
    let fragile = Fragile::new(&database);
    at_each_step!(|steps, failure| {
        let name = format!("user{steps}{failure:?}");
        assert_eq!(call(&fragile.app, "/users/", &new_user(&name)).await.status, 201);
        let token = fragile.outbox.token(MessageKind::VerifyEmail).await;
        let body = json!({ "token": token });
        let verify = call(&fragile.app, "/users/verify", &body);
        let (_, failed) = fragile.fail(steps, failure, verify).await;
        // A failure uses no token up without effect.
        call(&fragile.app, "/users/verify", &body).await;
        let account = fragile.users.account_by_username(&name).await.unwrap().unwrap();
        assert!(account.is_verified(), "{steps} {failure:?}");
        assert_eq!(call(&fragile.app, "/users/verify", &body).await.status, 400);
        failed
    });
}
