//! The server as an issuer for other services, with published keys that rotate.

use std::{
    collections::BTreeSet,
    fs, thread,
    time::{Duration, Instant},
};

use serde_json::Value;
use tower_jwt_auth::{KeySet, Verifier, VerifyingKey, token::TokenProfile};

use crate::support::{
    api::{assert_silent_about, log_in, tokens},
    folder::Folder,
    login::{SECRET, part},
    redis::free_port,
    server::{Server, run},
};

use super::{FIVE_SECONDS, me, refresh};

/// How long a busy machine may take for any step.
const TIMEOUT: Duration = Duration::from_secs(60);

/// A rotation every three seconds.
pub(super) const QUICK: [(&str, &str); 5] = [
    ("KEY_ROTATION", "3"),
    ("KEY_LEAD_TIME", "2"),
    ("KEY_MAX_AGE", "1"),
    // Longer lifetimes would keep too many keys at a time.
    ("REFRESH_LIFETIME", "60"),
    ("ACCESS_LIFETIME", "60"),
];

pub(super) fn start(folder: &Folder, variables: &[(&str, &str)]) -> Server {
    let port = free_port().to_string();
    let issuer = format!("http://127.0.0.1:{port}");
    let path = folder.path().join("keys").display().to_string();
    let own = [("PORT", &*port), ("ISSUER", &issuer), ("KEYS_DIR", &path)];
    Server::start("server", &[&own, variables].concat())
}

fn fetch(server: &Server, path: &str) -> Value {
    let reply = server.send(&format!("GET {path}"), "", b"");
    assert_eq!(reply.status, 200, "{reply:?}");
    reply.json()
}

fn published(server: &Server) -> Vec<Value> {
    fetch(server, "/.well-known/jwks.json")["keys"].as_array().unwrap().clone()
}

fn kids(server: &Server) -> BTreeSet<String> {
    published(server).iter().map(|key| key["kid"].as_str().unwrap().to_owned()).collect()
}

/// A verifier with the keys that are published now.
fn remote_verifier(server: &Server) -> Verifier {
    let keys = published(server).iter().fold(KeySet::builder(), |keys, jwk| {
        keys.verifying_key(VerifyingKey::from_jwk(&jwk.to_string(), None).unwrap())
    });
    let verifier = Verifier::builder(keys.build().unwrap()).profile(TokenProfile::Rfc9068);
    verifier.issuer(format!("http://{}", server.address())).audience("api").build().unwrap()
}

