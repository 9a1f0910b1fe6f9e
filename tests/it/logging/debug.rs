//! `Debug` of public types shows no key, token, password, claim or id.

use std::{collections::BTreeSet, fmt::Debug, fs, path::Path};

use serde_json::json;
use tower::{Layer, Service};
use tower_jwt_auth::{
    Algorithm, AuthError, AuthErrorKind, Claims, Issuer, JwtAuthLayer, KeySet, MemoryStore,
    NumericDate, SigningKey, TokenRoutes, Verifier, VerifyingKey,
    guard::RequireLayer,
    issue::Event,
    password::PasswordHasher,
    routes::SessionRoutes,
    store::{
        NewSession, Page, PostgresStore, RedisStore, Revocation, Spend, Spent, SqliteStore,
        TokenRef, TokenStore,
    },
    token::{Jws, UserId},
    transport::SessionCookies,
    user::{Credentials, Fields, UsernamePassword},
};

use crate::support::{app::bearer, keys, mint::NOW, repository};

use super::{
    ADA, Named, Outcome, PASSWORD, assert_silent, issuer_builder, secret_strings, strings_of, users,
};

/// The plain and the pretty `Debug` output of values.
#[derive(Default)]
struct Shown(String);

impl Shown {
    fn add(&mut self, values: &[&dyn Debug]) {
        for value in values {
            self.0 += &format!("{value:?}\n{value:#?}\n");
        }
    }
}

/// A line of the body of a PEM file, and the last bytes as numbers.
fn pem_strings(pem: &str) -> Vec<String> {
    let der = keys::der(pem);
    let last = &der[der.len() - 16..];
    let numbers = format!("{last:?}");
    vec![pem.lines().nth(1).unwrap().to_owned(), numbers.trim_matches(['[', ']']).to_owned()]
}

#[test]
fn debug_of_keys_hides_key_material() -> Outcome {
    let mut shown = Shown::default();
    let pairs = [
        (Algorithm::RS256, keys::RSA, keys::RSA_PUBLIC),
        (Algorithm::ES256, keys::P256, keys::P256_PUBLIC),
        (Algorithm::EdDSA, keys::ED25519, keys::ED25519_PUBLIC),
    ];
    for (algorithm, private, public) in pairs {
        let signing = SigningKey::from_pem(algorithm, private)?;
        let verifying = VerifyingKey::from_pem(algorithm, public)?;
        shown.add(&[&signing, &verifying, &KeySet::from(signing.clone()), &Some(&signing)]);
        assert_silent(&shown.0, pem_strings(private));
        assert_silent(&shown.0, pem_strings(public));
    }
    let signing = SigningKey::hs256(keys::SECRET)?;
    let verifying = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET)?;
    let builder = KeySet::builder().signing_key(signing.clone()).verifying_key(verifying.clone());
    let from_jwk = SigningKey::from_jwk(keys::RFC_OCT, Algorithm::HS256)?;
    shown.add(&[&signing, &verifying, &builder, &from_jwk, &KeySet::from(verifying.clone())]);
    shown.add(&[&Verifier::builder(verifying.clone()).claims::<Named>()]);
    shown.add(&[&Verifier::builder(verifying).claims::<Named>().build()?]);
    assert_silent(&shown.0, secret_strings());
    let rfc: serde_json::Value = serde_json::from_str(keys::RFC_OCT)?;
    assert_silent(&shown.0, [rfc["k"].as_str().unwrap()]);
    assert!(shown.0.contains("[redacted]"));

    // Neither do the errors about invalid keys.
    let weak = SigningKey::hs256("hunter2-hunter2").unwrap_err();
    let not_pem = SigningKey::from_pem(Algorithm::RS256, "-----BEGIN hunter2-----").unwrap_err();
    let output = format!("{weak} {weak:?} {weak:#?} {not_pem} {not_pem:?} {not_pem:#?}");
    assert_silent(&output, ["hunter2"]);
    Ok(())
}

