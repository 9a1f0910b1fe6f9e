//! Presets for identity providers, and a page for each.
//!
//! ```
//! use tower_jwt_auth::{JwtAuthLayer, Verifier, provider::auth0};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let tenant = auth0::Tenant::new("shop.eu.auth0.com");
//! let keys = tenant.keys().build()?;
//! let verifier: Verifier = tenant.verifier(&keys, "https://api.example").build()?;
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! A preset knows the form of the provider's issuer, where its keys are, and what distinguishes its
//! access tokens from its other tokens. It sets nothing that you cannot set yourself:
//!
//! - `keys()` returns a [`RemoteKeysBuilder`](crate::jwks::RemoteKeysBuilder) for timeouts, the HTTP
//!   client and so on. Keep the [`RemoteKeys`](crate::jwks::RemoteKeys) for your health route.
//! - `verifier(…)` returns a [`VerifierBuilder`](crate::token::VerifierBuilder) for your claims,
//!   checks and all other settings. It accepts any keys, also those of a test. Keys that were
//!   discovered from another issuer are an error.
//!
//! | provider | preset | tokens for your API | what other tokens differ in | roles | scopes |
//! |---|---|---|---|---|---|
//! | Auth0 | [`auth0::Tenant`] | access tokens | `aud` | `permissions` | `scope` |
//! | Cognito | [`cognito::UserPool`] | access tokens | `token_use`, no `aud` | `cognito:groups` | `scope` |
//! | Entra ID (Azure AD) | [`entra::Tenant`], [`entra::MultiTenant`] | access tokens | `aud`, `azp` or `appid` | `roles` | `scp` |
//! | Firebase | [`firebase::Project`] | ID tokens | `iss`, keys | custom claims | |
//! | GitHub Actions | [`github_actions::Jobs`] | ID tokens of jobs | | `repository`, `environment`, … | |
//! | Google | [`google::verifier`] | ID tokens | | `hd` | |
//! | Keycloak | [`keycloak::Realm`] | access tokens | `typ`, `aud` | `realm_access`, `resource_access` | `scope` |
//! | Kubernetes | [`kubernetes::Cluster`] | tokens of service accounts | | `kubernetes.io` | |
//! | Okta | [`okta::AuthorizationServer`] | access tokens | `aud`, `cid` | a claim of yours | `scp` |
//! | Supabase | [`supabase::Project`] | access tokens | `iss`, keys | `app_metadata` | |
//! | AD FS, Clerk, GitLab, Hydra, SPIFFE | [lines to paste](others) | | | | |
//!
//! # What you decide
//!
//! - **The audience.** It is your service, as the provider knows it. A token for another service must
//!   not work at yours, even if the same user logged in at the same provider: the other service could
//!   use it to call you. Configure the provider so that `aud` names your service.
//! - **Roles and scopes.** A valid token shows who calls, not what they may do. Read roles into
//!   [claims of your own](crate::token::VerifierBuilder::claims) and require them with a
//!   [guard](crate::guard). Give them a default with `#[serde(default)]`, because most providers omit
//!   an empty list.
//! - **The user id.** Each page names the claim. Keep it together with `iss`.
//!
//! # Several providers
//!
//! | verifiers of | combine them with |
//! |---|---|
//! | several issuers | [`Verifier::by_issuer`](crate::Verifier::by_issuer) |
//! | issuers that are known only at run time, such as a realm for each customer | [`Verifier::by_resolver`](crate::Verifier::by_resolver) |
//! | one issuer with two kinds of keys or tokens | [`Verifier::any_of`](crate::Verifier::any_of) |
//!
//! # When tokens are rejected
//!
//! The [`AuthError`](crate::AuthError) names the claim, the rule and the setting, and so does the log
//! with the feature `tracing`. The example `inspect` shows which rules a token breaks.

pub mod auth0;
pub mod cognito;
pub mod entra;
pub mod firebase;
pub mod github_actions;
pub mod google;
pub mod keycloak;
pub mod kubernetes;
pub mod okta;
#[cfg(doc)]
#[doc = include_str!("others.md")]
pub mod others {}
pub mod supabase;
