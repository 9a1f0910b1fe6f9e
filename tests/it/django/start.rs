//! Settings that Django accepts and the example rejects.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::{postgres, server::run};

use super::{
    database::{Database, Engine},
    deviations::assert_is_documented,
    pair::log_in,
    project::{Django, FEW_ITERATIONS, SECRET_KEY, Settings, python},
};

/// The deviation, the settings, and whether the blacklist app is installed.
fn rejected() -> Vec<(&'static str, Value, bool)> {
    const NO_APP: &str = "`BLACKLIST_AFTER_ROTATION` without the blacklist app";
    const SHORT: &str = "HMAC keys below 32/48/64 bytes";
    const TIMES: &str = "`LEEWAY` above five minutes, lifetimes of zero";
    let rotation = json!({"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true});
    vec![
        (NO_APP, rotation, false),
        (SHORT, json!({"SIGNING_KEY": "no more than thirty-one bytes!!"}), true),
        (TIMES, json!({"LEEWAY": 301}), true),
        (TIMES, json!({"ACCESS_TOKEN_LIFETIME": 0}), true),
    ]
}

#[test]
fn rejects_settings_that_protect_nothing() {
    if python().is_none() {
        return;
    }
    let Some(full) = Database::new(Engine::Sqlite, true) else { return };
    let plain = Database::new(Engine::Sqlite, false).expect("as above");
    for (deviation, simple_jwt, blacklist_app) in rejected() {
        assert_is_documented(deviation);
        let database = if blacklist_app { &full } else { &plain };
        let django = Django::start(&Settings {
            simple_jwt: simple_jwt.clone(),
            blacklist_app,
            database: database.settings.clone(),
            password_iterations: FEW_ITERATIONS,
            local_zone: None,
        });
        let request = log_in("/api/token/", "alice");
        let reply = django.send(&request.line, &request.headers, &request.body);
        assert_eq!(reply.status, 200, "the deviation did not occur: {deviation}");

        let simple_jwt = simple_jwt.to_string();
        let variables = [
            ("PORT", "0"),
            ("SECRET_KEY", SECRET_KEY),
            ("DATABASE_URL", &*database.url),
            ("SIMPLE_JWT", &*simple_jwt),
            ("TOKEN_BLACKLIST_APP", if blacklist_app { "1" } else { "0" }),
        ];
        let (status, output) = run("django", &variables, Duration::from_secs(60));
        assert_eq!(status.code(), Some(1), "{deviation}: {output}");
        assert!(!output.contains("thirty-one"), "{output}");
    }
}

#[test]
fn a_database_url_that_can_never_work_ends_the_start() {
    let Some(server) = postgres::shared() else { return };
    for url in [
        server.url().replace(postgres::PASSWORD, "hunter2"),
        server.url().replace("/postgres?", "/missing?"),
    ] {
        let variables = [("PORT", "0"), ("SECRET_KEY", SECRET_KEY), ("DATABASE_URL", &url)];
        let variables = [&variables[..], &[("TOKEN_BLACKLIST_APP", "1")]].concat();
        let (status, output) = run("django", &variables, Duration::from_secs(5));
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.starts_with("django: DATABASE_URL: "), "{output}");
        assert!(!output.contains("hunter2") && !output.contains(postgres::PASSWORD), "{output}");
    }
}