#[tokio::test]
async fn debug_of_handles_hides_tokens_claims_and_users() -> Outcome {
    let store = MemoryStore::new();
    let issuer = issuer_builder(store.clone()).build()?;
    let tokens = issuer.login(&ADA.user()).await?;
    let claims = issuer.verifier().verify(tokens.access())?;
    let user_id = UserId::from(ADA.id);
    let sessions = issuer.sessions(&user_id).await?;
    let users = users().await?;
    let routes = TokenRoutes::builder(issuer.clone(), users.clone());
    let auth = JwtAuthLayer::new(issuer.verifier()).with_revocation_check(store.clone());
    let guard = RequireLayer::scope(ADA.scope);
    let mut service = auth.layer(tower::service_fn(async |_: http::Request<String>| {
        Ok::<_, std::convert::Infallible>(http::Response::new(String::new()))
    }));
    let mut extensions = http::Extensions::new();
    extensions.insert(claims.clone());

    let mut shown = Shown::default();
    shown.add(&[&issuer, &issuer_builder(store.clone()), &issuer.verifier(), &tokens, &claims]);
    shown.add(&[&Claims::clone(&claims), &user_id, &sessions, &users, &ADA.user(), &extensions]);
    shown.add(&[&TokenRoutes::new(issuer.clone(), users.clone()), &routes, &auth, &guard]);
    shown.add(&[&guard.layer(()), &auth.layer(()), &service.call(bearer(tokens.access()))]);
    shown.add(&[&store, &PasswordHasher::new(), &Issuer::clone(&issuer)]);
    shown.add(&[&claims.require_scope("hidden-scope").unwrap_err()]);
    let cookies = SessionCookies::builder().double_submit(keys::SECRET).build()?;
    let sessions = SessionRoutes::builder(issuer.clone(), users.clone(), &cookies).build()?;
    shown.add(&[&cookies, &sessions, &sessions.cookies_for(&tokens)?]);
    let key = VerifyingKey::from_secret(Algorithm::HS256, keys::SECRET)?;
    shown.add(&[&Jws::verify(tokens.access(), &key, 8192)?]);
    shown.add(&[&issuer.refresh(tokens.access(), &users).await.unwrap_err()]);

    assert_silent(&shown.0, strings_of(tokens.access()));
    assert_silent(&shown.0, strings_of(tokens.refresh().unwrap_or_default()));
    assert_silent(&shown.0, ADA.strings());
    assert_silent(&shown.0, secret_strings());
    assert_silent(&shown.0, [PASSWORD, "hidden-scope", tokens.session_id()]);
    Ok(())
}

#[test]
fn debug_of_credentials_hides_names_and_passwords() {
    let fields = || {
        let fields = json!({ "username": ADA.login, "password": PASSWORD });
        Fields::new(fields.as_object().unwrap().clone())
    };
    let mut shown = Shown::default();
    let credentials = UsernamePassword::from_fields(&mut fields()).unwrap();
    shown.add(&[&fields(), &credentials, &Some(credentials.clone())]);
    assert_silent(&shown.0, [PASSWORD, ADA.login]);
}

#[tokio::test]
async fn debug_of_stores_events_and_errors_hides_ids() -> Outcome {
    const JTI: &str = "jti-to-hide";
    const SID: &str = "sid-to-hide";
    let now = NumericDate::from_secs(NOW);
    let user_id = &UserId::from(ADA.id);
    let session = NewSession::new(SID, user_id, JTI, now);
    let token = Revocation::Token { jti: JTI, user_id, keep_until: now };
    let ended = Revocation::Session { session_id: SID, user_id, keep_until: now };
    let everything = Revocation::User { user_id, except: Some(SID), keep_until: now };
    let reference = TokenRef::new(ADA.id, now).with_jti(Some(JTI)).with_session(Some(SID));
    let store = MemoryStore::new();
    store.begin(&session).await?;
    store.revoke(&token, now).await?;

    let mut shown = Shown::default();
    shown.add(&[&session, &Spend::new(&session, now, JTI), &token, &ended, &everything]);
    shown.add(&[&reference, &store, &Spent::Again { successor: JTI.into(), at: now }]);
    shown.add(&[&store.sessions(user_id, NumericDate::default(), Page::first()).await?]);
    shown.add(&[&Event::TokenRevoked { user_id: ADA.id, jti: JTI }]);
    shown.add(&[&Event::UserRevoked { user_id: ADA.id }]);
    shown.add(&[&Event::Replayed {
        user_id: ADA.id,
        session_id: SID,
        jti: JTI,
        successor: JTI,
        spent_at: now,
        replayed_at: now,
    }]);
    shown.add(&[&AuthError::from(AuthErrorKind::Unavailable)]);

    let url = |scheme: &str| format!("{scheme}://{}:{PASSWORD}@localhost/0", ADA.login);
    let (postgres, redis) = (url("postgres"), url("redis"));
    shown.add(&[&PostgresStore::connect_lazy(&postgres)?, &RedisStore::connect_lazy(&redis)?]);
    shown.add(&[&SqliteStore::connect_lazy(&format!("sqlite:{}", ADA.login))?]);
    shown.add(&[&PostgresStore::connect_lazy(&redis).unwrap_err()]);
    shown.add(&[&RedisStore::connect_lazy(&postgres).unwrap_err()]);
    let long = PASSWORD.repeat(1000);
    shown.add(&[&PasswordHasher::new().hash(&long).await.unwrap_err()]);
    assert_silent(&shown.0, [JTI, SID, ADA.id, ADA.login, PASSWORD]);
    assert_silent(&shown.0, secret_strings());
    Ok(())
}

