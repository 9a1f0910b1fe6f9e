//! Passwords that Django has hashed, in each format and with its default parameters.

use serde_json::{Value, json};

use super::{
    configuration,
    database::{Database, Engine},
    pair::{Pair, Side, log_in_with},
    project::{Settings, python},
};

/// The default of Django 5.2.
const ITERATIONS: u32 = 1_000_000;
const PASSWORD: &str = "pässword ☃";

/// The algorithms in Django's list, and one that is not.
const ALGORITHMS: [&str; 6] =
    ["pbkdf2_sha256", "pbkdf2_sha1", "argon2", "bcrypt_sha256", "scrypt", "bcrypt"];

#[test]
fn on_sqlite() {
    compare(Engine::Sqlite);
}

#[test]
fn on_postgres() {
    compare(Engine::Postgres);
}

fn compare(engine: Engine) {
    if python().is_none() {
        return;
    }
    let Some(database) = Database::empty(engine) else { return };
    let mut users = Vec::new();
    for side in ["django", "ours"] {
        for algorithm in ALGORITHMS {
            let username = format!("{algorithm}@{side}");
            users.push(json!({"username": username, "password": PASSWORD, "algorithm": algorithm}));
        }
    }
    let configuration = configuration::defaults();
    Settings {
        simple_jwt: json!({}),
        blacklist_app: true,
        database: database.settings.clone(),
        password_iterations: ITERATIONS,
        local_zone: None,
    }
    .seed(&Value::from(users));
    let pair = Pair::start_on(database, configuration, ITERATIONS);
    for algorithm in ALGORITHMS {
        let user = |side: Side| {
            format!("{algorithm}@{}", if side == Side::Django { "django" } else { "ours" })
        };
        let log_in = |side: Side, password: &str| log_in_with("/api/token/", &user(side), password);
        pair.compare(format!("{algorithm}, wrong"), |side| log_in(side, "wrong"));
        pair.compare(format!("{algorithm}, right"), |side| log_in(side, PASSWORD));
        // The hash that the other side has stored.
        pair.compare(format!("{algorithm} again"), |side| log_in(side.other(), PASSWORD));
    }
    let rows = pair.rows();
    let upgraded = rows.users.iter().filter(|user| !user.username.starts_with("bcrypt@"));
    for user in upgraded {
        let is_preferred = user.password.starts_with("pbkdf2_sha256$1000000$");
        pair.expect(&format!("{} has the preferred format", user.username), is_preferred);
    }
    pair.finish(3 * ALGORITHMS.len());
}
