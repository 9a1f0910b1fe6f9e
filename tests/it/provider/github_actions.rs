use serde_json::{Value, json};
use tower_jwt_auth::{
    Verifier,
    provider::github_actions::{Job, Jobs},
    token::VerifierBuilder,
};

use super::{Documents, Key, NOW, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

const ISSUER: &str = "https://token.actions.githubusercontent.com";
const API: &str = "https://deploy.example";

fn key() -> Key {
    Key::rs256("38826b17-6a30-5f9b-b169-8beb8202f723")
}

fn builder(jobs: &Jobs) -> VerifierBuilder<Job> {
    let documents = Documents::of_issuer(ISSUER, &format!("{ISSUER}/.well-known/jwks"), &key());
    let keys = jobs.keys().client(documents).clock(clock()).build().unwrap();
    jobs.verifier(&keys, API).clock(clock())
}

fn verifier(jobs: &Jobs) -> Verifier<Job> {
    builder(jobs).build().unwrap()
}

fn of_repository() -> Verifier<Job> {
    verifier(&Jobs::of_repository("octo-org/octo-repo"))
}

fn token() -> Value {
    json!({
        "jti": "example-id", "sub": "repo:octo-org/octo-repo:environment:prod", "environment": "prod",
        "aud": API, "ref": "refs/heads/main", "sha": "example-sha",
        "repository": "octo-org/octo-repo", "repository_owner": "octo-org", "actor_id": "12",
        "repository_visibility": "private", "repository_id": "74", "repository_owner_id": "65",
        "run_id": "example-run-id", "run_number": "10", "run_attempt": "2",
        "runner_environment": "github-hosted", "actor": "octocat", "workflow": "example-workflow",
        "head_ref": "", "base_ref": "", "event_name": "workflow_dispatch", "ref_type": "branch",
        "workflow_ref": "octo-org/octo-repo/.github/workflows/deploy.yml@refs/heads/main",
        "job_workflow_ref": "octo-org/octo-automation/.github/workflows/oidc.yml@refs/heads/main",
        "iss": ISSUER, "nbf": NOW, "exp": NOW + 300, "iat": NOW,
    })
}

fn sign(claims: &Value) -> String {
    key().sign_as(&json!({ "typ": "JWT", "x5t": "example-thumbprint" }), claims)
}

#[tokio::test]
async fn accepts_tokens_of_the_repository() {
    let claims = accept(&of_repository(), &sign(&token())).await;
    assert_eq!(claims.user_id(), "repo:octo-org/octo-repo:environment:prod");
    assert_eq!(claims.repository, "octo-org/octo-repo");
    assert_eq!(claims.git_ref.as_deref(), Some("refs/heads/main"));
    assert_eq!(claims.environment.as_deref(), Some("prod"));
}

/// The default of repositories created after July 2026, with a branch of 255 bytes.
#[tokio::test]
async fn accepts_long_subjects_with_ids() {
    let sub = format!("repo:octo-org@65/octo-repo@74:ref:refs/heads/{}", "b".repeat(255));
    let claims = accept(&of_repository(), &sign(&changed(&token(), &json!({ "sub": sub })))).await;
    assert_eq!(*claims.user_id(), *sub);
}

#[tokio::test]
async fn rejects_tokens_of_other_repositories() {
    for (owner, repository) in [
        ("octo-org", "octo-org/octo"),
        ("octo-org", "octo-org/octo-repo-2"),
        ("mallory", "mallory/octo-repo"),
        ("octo-org", "Octo-Org/octo-repo"),
    ] {
        let changes = json!({ "repository": repository, "repository_owner": owner });
        let token = sign(&changed(&token(), &changes));
        assert_eq!(rejection(&of_repository(), &token).await, "CheckFailed", "{repository}");
    }
}

#[tokio::test]
async fn an_owner_has_several_repositories() {
    let of_owner = verifier(&Jobs::of_owner("octo-org"));
    let other = changed(&token(), &json!({ "repository": "octo-org/other" }));
    assert_accepted(&of_owner, &sign(&other)).await;
    let changes = json!({ "repository": "octo/other", "repository_owner": "octo" });
    let token = sign(&changed(&token(), &changes));
    assert_eq!(rejection(&of_owner, &token).await, "CheckFailed");
}

/// Another account can get a name that its owner has given up.
#[tokio::test]
async fn the_id_of_the_owner_is_compared_if_it_is_set() {
    for jobs in [Jobs::of_owner("octo-org"), Jobs::of_repository("octo-org/octo-repo")] {
        let verifier = verifier(&jobs.with_owner_id(65));
        assert_accepted(&verifier, &sign(&token())).await;
        for id in [json!("66"), Value::Null] {
            let token = sign(&changed(&token(), &json!({ "repository_owner_id": id })));
            assert_eq!(rejection(&verifier, &token).await, "CheckFailed");
        }
    }
}

#[tokio::test]
async fn further_conditions_apply_too() {
    let verifier = builder(&Jobs::of_repository("octo-org/octo-repo"))
        .check(|job| job.git_ref.as_deref() == Some("refs/heads/main"))
        .build()
        .unwrap();
    assert_accepted(&verifier, &sign(&token())).await;
    let branch = sign(&changed(&token(), &json!({ "ref": "refs/heads/feature" })));
    assert_eq!(rejection(&verifier, &branch).await, "CheckFailed");
    let stranger = sign(&changed(&token(), &json!({ "repository": "mallory/octo-repo" })));
    assert_eq!(rejection(&verifier, &stranger).await, "CheckFailed");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    let token = sign(&changed(&token(), &json!({ "aud": "https://github.com/octo-org" })));
    assert_eq!(rejection(&of_repository(), &token).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_tokens_of_another_server() {
    let issuer = "https://github.shop.example/_services/token";
    let token = sign(&changed(&token(), &json!({ "iss": issuer })));
    assert_eq!(rejection(&of_repository(), &token).await, "WrongIssuer iss");

    let jobs = Jobs::of_repository("octo-org/octo-repo").with_issuer(issuer);
    let documents = Documents::of_issuer(issuer, &format!("{issuer}/.well-known/jwks"), &key());
    let keys = jobs.keys().client(documents).clock(clock()).build().unwrap();
    assert_accepted(&jobs.verifier(&keys, API).clock(clock()).build().unwrap(), &token).await;
}