/// The public types with a derived `Debug`: settings, kinds and times without secrets, handles of
/// types that hide theirs, and errors, which show their cause.
const DERIVED: &[&str] = &[
    "AccountColumn",
    "AccountError",
    "AccountIds",
    "AccountRoute",
    "AccountTable",
    "Algorithm",
    "AttemptLimit",
    "Attempted",
    "AudienceSetting",
    "AuthErrorKind",
    "AuthorizationServer",
    "BackendError",
    "Blocklist",
    "CacheStats",
    "ClaimNames",
    "ClientCertificateThumbprint",
    "Cluster",
    "ConfigError",
    "ConfigErrorKind",
    "Consumed",
    "DjangoHasherBuilder",
    "EmptyRejection",
    "ExtraColumn",
    "FetchError",
    "FetchErrorKind",
    "FieldProblem",
    "FieldProblems",
    "Format",
    "ForwardedHeader",
    "Generation",
    "GrpcRejection",
    "Heartbeat",
    "IntrospectionError",
    "IntrospectionErrorKind",
    "InvalidToken",
    "Jobs",
    "JsonRejection",
    "JwkSet",
    "KeyFolder",
    "KeyRotationError",
    "KeyRotationErrorKind",
    "KeySetBuilder",
    "KeyStorageError",
    "LoginBy",
    "LoginStart",
    "ManualClock",
    "MessageKind",
    "MultiTenant",
    "NoClaims",
    "Notice",
    "NumericDate",
    "PasswordCheckError",
    "PasswordErrorKind",
    "PasswordHasherBuilder",
    "PasswordProblem",
    "PasswordProblems",
    "Project",
    "Realm",
    "RemoteKeysStatus",
    "RequestErrorKind",
    "ResponseFuture",
    "RotationPolicyBuilder",
    "RouteError",
    "SameSite",
    "Similarity",
    "SimpleJwtError",
    "SimpleJwtViews",
    "StoreError",
    "StoreErrorKind",
    "Tenant",
    "TokenClass",
    "TokenProfile",
    "TokenSource",
    "TokenType",
    "TotpError",
    "UserPool",
    "UserTable",
];

/// The `Debug` of a new type must be written by hand, unless the type has no secrets and is listed.
#[test]
fn debug_is_derived_only_for_types_without_secrets() {
    let derived = derived_debugs(&repository("src"));
    let known: BTreeSet<String> = DERIVED.iter().map(|name| (*name).to_owned()).collect();
    let unlisted: Vec<_> = derived.difference(&known).collect();
    assert!(unlisted.is_empty(), "not in the list: {unlisted:?}");
    let gone: Vec<_> = known.difference(&derived).collect();
    assert!(gone.is_empty(), "in the list, and not derived: {gone:?}");
}

/// The public types below `folder` with a derived `Debug`.
fn derived_debugs(folder: &Path) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            names.extend(derived_debugs(&path));
            continue;
        }
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let mut derived = false;
        for line in fs::read_to_string(&path).unwrap().lines().map(str::trim_start) {
            if line.starts_with("#[derive(") {
                derived = line.contains("Debug");
            } else if !line.starts_with(['#', '/']) {
                let item = line.strip_prefix("pub ").filter(|_| derived).unwrap_or_default();
                let name = item.strip_prefix("struct ").or_else(|| item.strip_prefix("enum "));
                let name =
                    name.and_then(|name| name.split(|char: char| !char.is_alphanumeric()).next());
                names.extend(name.map(str::to_owned));
                derived = false;
            }
        }
    }
    names
}