pub(super) fn wait_until(what: &str, mut condition: impl FnMut() -> bool) {
    let start = Instant::now();
    while !condition() {
        assert!(start.elapsed() < TIMEOUT, "{what}");
        thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn services_find_the_keys_by_the_issuer_url() {
    let folder = Folder::new();
    let server = start(&folder, &[]);
    let issuer = format!("http://{}", server.address());
    for name in ["openid-configuration", "oauth-authorization-server"] {
        let metadata = fetch(&server, &format!("/.well-known/{name}"));
        assert_eq!(metadata["issuer"], issuer);
        assert_eq!(metadata["jwks_uri"], format!("{issuer}/.well-known/jwks.json"));
    }
    for (username, scopes) in [("demo", "read"), ("admin", "read write")] {
        let (access, token) = tokens(&log_in(&server, username));
        let claims = remote_verifier(&server).verify(&access).unwrap();
        assert_eq!(claims.scopes().collect::<Vec<_>>().join(" "), scopes);
        assert!(remote_verifier(&server).verify(&token).is_err(), "a refresh token");
        assert_eq!(me(&server, &access), 200);
        tokens(&refresh(&server, &token));
    }
    let stored = fs::read_to_string(folder.path().join("keys/keys.json")).unwrap();
    let private = stored.split('"').max_by_key(|text| text.len()).unwrap();
    assert_silent_about(server, &[private]);
}

#[test]
fn publishes_nothing_without_an_issuer() {
    let server = Server::start("server", &[("PORT", "0"), ("JWT_SECRET", SECRET)]);
    for path in ["jwks.json", "openid-configuration", "oauth-authorization-server"] {
        let reply = server.send(&format!("GET /.well-known/{path}"), "", b"");
        assert_eq!(reply.status, 404);
    }
}

#[test]
fn a_hangup_starts_a_rotation_that_survives_a_restart() {
    let folder = Folder::new();
    let mut server = start(&folder, &[]);
    let (_, token) = tokens(&log_in(&server, "demo"));
    let before = kids(&server);
    server.signal("HUP");
    wait_until("the next key is published", || kids(&server).len() == 2);
    assert!(kids(&server).is_superset(&before));
    let after = kids(&server);
    server.signal("TERM");
    assert_eq!(server.wait(FIVE_SECONDS).code(), Some(0));

    let server = start(&folder, &[]);
    assert_eq!(kids(&server), after);
    // The port and with it the issuer has changed, so the token is no longer valid.
    assert_eq!(refresh(&server, &token).json()["code"], "token_invalid");
}

#[test]
fn tokens_stay_valid_while_keys_rotate() {
    let folder = Folder::new();
    let server = start(&folder, &QUICK);
    let mut signed_with = BTreeSet::new();
    let mut first = None;
    wait_until("three rotations", || {
        let (access, _) = tokens(&log_in(&server, "demo"));
        assert_eq!(me(&server, &access), 200);
        assert!(remote_verifier(&server).verify(&access).is_ok());
        let header: Value = serde_json::from_str(&part(&access, 0)).unwrap();
        signed_with.insert(header["kid"].as_str().unwrap().to_owned());
        // The keys published now still verify the oldest token.
        let first = first.get_or_insert(access);
        assert!(remote_verifier(&server).verify(first).is_ok());
        signed_with.len() > 3
    });
}

#[test]
fn copies_share_a_folder_and_survive_being_killed() {
    let folder = Folder::new();
    let mut seen = BTreeSet::new();
    for round in 0..4 {
        let copies: Vec<_> = thread::scope(|scope| {
            let starting: Vec<_> = (0..3).map(|_| scope.spawn(|| start(&folder, &QUICK))).collect();
            starting.into_iter().map(|copy| copy.join().unwrap()).collect()
        });
        wait_until("the copies agree", || {
            let kids: BTreeSet<_> = copies.iter().map(kids).collect();
            kids.len() == 1
        });
        let now = kids(&copies[0]);
        assert!(seen.is_empty() || !now.is_disjoint(&seen), "round {round} lost every key");
        seen = now;
        // At any point of their work.
        for copy in &copies {
            copy.signal("KILL");
        }
        let bytes = fs::read(folder.path().join("keys/keys.json")).unwrap();
        let stored: Value = serde_json::from_slice(&bytes).expect("a complete file");
        assert!(!stored["keys"].as_array().unwrap().is_empty());
    }
}

#[test]
fn configuration_errors_name_the_setting() {
    let folder = Folder::new();
    let path = folder.path().join("keys").display().to_string();
    let file = folder.path().join("file").display().to_string();
    fs::write(&file, "").unwrap();
    let issuer = "http://127.0.0.1:3000";
    for (variables, message) in [
        (&[("ISSUER", issuer)][..], "ISSUER and KEYS_DIR must be set together"),
        (&[("KEYS_DIR", &path)], "ISSUER and KEYS_DIR must be set together"),
        (&[("ISSUER", issuer), ("KEYS_DIR", &file)], "KEYS_DIR: the key storage failed"),
        (
            &[("ISSUER", "http://login.example"), ("KEYS_DIR", &path)],
            "ISSUER: `issuer` must be an https URL",
        ),
        (
            &[("ISSUER", issuer), ("KEYS_DIR", &path), ("KEY_LEAD_TIME", "8000000")],
            "`lead_time` must be shorter",
        ),
        (
            &[("ISSUER", issuer), ("KEYS_DIR", &path), ("KEY_MAX_AGE", "3600")],
            "ISSUER: the `lead_time` of rotated keys",
        ),
        (
            &[
                ("ISSUER", issuer),
                ("KEYS_DIR", &path),
                ("KEY_ROTATION", "7200"),
                ("REFRESH_LIFETIME", "864000"),
            ],
            "`token_lifetime` is so much longer",
        ),
    ] {
        let variables = [&[("PORT", "0"), ("JWT_SECRET", SECRET)], variables].concat();
        let (status, output) = run("server", &variables, FIVE_SECONDS);
        assert_eq!(status.code(), Some(1), "{output}");
        assert!(output.contains(message) && output.lines().count() == 1, "{message}: {output}");
    }
}
