use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value};

use crate::error::AuthError;

use super::{database::DjangoUser, json_object::JsonObject};

type Hook<T, R = ()> = Option<Arc<dyn Fn(T) -> R + Send + Sync>>;
type NameHook = Option<Arc<dyn Fn(&str) + Send + Sync>>;
type UserHook<R = ()> = Option<Arc<dyn Fn(&DjangoUser) -> R + Send + Sync>>;

/// The application's own code, set with [`SimpleJwtBuilder`](super::SimpleJwtBuilder).
#[derive(Default)]
pub(super) struct Hooks {
    pub(super) token_claims: Hook<DjangoUser, BoxFuture<'static, Result<JsonObject, AuthError>>>,
    pub(super) user_rule: UserHook<bool>,
    pub(super) on_login_success: UserHook,
    pub(super) on_login_failed: NameHook,
    pub(super) response_extras: UserHook<Map<String, Value>>,
}
