//! What events and credentials learn about a login.

use std::{
    net::{IpAddr, SocketAddr},
    sync::{Arc, Mutex},
};

use axum::{Router, body::Body, extract::ConnectInfo};
use http::Request;
use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, Issuer, TokenRoutes,
    issue::{Event, IssuerBuilder},
    routes::TokenRoutesBuilder,
    store::MemoryStore,
    throttle::{ForwardedHeader, Throttle},
    token::{NoClaims, UserId},
    user::{Authentication, BackendError, Credentials, Fields, SecondFactor, User, UserBackend},
};

use crate::support::{
    login::{Directory, PASSWORD, Profile, Setup},
    reply::{self, post},
};

const KEY: [u8; 32] = [7; 32];
const OTHER_KEY: [u8; 32] = [8; 32];

/// The reason, the hash and the address of a failed login.
type Failure = (AuthErrorKind, Option<String>, Option<IpAddr>);

#[derive(Clone, Default)]
struct Failures(Arc<Mutex<Vec<Failure>>>);

impl Failures {
    fn push(&self, event: &Event<'_>) {
        if let Event::LoginFailed { reason, name_hash, address, .. } = *event {
            assert_eq!(format!("{event:?}"), "LoginFailed");
            self.0.lock().unwrap().push((reason, name_hash.map(str::to_owned), address));
        }
    }

    fn take(&self) -> Vec<Failure> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

fn issuer(setup: &Setup, failures: &Failures) -> IssuerBuilder<Profile> {
    let failures = failures.clone();
    setup.builder().on_event(move |event| failures.push(event))
}

fn routes(
    setup: &Setup,
    issuer: Issuer<Profile>,
) -> TokenRoutesBuilder<Directory<Profile>, Profile> {
    TokenRoutes::builder(issuer, setup.users.clone())
}

fn app(setup: &Setup, issuer: Issuer<Profile>) -> Router {
    routes(setup, issuer).build().unwrap().into_router()
}

fn request(body: &Value) -> Request<Body> {
    let mut request = post("/", body.to_string());
    let address = SocketAddr::from(([192, 0, 2, 1], 4711));
    request.extensions_mut().insert(ConnectInfo(address));
    request
}

async fn fail(app: &Router, name: &str) {
    let body = json!({"username": name, "password": "wrong"});
    assert_eq!(reply::send(app, request(&body)).await.status, 401);
}

fn address(address: &str) -> Option<IpAddr> {
    Some(address.parse().unwrap())
}

#[tokio::test]
async fn failed_logins_carry_a_keyed_hash_of_the_name() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let keyed = |key: [u8; 32]| issuer(&setup, &failures).login_name_key(key).build().unwrap();
    let here = keyed(KEY);
    for issuer in [here.clone(), keyed(KEY), keyed(OTHER_KEY)] {
        fail(&app(&setup, issuer), "Lovelace").await;
    }
    fail(&app(&setup, here.clone()), "LOVELACE").await;
    fail(&app(&setup, here.clone()), "nobody").await;

    let hash = here.login_name_hash("lovelace").unwrap();
    assert_eq!(hash.len(), 32);
    let hashes: Vec<_> = failures.take().into_iter().map(|(_, hash, _)| hash.unwrap()).collect();
    let is_same: Vec<_> = hashes.iter().map(|other| *other == hash).collect();
    assert_eq!(is_same, [true, true, false, true, false]);
    assert_eq!(hashes[4], here.login_name_hash("nobody").unwrap());
}

/// So hashes computed by other means, for example by an auditor's script, are the same.
#[test]
fn the_hash_is_hmac_sha_256() {
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, &KEY);
    let tag = aws_lc_rs::hmac::sign(&key, b"tower-jwt-auth login name\0ada");
    let expected: String = tag.as_ref()[..16].iter().map(|byte| format!("{byte:02x}")).collect();
    let issuer = issuer(&Setup::new(), &Failures::default()).login_name_key(KEY).build().unwrap();
    assert_eq!(issuer.login_name_hash("Ada").unwrap(), expected);
}

#[tokio::test]
async fn there_is_no_hash_without_a_key() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let issuer = issuer(&setup, &failures).build().unwrap();
    assert_eq!(issuer.login_name_hash("ada"), None);
    fail(&app(&setup, issuer), "ada").await;
    let expected = (AuthErrorKind::InvalidCredentials, None, address("192.0.2.1"));
    assert_eq!(failures.take(), [expected]);
}

