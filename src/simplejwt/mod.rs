//! A service beside Django: SimpleJWT's settings, views, tokens and tables.
//!
//! With the database, secret and `SIMPLE_JWT` settings of a Django project, a service runs beside
//! the project's [SimpleJWT]. Tokens issued by one are accepted by the other, a logout at one is a
//! logout at the other, and clients cannot tell which of them responded.
//!
//! [SimpleJWT]: https://django-rest-framework-simplejwt.readthedocs.io
//!
//! 1. [`Settings`] deserialize from the project's `SIMPLE_JWT`.
//! 2. [`SimpleJwt::builder`] combines them with the database.
//! 3. [`SimpleJwt::views`] are the token views. [`SimpleJwt::layer`] and
//!    [`SimpleJwt::stateless_layer`] protect other routes.
//!
//! ```
//! use axum::{Router, routing::get};
//! use tower_jwt_auth::simplejwt::{DjangoDatabase, DjangoUser, DjangoUsers, Settings, SimpleJwt};
//!
//! async fn hello(user: DjangoUser) -> String {
//!     format!("Hello, {}", user.username())
//! }
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let secret_key = "django-insecure-".repeat(3);
//! let settings: Settings = serde_json::from_str(
//!     r#"{"ROTATE_REFRESH_TOKENS": true, "BLACKLIST_AFTER_ROTATION": true}"#,
//! )?;
//! let database = DjangoDatabase::connect_lazy("sqlite:///srv/app/db.sqlite3")?;
//! let jwt = SimpleJwt::builder(settings)
//!     .secret_key(secret_key) // Django's SECRET_KEY
//!     .users(DjangoUsers::new(database))
//!     .blacklist_app(true)
//!     .build()?;
//!
//! let app: Router = Router::new()
//!     .route("/api/hello/", get(hello).layer(jwt.layer()?))
//!     .merge(jwt.views()?.router("/api/token")?);
//! #
//! # use axum::body::{Body, to_bytes};
//! # use http::Request;
//! # use tower::ServiceExt;
//!
//! let response = app.oneshot(Request::get("/api/hello/").body(Body::empty())?).await?;
//! assert_eq!(response.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! let body = to_bytes(response.into_body(), 4096).await?;
//! assert_eq!(body, r#"{"detail":"Authentication credentials were not provided."}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # Where it differs from SimpleJWT
//!
//! Responses, tokens and rows are those of SimpleJWT 5.5.1 on Django 5.2 and Django REST framework
//! 3.18, byte for byte. The tables below list all exceptions.
//!
//! SimpleJWT responds with `500`:
//!
//! | case | here | reason |
//! |---|---|---|
//! | refresh for a deleted user | `401` `No active account found for the given token.` | as on SimpleJWT's main branch |
//! | a user id that the column cannot hold | `401`, as for a deleted user; `200` at blacklist | no user has this id, and the token is blacklisted without one |
//! | `jti` missing, with the blacklist app | `401` `Token has no id` | as without the app |
//! | `exp` or `refresh_exp` of a wrong type or beyond the year 9999 | `401` `Token is invalid` | the claim is invalid |
//! | a user id that is neither a string nor an integer | `401` `Token is invalid` | Django would take `true` for user 1 |
//! | a deeply nested body | `400` | the client's error |
//!
//! SimpleJWT is too permissive:
//!
//! | case | SimpleJWT | here | reason |
//! |---|---|---|---|
//! | a blacklisted token at verify without `BLACKLIST_AFTER_ROTATION` | `200` | `400` `Token is blacklisted` | a revoked token must not pass as valid |
//! | a blacklisted token at a route that accepts `UntypedToken`, or without `TOKEN_TYPE_CLAIM` | `200` | `401` `Token is blacklisted` | a logout must end all access |
//! | concurrent rotations of one token | several may win | one wins, the others get `401` `Token is blacklisted` | stolen tokens must not multiply |
//! | `BLACKLIST_AFTER_ROTATION` without the blacklist app | silently has no effect | [`ConfigError`](crate::ConfigError) | the setting protects nothing |
//! | sliding refresh for a user that is deleted, inactive or, with `CHECK_REVOKE_TOKEN`, has a new password | `200` | `401`, as at refresh | a lost account must lose access |
//! | refresh with `CHECK_REVOKE_TOKEN` after a password change | `200` | `401` `The user's password has been changed.`, and the token is blacklisted | as on SimpleJWT's main branch; otherwise clients refresh forever |
//! | flush of a sliding token that was refreshed, or within `LEEWAY` | a revoked token becomes valid again | the stored expiry follows the token and includes `LEEWAY` | revoked tokens stay revoked |
//! | `None` as `JTI_CLAIM` or `TOKEN_TYPE_CLAIM` | writes a claim called `null` | writes none | nothing reads it |
//! | duplicate members or fields in a token, header or body | the last one counts | `401` `Token is invalid`, `400` | two parsers may choose differently |
//! | `crit`, `b64`, `zip`, `enc` in a token's header, a claim `cnf`, more than 8 KiB, an empty `jti` or one of more than 255 bytes, a type that is not a string | some are accepted | `401` `Token is invalid` | what is not understood is not trusted |
//! | a user id that is `null`, empty or contains NUL | `200` at refresh, `User not found` | `401` `Token is invalid` | no user has it |
//! | refresh for the user id `0` | `200` | `401`, as for a deleted user | no user has this id |
//! | a user id in a form that only Python parses: with blanks, as `1_0` | finds the user | `401`, as for a deleted user; no user at blacklist | no issuer writes it |
//! | a negative time, a time that is `true`, an `aud`, `iss`, `jti` or header `typ` that is not a string | some are accepted, some fail in other ways | `401` `Token is invalid` | the claim is invalid |
//! | `nbf` or `iat` as a string of digits | is accepted | `401` `Token is invalid` | RFC 7519 section 2 requires a number |
//! | `NaN` or `Infinity` in claims | is accepted | `401` `Token is invalid` | RFC 8259 section 6 |
//! | a `jti` that contains NUL | is accepted, or fails with `500` | `401` `Token is invalid` | no column of PostgreSQL holds it |
//! | padding in base64url | is accepted | `401` `Token is invalid` | RFC 7515 section 2 |
//! | claims with a byte order mark | are accepted | `401` `Token is invalid` | RFC 8259 section 8.1 |
//! | JSON with a number beyond a double, or half a surrogate pair | is read | `400` | no string or double holds it |
//! | a JSON body that ends within a character | the rest is read | `400` | RFC 8259 section 8.1 |
//! | a member name that begins with `$serde_json::private::` | is ignored | `400` | the JSON parser reserves these names |
//! | a malformed multipart body | some of it is read | `400` | two parsers may read different fields |
//! | HMAC keys below 32/48/64 bytes | are accepted, with a warning | `ConfigError` | RFC 7518 section 3.2; see [below](#step-by-step) for a way out |
//! | `LEEWAY` above five minutes, lifetimes of zero | are accepted | `ConfigError` | expired tokens stay valid; no token is ever valid |
//! | bodies above 16 KiB | up to 2.5 MiB are read | `413` | no token or password is that long |
//! | bodies that take longer than [10 seconds](SimpleJwtViews::with_body_timeout) | are awaited | `408` | slow clients must not occupy connections |
//! | an unreachable database | `500` | `503` with `Retry-After`, and no token is issued | the outage is temporary |
//!
//! Other differences, which break no client:
//!
//! | here | reason |
//! |---|---|
//! | `Cache-Control: no-store` on every response of the views | RFC 6749 section 5.1 |
//! | responses are JSON whatever `Accept` requests: no browsable API, no `406` | there is one format |
//! | the `detail` of malformed JSON is `JSON parse error` with line and column | SimpleJWT sends the wording of Python's parser |
//! | views respond with and without a trailing slash | Django redirects, and loses the body |
//! | a sliding refresh of an unrecorded token records it | otherwise its copies could not be purged in time |
//! | bodies with `Transfer-Encoding: chunked` are read | Django takes them for empty |
//! | `OPTIONS` returns no `description` and no `actions` | no client reads them |
//! | bodies are UTF-8 whatever `charset` names | RFC 8259 section 8.1 |
//! | rejected requests to protected routes lack `Allow` | the layer does not know the route's methods |
//! | an expired token whose `iat` or `nbf` is in the future is `Token is expired`, not `Token is invalid` | the whole crate checks claims in one order |
//! | times in the database are whole seconds | as those in tokens |
//! | in SQLite with `USE_TZ = False`, last logins and times of blacklisting are in the time zone of the process's `TZ`, not of `TIME_ZONE` | Django sets its own `TZ`; here [the environment](DjangoDatabase::with_local_times) does |
//! | the column `token` does not hold the token | read access to the database must not be enough to log in |
#![doc = include_str!("migration.md")]

mod adoption;
mod auth;
mod blacklist;
mod builder;
mod check;
mod database;
mod error;
mod hooks;
mod json_object;
mod login;
mod mint;
mod refresh;
mod respond;
mod settings;
mod simple_jwt;
mod token_class;
mod token_fault;
mod views;

pub use auth::{SimpleJwtAuth, SimpleJwtLayer, TokenUser};
pub use builder::SimpleJwtBuilder;
pub use database::{DjangoDatabase, DjangoStore, DjangoUser, DjangoUsers, Outstanding, UserTable};
pub use error::SimpleJwtError;
pub use login::TokenPair;
pub use refresh::Refreshed;
pub use settings::{AudienceSetting, Settings};
pub use simple_jwt::SimpleJwt;
pub use token_class::TokenClass;
pub use views::SimpleJwtViews;
