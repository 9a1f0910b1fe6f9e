//! GitHub Actions: OpenID Connect tokens of workflow jobs.
//!
//! ```
//! use tower_jwt_auth::{Claims, JwtAuthLayer, provider::github_actions};
//!
//! async fn deploy(job: Claims<github_actions::Job>) -> String {
//!     format!("commit {}", job.sha.as_deref().unwrap_or("unknown"))
//! }
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let jobs = github_actions::Jobs::of_repository("octo-org/octo-repo").with_owner_id(65);
//! let keys = jobs.keys().build()?;
//! let verifier = jobs
//!     .verifier(&keys, "https://deploy.example")
//!     .check(|job| job.git_ref.as_deref() == Some("refs/heads/main"))
//!     .build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! # Ok(())
//! # }
//! ```
//!
//! A job needs the permission `id-token: write`. It requests the token for your service by name, for
//! example with `core.getIDToken("https://deploy.example")`. By default, the audience is the URL of
//! the repository's owner, which other services accept too.
//!
//! # What is checked
//!
//! - `iss` is GitHub Actions, `aud` contains the audience, and the user id is `sub`.
//! - `repository` or `repository_owner` is yours. Without this check, any workflow on GitHub could
//!   call your service: every job can request a token for every audience. That is why
//!   [`Jobs`] has no constructor without a condition.
//! - `repository_owner_id`, with [`with_owner_id`](Jobs::with_owner_id). An account can
//!   give up its name, and another account can then get it. Ids are permanent. This command prints one:
//!   `gh api users/octo-org --jq .id`.
//!
//! # Further conditions
//!
//! Every branch and every pull request of the repository passes these checks. Add a
//! [check](crate::token::VerifierBuilder::check) for what may call you:
//!
//! | to admit | compare |
//! |---|---|
//! | a branch or a tag | [`git_ref`](Job::git_ref) |
//! | a deployment environment, which can have reviewers | [`environment`](Job::environment) |
//! | a reusable workflow | [`job_workflow_ref`](Job::job_workflow_ref) |
//! | runners of GitHub | [`runner_environment`](Job::runner_environment) |
//!
//! For several repositories, use [`of_owner`](Jobs::of_owner) and compare
//! [`repository`](Job::repository). In a workflow that `pull_request_target` starts, `git_ref` is a
//! branch of the repository although the change comes from outside. If you have such workflows,
//! compare [`event_name`](Job::event_name) too.
//!
//! Compare these claims rather than `sub`. Its form depends on settings of the repository, and has
//! changed: the default was `repo:octo-org/octo-repo:ref:refs/heads/main`. In repositories created
//! after July 2026, it also has the ids: `repo:octo-org@65/octo-repo@1296269:ref:refs/heads/main`. A
//! comparison with the start of `sub` is wrong, because `octo-org/octo` is also the start of
//! `octo-org/octo-repo`.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

const ISSUER: &str = "https://token.actions.githubusercontent.com";

/// The jobs of a repository, or of all repositories of an owner. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Jobs {
    issuer: Box<str>,
    origin: Origin,
    owner_id: Option<u64>,
}

#[derive(Clone, Debug)]
enum Origin {
    Owner(Box<str>),
    Repository(Box<str>),
}

impl Jobs {
    /// Creates the settings for jobs of all repositories of this user or organization.
    ///
    /// The name is compared exactly, also in upper and lower case.
    pub fn of_owner(name: impl Into<Box<str>>) -> Self {
        Self { issuer: ISSUER.into(), origin: Origin::Owner(name.into()), owner_id: None }
    }

    /// Creates the settings for jobs of this repository, such as `octo-org/octo-repo`.
    ///
    /// The name is compared exactly, also in upper and lower case.
    pub fn of_repository(name: impl Into<Box<str>>) -> Self {
        Self { issuer: ISSUER.into(), origin: Origin::Repository(name.into()), owner_id: None }
    }

    /// Requires that the owner of the repository has this id. Default: not checked.
    pub fn with_owner_id(mut self, id: u64) -> Self {
        self.owner_id = Some(id);
        self
    }

    /// Sets the issuer. Default: `https://token.actions.githubusercontent.com`.
    ///
    /// GitHub Enterprise Server has `https://HOST/_services/token`. With data residency, it is
    /// `https://token.actions.SUBDOMAIN.ghe.com`. An enterprise can also have an issuer with its name
    /// at the end.
    pub fn with_issuer(mut self, issuer: impl Into<Box<str>>) -> Self {
        self.issuer = issuer.into();
        self
    }

    /// Returns a builder for the keys of the issuer, found by discovery.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer.clone())
    }

    /// Returns a builder for a verifier of tokens for `audience`.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience), the
    /// profile [`TokenProfile::Plain`], the [claims](VerifierBuilder::claims) [`Job`], and a
    /// [check](VerifierBuilder::check) of repository or owner. Other claims, such as custom properties
    /// of the repository, are in [`Claims::json`](crate::Claims::json).
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder<Job> {
        let (origin, owner_id) = (self.origin.clone(), self.owner_id.map(|id| id.to_string()));
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .audience(audience)
            .profile(TokenProfile::Plain)
            .claims::<Job>()
            .check(move |job| {
                origin.includes(job) && (owner_id.is_none() || job.repository_owner_id == owner_id)
            })
    }
}

impl Origin {
    fn includes(&self, job: &Job) -> bool {
        match self {
            Self::Owner(name) => **name == *job.repository_owner,
            Self::Repository(name) => **name == *job.repository,
        }
    }
}

/// The claims of a job that are of use for decisions.
///
/// GitHub Enterprise Server may omit some of the optional ones.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Job {
    /// The repository, such as `octo-org/octo-repo`.
    pub repository: String,
    /// The user or organization that owns the repository.
    pub repository_owner: String,
    /// The permanent id of the repository, in decimal digits.
    pub repository_id: Option<String>,
    /// The permanent id of the owner, in decimal digits.
    pub repository_owner_id: Option<String>,
    /// `public`, `internal` or `private`.
    pub repository_visibility: Option<String>,
    /// The branch or tag (`ref`), such as `refs/heads/main`. For a pull request, it is
    /// `refs/pull/1/merge`.
    #[serde(rename = "ref")]
    pub git_ref: Option<String>,
    /// `branch` or `tag`.
    pub ref_type: Option<String>,
    /// The commit.
    pub sha: Option<String>,
    /// What started the workflow, such as `push` or `pull_request`.
    pub event_name: Option<String>,
    /// The deployment environment of the job, if it has one.
    pub environment: Option<String>,
    /// The workflow, such as `octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main`.
    pub workflow_ref: Option<String>,
    /// The reusable workflow that the job calls, in the same form.
    pub job_workflow_ref: Option<String>,
    /// `github-hosted` or `self-hosted`.
    pub runner_environment: Option<String>,
    /// The account that started the workflow.
    pub actor: Option<String>,
    /// The permanent id of that account, in decimal digits.
    pub actor_id: Option<String>,
    /// The id of the workflow run.
    pub run_id: Option<String>,
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Job").finish_non_exhaustive()
    }
}
