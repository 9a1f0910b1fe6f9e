//! Logs and `Debug` output never contain a token, a secret, a password or a claim.

mod debug;
mod events;

use std::{error::Error, time::Duration};

use serde::{Deserialize, Serialize};
use tower_jwt_auth::{
    Issuer, MemoryStore, SigningKey,
    issue::IssuerBuilder,
    password::{MemoryUsers, PasswordHasher},
    user::User,
};

use crate::support::{keys, mint::clock};

type Outcome = Result<(), Box<dyn Error>>;

const PASSWORD: &str = "xyzzy-plugh-plover";

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Named {
    nickname: String,
}

/// A user. Each string occurs nowhere else.
#[derive(Clone, Copy)]
struct Person {
    id: &'static str,
    login: &'static str,
    nickname: &'static str,
    scope: &'static str,
    epoch: &'static str,
}

const ADA: Person = Person {
    id: "id-of-ada-7731",
    login: "login-of-ada",
    nickname: "nick-of-ada",
    scope: "scope-of-ada",
    epoch: "epoch-of-ada",
};
const BOB: Person = Person {
    id: "id-of-bob-8842",
    login: "login-of-bob",
    nickname: "nick-of-bob",
    scope: "scope-of-bob",
    epoch: "epoch-of-bob",
};

impl Person {
    fn user(&self) -> User<Named> {
        User::new(self.id, Named { nickname: self.nickname.to_owned() })
            .with_scopes([self.scope])
            .with_epoch(self.epoch)
    }

    fn strings(&self) -> [&'static str; 5] {
        [self.id, self.login, self.nickname, self.scope, self.epoch]
    }
}

fn issuer_builder(store: MemoryStore) -> IssuerBuilder<Named> {
    Issuer::builder(SigningKey::hs256(keys::SECRET).unwrap())
        .claims()
        .rotate_refresh_tokens(true)
        .reuse_grace(Duration::ZERO)
        .store(store)
        .clock(clock())
}

async fn users() -> Result<MemoryUsers<Named>, Box<dyn Error>> {
    let hasher = PasswordHasher::builder().memory_kib(1024).iterations(1).build()?;
    let users = MemoryUsers::new(hasher);
    for person in [ADA, BOB] {
        users.insert(person.login, PASSWORD, person.user()).await?;
    }
    Ok(users)
}

/// The parts and ids of a token.
fn strings_of(token: &str) -> Vec<String> {
    let parts = token.split('.').filter(|part| part.len() > 20).map(str::to_owned);
    let claims: Vec<serde_json::Value> = token
        .split('.')
        .nth(1)
        .and_then(|payload| {
            use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
            let json = BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?;
            let claims: serde_json::Value = serde_json::from_slice(&json).ok()?;
            Some(["jti", "sid"].into_iter().map(|name| claims[name].clone()).collect())
        })
        .unwrap_or_default();
    let ids = claims.iter().filter_map(|claim| claim.as_str()).map(str::to_owned);
    parts.chain(ids).collect()
}

/// The secret as text, as a derived `Debug` would show it, and encoded.
fn secret_strings() -> Vec<String> {
    use base64::{Engine, prelude::BASE64_STANDARD_NO_PAD};
    let numbers = format!("{:?}", keys::SECRET);
    let lines = format!("{:#?}", keys::SECRET);
    vec![
        str::from_utf8(keys::SECRET).unwrap().to_owned(),
        numbers.trim_matches(['[', ']']).to_owned(),
        lines.trim_matches(['[', ']', '\n']).to_owned(),
        BASE64_STANDARD_NO_PAD.encode(keys::SECRET)[..40].to_owned(),
    ]
}

#[track_caller]
fn assert_silent(output: &str, forbidden: impl IntoIterator<Item = impl AsRef<str>>) {
    for string in forbidden {
        let string = string.as_ref();
        assert!(!string.is_empty() && !output.contains(string), "`{string}` in: {output}");
    }
}
