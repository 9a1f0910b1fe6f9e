//! Routes, statuses and bodies.

use serde_json::json;

use crate::support::login::payload;

use super::{
    assert_silent_about, checked, get, log_in, now, post, signed, start, start_with, tokens,
};

#[test]
fn a_session_works_from_login_to_logout() {
    let server = start();
    assert_eq!(server.send("GET /", "", b"").body, "public\n");

    let login = log_in(&server, "demo");
    let (access, refresh) = tokens(&login);
    assert_eq!(login.json().as_object().unwrap().len(), 2);
    let me = get(&server, "/api/me", &access);
    assert_eq!(
        (me.status.as_u16(), me.json()),
        (200, json!({"user_id": "1", "username": "demo", "is_admin": false}))
    );
    let claims = payload(&access);
    assert_eq!(claims["exp"].as_u64().unwrap() - claims["iat"].as_u64().unwrap(), 300);

    for token in [&access, &refresh] {
        for _ in 0..2 {
            let verified = post(&server, "/api/token/verify/", &json!({"token": token}));
            assert_eq!((verified.status.as_u16(), &*verified.body), (200, "{}"));
        }
    }
    let (next_access, next) =
        tokens(&post(&server, "/api/token/refresh/", &json!({"refresh": refresh})));
    assert_eq!(get(&server, "/api/me", &next_access).status, 200);
    for _ in 0..2 {
        let ended = post(&server, "/api/token/blacklist/", &json!({"refresh": next}));
        assert_eq!((ended.status.as_u16(), &*ended.body), (200, "{}"));
    }
    let ended = post(&server, "/api/token/blacklist/", &json!({"refresh": refresh}));
    assert_eq!(ended.status, 200);
    for token in [&access, &next_access] {
        assert_eq!(get(&server, "/api/me", token).status, 401);
        assert_eq!(post(&server, "/api/token/verify/", &json!({"token": token})).status, 401);
    }
    let ended = post(&server, "/api/token/refresh/", &json!({"refresh": next}));
    assert_eq!(ended.status, 401);
    for no_refresh_token in ["garbage", &access] {
        let body = json!({"refresh": no_refresh_token});
        assert_eq!(post(&server, "/api/token/blacklist/", &body).status, 401);
    }
    assert_silent_about(server, &[&access, &refresh, &next_access, &next]);
}

#[test]
fn reuse_ends_the_session() {
    let server = start();
    let (access, first) = tokens(&log_in(&server, "demo"));
    let (_, second) = tokens(&post(&server, "/api/token/refresh/", &json!({"refresh": first})));
    let spent = post(&server, "/api/token/verify/", &json!({"token": first}));
    assert_eq!(spent.status, 401);
    assert_eq!(post(&server, "/api/token/verify/", &json!({"token": second})).status, 200);
    for token in [&first, &second] {
        let rejected = post(&server, "/api/token/refresh/", &json!({"refresh": token}));
        assert_eq!(rejected.status, 401);
        assert_eq!(rejected.json()["code"], "token_revoked");
    }
    assert_eq!(get(&server, "/api/me", &access).status, 401);
    tokens(&log_in(&server, "demo"));
    assert_silent_about(server, &[&first, &second]);
}

#[test]
fn two_tabs_that_refresh_at_once_both_go_on() {
    let server = start_with(&[]);
    let (_, first) = tokens(&log_in(&server, "demo"));
    let [one, other] = [(); 2]
        .map(|()| tokens(&post(&server, "/api/token/refresh/", &json!({"refresh": first}))).1);
    assert_eq!(payload(&one)["jti"], payload(&other)["jti"]);
    let (access, _) = tokens(&post(&server, "/api/token/refresh/", &json!({"refresh": one})));
    assert_eq!(get(&server, "/api/me", &access).status, 200);
}

#[test]
fn admin_routes_require_an_admin() {
    let server = start();
    let (demo, _) = tokens(&log_in(&server, "demo"));
    let (admin, _) = tokens(&log_in(&server, "admin"));
    assert_eq!(get(&server, "/api/admin", &admin).status, 200);
    let me = get(&server, "/api/me", &admin).json();
    assert_eq!(me, json!({"user_id": "2", "username": "admin", "is_admin": true}));
    let rejected = get(&server, "/api/admin", &demo);
    assert_eq!(rejected.status, 403);
    assert_eq!(rejected.json()["code"], "permission_denied");
    assert_eq!(checked(server.send("GET /api/admin", "", b"")).status, 401);
}

#[test]
fn failed_logins_get_the_same_response() {
    let server = start();
    let mut replies = Vec::new();
    for (username, password) in [
        ("demo", "admin-password"),
        ("nobody", "demo-password"),
        ("DEMO", "demo-password"),
        ("demo", "demo-password "),
    ] {
        let body = json!({"username": username, "password": password});
        let reply = post(&server, "/api/token/", &body);
        assert_eq!(reply.status, 401);
        replies.push((reply.header("www-authenticate")[0].to_owned(), reply.body));
    }
    assert!(replies.windows(2).all(|pair| pair[0] == pair[1]), "{replies:?}");

    let reply = post(&server, "/api/token/", &json!({"username": 5}));
    assert_eq!(
        (reply.status.as_u16(), &reply.json()["code"], &reply.json()["errors"]),
        (400, &json!("invalid_body"), &json!({"password": ["This field is required."]}))
    );
}

#[test]
fn accepts_tokens_of_simplejwt_with_the_same_secret() {
    let server = start();
    for user_id in [r#""1""#, "1"] {
        let access = signed(&[("user_id", user_id)]);
        let me = get(&server, "/api/me", &access);
        assert_eq!(
            (me.status.as_u16(), me.json()),
            (200, json!({"user_id": "1", "username": "demo", "is_admin": false}))
        );
        assert_eq!(post(&server, "/api/token/verify/", &json!({"token": access})).status, 200);
    }
    let day = (now() + 86_400).to_string();
    let refresh = signed(&[
        ("token_type", r#""refresh""#),
        ("exp", &day),
        ("username", ""),
        ("is_admin", ""),
        ("jti", r#""0d9f8e7c6b5a49382716f5e4d3c2b1a0""#),
    ]);
    // Without `sid`, a refresh token belongs to no session that the server could end.
    let rejected = post(&server, "/api/token/refresh/", &json!({"refresh": refresh}));
    assert_eq!(rejected.status, 401);
}
