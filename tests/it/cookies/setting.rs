//! The cookies that the session routes set, read by another implementation.

use axum::Router;
use http::{HeaderName, Request, header::COOKIE};
use serde_json::{Value, json};
use tower_jwt_auth::{
    routes::SessionRoutes,
    transport::{SameSite, SessionCookies, SessionCookiesBuilder},
    user::User,
};

use crate::support::{
    login::{PASSWORD, Profile, Setup},
    python,
    reply::{self, Reply, post},
};

use super::PARSE;

const SECRET: &[u8] = b"a secret of thirty-two bytes....";

fn app(setup: &Setup, cookies: &SessionCookies) -> Router {
    let routes = SessionRoutes::builder(setup.issuer(), setup.users.clone(), cookies);
    routes.at("/api/session").build().unwrap().into_router()
}

async fn log_in(app: &Router) -> Reply {
    let body = json!({ "username": "1", "password": PASSWORD });
    reply::send(app, post("/api/session/", body.to_string())).await
}

/// A logout with the cookies that `login` has set.
async fn log_out(app: &Router, login: &Reply) -> Reply {
    let cookies = login.header("set-cookie");
    let pairs: Vec<_> = cookies.iter().map(|line| line.split(';').next().unwrap()).collect();
    let request = Request::delete("/api/session/").header(COOKIE, pairs.join("; "));
    let request = request.header("sec-fetch-site", "same-origin");
    reply::send(app, request.body(axum::body::Body::empty()).unwrap()).await
}

/// The cookies of a login as Python reads them: name, domain, path, `SameSite`, and whether the cookie
/// is `HttpOnly` and `Secure`.
type Expected = (&'static str, &'static str, &'static str, &'static str, bool, bool);

#[tokio::test]
async fn another_parser_reads_what_is_set_and_deleted() {
    let with = |configure: fn(SessionCookiesBuilder) -> SessionCookiesBuilder| {
        configure(SessionCookies::builder()).build().unwrap()
    };
    let cases: [(SessionCookies, &[Expected]); 5] = [
        (
            with(|builder| builder),
            &[
                ("__Host-access", "", "/", "Lax", true, true),
                ("__Secure-refresh", "", "/api/session", "Strict", true, true),
            ],
        ),
        (
            with(|builder| builder.double_submit(SECRET).same_site(SameSite::None)),
            &[
                ("__Host-access", "", "/", "None", true, true),
                ("__Secure-refresh", "", "/api/session", "Strict", true, true),
                ("__Host-csrf", "", "/", "None", false, true),
            ],
        ),
        (
            with(|builder| builder.domain("app.example").path("/api").double_submit(SECRET)),
            &[
                ("__Secure-access", "app.example", "/api", "Lax", true, true),
                ("__Secure-refresh", "app.example", "/api/session", "Strict", true, true),
                ("__Secure-csrf", "app.example", "/", "Lax", false, true),
            ],
        ),
        (
            with(|builder| builder.insecure_http(true).double_submit(SECRET)),
            &[
                ("access", "", "/", "Lax", true, false),
                ("refresh", "", "/api/session", "Strict", true, false),
                ("csrf", "", "/", "Lax", false, false),
            ],
        ),
        (
            with(|builder| {
                builder
                    .access_name("a")
                    .refresh_name("__Host-b")
                    .refresh_path("/")
                    .refresh_same_site(SameSite::Lax)
            }),
            &[("a", "", "/", "Lax", true, true), ("__Host-b", "", "/", "Lax", true, true)],
        ),
    ];
    for (cookies, expected) in cases {
        let app = app(&Setup::new(), &cookies);
        let login = log_in(&app).await;
        let logout = log_out(&app, &login).await;
        assert_eq!((login.status.as_u16(), logout.status.as_u16()), (200, 204));
        for (reply, is_deleted) in [(&login, false), (&logout, true)] {
            let lines = reply.header("set-cookie");
            assert!(lines.iter().all(|line| line.len() <= 4096));
            let Some(parsed) = python::run(PARSE, &json!(lines)) else { return };
            let expected: Vec<_> = expected.iter().map(|cookie| described(*cookie)).collect();
            let (found, lifetimes): (Vec<_>, Vec<_>) =
                parsed.as_array().unwrap().iter().cloned().map(without_lifetime).unzip();
            assert_eq!(found, expected);
            for (value, max_age, expires) in lifetimes {
                assert_eq!(value.is_empty(), is_deleted);
                assert_eq!(max_age == "0", is_deleted, "{max_age}");
                assert_eq!(expires.is_some(), is_deleted, "{expires:?}");
            }
        }
    }
}

fn described((name, domain, path, same_site, http_only, secure): Expected) -> Value {
    let mut cookie = json!({ "name": name, "path": path, "samesite": same_site });
    if !domain.is_empty() {
        cookie["domain"] = json!(domain);
    }
    for (attribute, is_set) in [("httponly", http_only), ("secure", secure)] {
        if is_set {
            cookie[attribute] = json!(true);
        }
    }
    cookie
}

