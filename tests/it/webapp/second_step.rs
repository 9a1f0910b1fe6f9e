//! Codes of an authenticator app as the second step of a login.

use std::{thread, time::SystemTime};

use aws_lc_rs::hmac;
use serde_json::{Value, json};

use crate::support::{api::tokens, reply::Reply};

use super::{
    client::{Client, PASSWORD, bearer, rejected},
    databases, start,
};

/// The current step of time.
pub(crate) fn now() -> u64 {
    SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() / 30
}

/// The code of RFC 6238 for the base32 `secret` in a step of time.
pub(crate) fn code(secret: &str, step: u64) -> String {
    let mut bits = 0_u64;
    let mut count = 0;
    let mut key = Vec::new();
    for char in secret.trim_end_matches('=').bytes() {
        let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|other| *other == char);
        bits = bits << 5 | u64::try_from(value.unwrap()).unwrap();
        count += 5;
        if count >= 8 {
            count -= 8;
            key.push((bits >> count) as u8);
        }
    }
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &key);
    let hash = hmac::sign(&key, &step.to_be_bytes());
    let hash = hash.as_ref();
    let offset = usize::from(hash[19] & 15);
    let number = u32::from_be_bytes(hash[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// What ada has after the enrolment.
pub(super) struct Enrolled {
    pub(super) secret: String,
    /// The step of time whose code is used.
    step: u64,
    pub(super) recovery_codes: Vec<String>,
}

pub(super) fn enrol(client: &mut Client<'_>) -> Enrolled {
    let reply = client.post("/api/totp", &Value::Null);
    assert_eq!(reply.status, 200, "{reply:?}");
    let body = reply.json();
    let secret = body["secret"].as_str().unwrap().to_owned();
    assert!(body["uri"].as_str().unwrap().starts_with("otpauth://totp/"), "{body}");
    assert!(body["uri"].as_str().unwrap().contains(&secret), "{body}");
    assert!(body["qr"].as_str().unwrap().contains("<svg"), "{body}");
    let step = now();
    let reply = client.post("/api/totp/confirm", &json!({ "code": code(&secret, step) }));
    assert_eq!(reply.status, 200, "{reply:?}");
    let codes = reply.json()["recovery_codes"].as_array().unwrap().clone();
    let recovery_codes = codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect();
    Enrolled { secret, step, recovery_codes }
}

/// Logs in with the password. Returns the token for the second step.
fn first_step(client: &mut Client<'_>, path: &str) -> String {
    let reply = client.post(path, &json!({ "username": "ada", "password": PASSWORD }));
    let body = rejected(&reply, 401, "second_factor_required");
    assert!(client.cookies.is_empty());
    body["step"].as_str().unwrap().to_owned()
}

fn second_step(client: &mut Client<'_>, path: &str, code: &str) -> Reply {
    let step = first_step(client, path);
    let path = format!("{}/second-factor", path.trim_end_matches('/'));
    client.post(&path, &json!({ "step": step, "code": code }))
}

#[test]
fn a_login_needs_a_code_that_works_once() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let mut client = Client::logged_in(&servers[0]);
        let wrong = client.post("/api/totp/confirm", &json!({ "code": "000000" }));
        assert!([400, 404, 409].contains(&wrong.status.as_u16()), "{wrong:?}");
        let Enrolled { secret, step, recovery_codes } = enrol(&mut client);
        assert_eq!(recovery_codes.len(), 10);
        assert_eq!(client.post("/api/totp", &Value::Null).status, 409);

        let mut client = Client::new(&servers[1]);
        // The code of the enrolment counts as used.
        let reply = second_step(&mut client, "/api/session/", &code(&secret, step));
        rejected(&reply, 401, "invalid_code");
        rejected(&second_step(&mut client, "/api/session/", "000000"), 401, "invalid_code");
        let next = code(&secret, step + 1);
        let reply = second_step(&mut client, "/api/session/", &next);
        assert_eq!(reply.status, 200, "{reply:?}");
        assert_eq!(reply.json()["user"]["username"], "ada");
        assert_eq!(client.get("/api/me").status, 200);
        let mut client = Client::new(&servers[0]);
        rejected(&second_step(&mut client, "/api/session/", &next), 401, "invalid_code");

        for path in ["/api/session/", "/api/token/"] {
            let recovery = &recovery_codes[usize::from(path.contains("token"))];
            let reply = second_step(&mut Client::new(&servers[0]), path, recovery);
            assert_eq!(reply.status, 200, "{reply:?}");
            if path.contains("token") {
                let (access, _) = tokens(&reply);
                let mut client = Client::new(&servers[0]);
                assert_eq!(client.send("GET /api/me", &bearer(&access), &Value::Null).status, 200);
            }
            let reply = second_step(&mut Client::new(&servers[1]), path, recovery);
            rejected(&reply, 401, "invalid_code");
        }
    }
}

#[test]
fn can_be_turned_off_with_the_password() {
    for database in databases() {
        let server = start(&database.url, &[]);
        let mut client = Client::logged_in(&server);
        enrol(&mut client);
        let reply = client.delete_with("/api/totp", &json!({ "password": "wrong" }));
        let body = rejected(&reply, 400, "invalid_body");
        assert!(body["errors"]["password"].is_array(), "{body}");
        let reply = client.delete_with("/api/totp", &json!({ "password": PASSWORD }));
        assert_eq!(reply.status, 204, "{reply:?}");
        assert_eq!(Client::new(&server).log_in("ada").status, 200);
    }
}

#[test]
fn one_of_many_concurrent_codes_wins() {
    for database in databases() {
        let servers = [(); 2].map(|()| start(&database.url, &[]));
        let Enrolled { secret, step, recovery_codes } = enrol(&mut Client::logged_in(&servers[0]));
        for code in [code(&secret, step + 1), recovery_codes[0].clone()] {
            let steps: Vec<_> = (0..8)
                .map(|_| first_step(&mut Client::new(&servers[0]), "/api/session/"))
                .collect();
            let statuses: Vec<u16> = thread::scope(|scope| {
                let second = |(index, step): (usize, &String)| {
                    let (server, code) = (&servers[index % 2], &code);
                    let body = json!({ "step": step, "code": code });
                    scope.spawn(move || {
                        let reply = Client::new(server).post("/api/session/second-factor", &body);
                        reply.status.as_u16()
                    })
                };
                let running: Vec<_> = steps.iter().enumerate().map(second).collect();
                running.into_iter().map(|running| running.join().unwrap()).collect()
            });
            assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
        }
    }
}