#[tokio::test]
async fn failed_logins_carry_the_address_that_the_throttle_counts() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let issuer = issuer(&setup, &failures).login_name_key(KEY).build().unwrap();
    let throttle = || Throttle::builder(MemoryStore::new()).clock(&setup.clock);
    let proxies = throttle().trusted_proxies(1, ForwardedHeader::XForwardedFor);
    for (throttle, expected) in [
        (throttle(), "192.0.2.1"),
        (throttle().without_addresses(), "192.0.2.1"),
        (proxies, "203.0.113.7"),
    ] {
        let routes = routes(&setup, issuer.clone()).throttle(throttle.build().unwrap());
        let app = routes.build().unwrap().into_router();
        for _ in 0..11 {
            let mut request = request(&json!({"username": "ada", "password": "wrong"}));
            request.headers_mut().insert("x-forwarded-for", "203.0.113.7".parse().unwrap());
            reply::send(&app, request).await;
        }
        let hash = issuer.login_name_hash("ada");
        let failure = |reason| (reason, hash.clone(), address(expected));
        let mut all = vec![failure(AuthErrorKind::InvalidCredentials); 10];
        all.push(failure(AuthErrorKind::Throttled));
        assert_eq!(failures.take(), all);
    }
}

#[tokio::test]
async fn the_hash_is_that_of_the_field_that_names_the_account() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let issuer = issuer(&setup, &failures).login_name_key(KEY).build().unwrap();
    let app = routes(&setup, issuer.clone()).rename_field("username", "email").build().unwrap();
    let app = app.into_router();
    let body = json!({"email": "ada@example.org", "username": "x", "password": "wrong"});
    assert_eq!(reply::send(&app, request(&body)).await.status, 401);
    assert_eq!(failures.take()[0].1, issuer.login_name_hash("ada@example.org"));
}

/// No code is correct.
struct NoCode;

impl SecondFactor for NoCode {
    async fn is_enabled(&self, _: &UserId) -> Result<bool, BackendError> {
        Ok(true)
    }

    async fn verify(&self, _: &UserId, _: &str) -> Result<bool, BackendError> {
        Ok(false)
    }
}

#[tokio::test]
async fn wrong_codes_carry_the_hash_of_the_name_that_logged_in() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let issuer = issuer(&setup, &failures).login_name_key(KEY).build().unwrap();
    let routes = routes(&setup, issuer.clone()).second_factor(NoCode).build().unwrap();
    let app = routes.into_router();
    let body = json!({"username": "1", "password": PASSWORD});
    let step = reply::send(&app, request(&body)).await.json()["step"].clone();
    let body = json!({"step": step, "code": "000000"}).to_string();
    let mut request = post("/second-factor", body);
    request.extensions_mut().insert(ConnectInfo(SocketAddr::from(([192, 0, 2, 9], 4711))));
    assert_eq!(reply::send(&app, request).await.status, 401);
    let hash = issuer.login_name_hash("1");
    assert_eq!(failures.take(), [(AuthErrorKind::InvalidCode, hash, address("192.0.2.9"))]);
}

#[tokio::test]
async fn an_unknown_address_is_none() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let app = app(&setup, issuer(&setup, &failures).build().unwrap());
    let body = json!({"username": "ada", "password": "wrong"}).to_string();
    assert_eq!(reply::send(&app, post("/", body)).await.status, 401);
    assert_eq!(failures.take(), [(AuthErrorKind::InvalidCredentials, None, None)]);
}

#[test]
fn rejects_short_and_ineffective_keys() {
    let (setup, failures) = (Setup::new(), Failures::default());
    let error = issuer(&setup, &failures).login_name_key([7; 31]).build().unwrap_err();
    assert_eq!(error.kind(), ConfigErrorKind::Key);
    let builder = Issuer::builder(crate::support::login::key()).login_name_key(KEY);
    assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Ineffective);
}

/// Admits logins from one device at one address.
struct OneDevice;

struct Device {
    id: Option<String>,
    address: Option<IpAddr>,
}

impl Credentials for Device {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let id = fields.headers().get("x-device");
        let id = id.map(|id| id.to_str().unwrap().to_owned());
        Some(Self { id, address: fields.client_address() })
    }
}

impl UserBackend<NoClaims> for OneDevice {
    type Credentials = Device;

    async fn authenticate(&self, device: Device) -> Result<Authentication<NoClaims>, BackendError> {
        let is_known =
            device.id.as_deref() == Some("laptop") && device.address == address("192.0.2.1");
        Ok(is_known.then(|| User::new(1, NoClaims::default())).into())
    }

    async fn find(&self, _: &UserId) -> Result<Option<User<NoClaims>>, BackendError> {
        Ok(None)
    }
}

#[tokio::test]
async fn credentials_may_depend_on_headers_and_the_address() {
    let issuer = Issuer::builder(crate::support::login::key()).build().unwrap();
    let app: Router = TokenRoutes::builder(issuer, OneDevice).build().unwrap().into_router();
    let send = async |device: &'static str, last| {
        let mut request = request(&json!({"password": PASSWORD}));
        request.headers_mut().insert("x-device", device.parse().unwrap());
        let peer = SocketAddr::from(([192, 0, 2, last], 4711));
        request.extensions_mut().insert(ConnectInfo(peer));
        reply::send(&app, request).await.status.as_u16()
    };
    assert_eq!(send("laptop", 1).await, 200);
    assert_eq!(send("phone", 1).await, 401);
    assert_eq!(send("laptop", 2).await, 401);
}