/// A parsed cookie without its value, `Max-Age` and `Expires`; and these.
fn without_lifetime(mut cookie: Value) -> (Value, (String, String, Option<Value>)) {
    let fields = cookie.as_object_mut().unwrap();
    let mut take = |name: &str| fields.remove(name).unwrap().as_str().unwrap().to_owned();
    let (value, max_age) = (take("value"), take("max-age"));
    let expires = fields.remove("expires");
    (cookie, (value, max_age, expires))
}

/// Browsers ignore longer cookies, and the user would wonder why the login has no effect.
#[tokio::test]
async fn a_cookie_over_4096_bytes_is_an_error() {
    let mut outcomes = Vec::new();
    for len in 2700..2800 {
        let setup = Setup::new();
        setup.users.put(User::new(1, Profile { username: "a".repeat(len) }));
        let reply = log_in(&app(&setup, &SessionCookies::builder().build().unwrap())).await;
        let lines = reply.header("set-cookie");
        if reply.status == 200 {
            outcomes.push(lines.iter().map(|line| line.len()).max().unwrap());
        } else {
            assert_eq!((reply.status.as_u16(), lines.len()), (500, 0));
            assert!(reply.body.contains("misconfigured") && !reply.body.contains("aaa"));
            outcomes.push(usize::MAX);
        }
    }
    // Each byte of the name adds one or two to the cookie, up to the maximum.
    let longest = outcomes.iter().filter(|len| **len != usize::MAX).max();
    assert!(longest.is_some_and(|longest| (4094..=4096).contains(longest)), "{longest:?}");
    assert!(outcomes.is_sorted() && outcomes.contains(&usize::MAX));
}

/// Logs in and refreshes with Python's cookie jar, which sends neither `Sec-Fetch-Site` nor `Origin`.
/// Returns the status without the token, with it, with it after a refresh, and with another one.
const REFRESH: &str = r#"
import json, sys, urllib.error, urllib.request
from http.cookiejar import CookieJar

url, body = json.load(sys.stdin)
jar = CookieJar()
opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))


def post(path, headers={}, body=b"{}"):
    headers = {"Content-Type": "application/json", **headers}
    request = urllib.request.Request(url + path, body, headers)
    try:
        return opener.open(request).status
    except urllib.error.HTTPError as error:
        return error.code


def token():
    return {cookie.name: cookie.value for cookie in jar}["csrf"]


login = post("/", body=json.dumps(body).encode())
first = token()
results = [login, post("/refresh"), post("/refresh", {"X-CSRF-Token": first})]
results += [token() == first, post("/refresh", {"X-CSRF-Token": token()})]
results += [post("/refresh", {"X-CSRF-Token": "0" * 64})]
json.dump(results, sys.stdout)
"#;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_old_client_refreshes_with_the_signed_token() {
    let cookies =
        SessionCookies::builder().insecure_http(true).double_submit(SECRET).build().unwrap();
    let app = app(&Setup::new(), &cookies);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/api/session", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, app).await });
    let input = json!([url, { "username": "1", "password": PASSWORD }]);
    let results = tokio::task::spawn_blocking(move || python::run(REFRESH, &input)).await.unwrap();
    if let Some(results) = results {
        assert_eq!(results, json!([200, 403, 200, true, 200, 403]));
    }
}

/// Tokens of one session do not serve another, for example one that another site has logged in.
#[tokio::test]
async fn the_signed_token_of_another_session_is_rejected() {
    let cookies = SessionCookies::builder().double_submit(SECRET).build().unwrap();
    let app = app(&Setup::new(), &cookies);
    let [own, other] = [log_in(&app).await, log_in(&app).await].map(|login| {
        let lines = login.header("set-cookie").into_iter();
        let pairs: Vec<_> = lines.map(|line| line.split(';').next().unwrap().to_owned()).collect();
        <[String; 3]>::try_from(pairs).unwrap()
    });
    let header = HeaderName::from_static("x-csrf-token");
    let refresh = |cookies: [&String; 3], csrf: &str| {
        let cookies = cookies.map(String::as_str).join("; ");
        let mut request = post("/api/session/refresh", "{}");
        request.headers_mut().insert(COOKIE, cookies.parse().unwrap());
        request.headers_mut().insert(&header, csrf.split('=').nth(1).unwrap().parse().unwrap());
        request
    };
    let cases = [
        (refresh([&own[0], &own[1], &other[2]], &other[2]), 403),
        (refresh([&own[0], &other[1], &own[2]], &own[2]), 403),
        (refresh([&other[0], &own[1], &own[2]], &own[2]), 403),
        (refresh([&own[0], &own[1], &own[2]], &own[2]), 200),
    ];
    for (request, expected) in cases {
        assert_eq!(reply::send(&app, request).await.status.as_u16(), expected);
    }
}
