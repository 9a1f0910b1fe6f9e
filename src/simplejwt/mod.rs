//! A service beside Django: SimpleJWT's settings, views, tokens and tables.
//!
//! With Django's database, secret and `SIMPLE_JWT`, a service runs beside a Django project with
//! [SimpleJWT]: tokens of either are good at the other, a logout at one is a logout at the other,
//! and clients cannot tell which of them answered.
//!
//! [SimpleJWT]: https://django-rest-framework-simplejwt.readthedocs.io
//!
//! 1. [`Settings`] are read from what the project has under `SIMPLE_JWT`.
//! 2. [`SimpleJwt::builder`] puts them together with the database.
//! 3. [`SimpleJwt::views`] are the token views, [`SimpleJwt::layer`] and
//!    [`SimpleJwt::stateless_layer`] what protects other routes.
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
//! let refused = app.oneshot(Request::get("/api/hello/").body(Body::empty())?).await?;
//! assert_eq!(refused.headers()["www-authenticate"], r#"Bearer realm="api""#);
//! let body = to_bytes(refused.into_body(), 4096).await?;
//! assert_eq!(body, r#"{"detail":"Authentication credentials were not provided."}"#);
//! # Ok(())
//! # }
//! ```
//!
//! # Where it differs from SimpleJWT
//!
//! Answers, tokens and rows are those of SimpleJWT 5.5.1 on Django 5.2 and REST framework 3.18, to
//! the byte, but for these.
//!
//! Where SimpleJWT fails with `500`:
//!
//! | case | here | reason |
//! |---|---|---|
//! | refresh for a user that is gone | `401` `No active account found for the given token.` | as SimpleJWT's main branch |
//! | a user id that the column cannot hold | as for a user that is gone: `401` | nobody has this id |
//! | `jti` missing, blacklist app installed | `401` `Token has no id` | as without the app |
//! | `exp` or `refresh_exp` of a wrong type or beyond the year 9999 | `401` `Token is invalid` | it is |
//! | a user id that is no text and no integer | `401` `Token is invalid` | it may be `true`, which Django takes for user 1 |
//! | a body that nests too deeply | `400` | bad input is the client's fault |
//!
//! Where SimpleJWT lets something happen that it should not:
//!
//! | case | SimpleJWT | here | reason |
//! |---|---|---|---|
//! | several rotations of one token at once | each may win | one wins, the others get `401` `Token is blacklisted` | stolen tokens must not multiply |
//! | `BLACKLIST_AFTER_ROTATION` without the blacklist app | does nothing, silently | [`ConfigError`](crate::ConfigError) | a setting that protects nothing |
//! | sliding refresh for a user that is gone, inactive or, with `CHECK_REVOKE_TOKEN`, has another password | `200` | `401` as at refresh | a lost account must end |
//! | refresh with `CHECK_REVOKE_TOKEN` after the password has changed | `200` | `401` `The user's password has been changed.`, and the token is blacklisted | as SimpleJWT's main branch; else clients refresh for ever |
//! | flush of a sliding token that was refreshed, or within `LEEWAY` | revives it | stored expiry follows the token, `LEEWAY` included | what was revoked stays so |
//! | `None` as `JTI_CLAIM` or `TOKEN_TYPE_CLAIM` | writes a claim called `null` | writes none | nobody reads it |
//! | a token, header or body that repeats members or fields | the last one counts | `401` `Token is invalid`, `400` | of two values, which was checked? |
//! | `crit`, `b64`, `zip`, `enc` in a token's header, a claim `cnf`, more than 8 KiB, empty `jti` or one of more than 255 bytes, a type that is no text | some pass | `401` `Token is invalid` | what is not understood is not trusted |
//! | user id `null`, empty or with a NUL in it | `200` at refresh, `User not found` | `401` `Token is invalid` | it names nobody |
//! | a user id in digits that only Python reads: with blanks, as `1_0` | is found | as for a user that is gone | nobody writes them |
//! | a negative time, one that is `true`, an `aud`, `iss`, `jti` or header `typ` that is no text | some pass, some fail otherwise | `401` `Token is invalid` | it is |
//! | padding in base64url | passes | `401` `Token is invalid` | RFC 7515 section 2 |
//! | claims with a byte order mark | passes | `401` `Token is invalid` | RFC 8259 section 8.1 |
//! | JSON with a number beyond a double, or half a surrogate pair | is read | `400` | no text has it |
//! | a malformed multipart body | what can be read of it counts | `400` | one reading only |
//! | HMAC keys below 32/48/64 bytes | accepted, with a warning | `ConfigError` | RFC 7518 section 3.2; what to do is said [below](#step-by-step) |
//! | `LEEWAY` above five minutes, lifetimes of zero | accepted | `ConfigError` | expired tokens live on; no token would be good |
//! | bodies above 16 KiB | up to 2.5 MiB are read | `413` | no token or password is longer |
//! | the database is away | `500` | `503` with `Retry-After`, nothing minted | it comes back |
//!
//! What else is different, and breaks no client:
//!
//! | here | reason |
//! |---|---|
//! | `Cache-Control: no-store` on every answer of the views | RFC 6749 section 5.1 |
//! | answers are JSON whatever `Accept` says: no browsable API, no `406` | there is one format |
//! | views answer with and without a slash at the end | Django redirects, and loses the body |
//! | `OPTIONS` tells no `description` | nobody reads it |
//! | bodies are UTF-8 whatever `charset` says | RFC 8259 section 8.1 |
//! | refused requests at protected routes lack `Allow` | the layer does not know the route's methods |
//! | an expired token whose `iat` or `nbf` lies in the future is `Token is expired`, not `invalid` | one order of rules for all of the crate |
//! | times in the database are whole seconds | as those in tokens |
//! | in SQLite with `USE_TZ = False`, last logins and times of blacklisting are those of the process's `TZ`, not of `TIME_ZONE` | Django sets its own `TZ`; here [whoever starts the process](DjangoDatabase::with_local_times) does |
//! | the column `token` does not hold the token | whoever reads the database must not be logged in |
#![doc = include_str!("migration.md")]

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
