//! The lines of the page on providers without a preset.

use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{
    KeySet, Verifier,
    jwks::{JwkSet, RemoteKeys},
    token::{ClaimNames, TokenProfile},
};

use super::{Documents, Key, NOW, OPAQUE, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

fn key() -> Key {
    Key::rs256("ins_2Example")
}

fn keys() -> KeySet {
    JwkSet::from_json(&json!({ "keys": [key().jwk()] }).to_string()).unwrap().into()
}

mod clerk {
    use super::*;

    #[derive(Deserialize)]
    struct Session {
        sts: Option<String>,
        #[serde(rename = "o")]
        organization: Option<Organization>,
    }

    #[derive(Deserialize)]
    struct Organization {
        #[serde(rename = "rol")]
        role: String,
    }

    fn verifier() -> Verifier<Session> {
        Verifier::builder(keys())
            .issuer("https://clerk.shop.example")
            .clients(["https://shop.example"])
            .profile(TokenProfile::Plain)
            .require_claim("sid")
            .claims::<Session>()
            .check(|session| session.sts.as_deref() != Some("pending"))
            .clock(clock())
            .build()
            .unwrap()
    }

    fn sign(claims: &Value) -> String {
        key().sign_as(&json!({ "typ": "JWT", "cat": "cl_B7d4PD111AAA" }), claims)
    }

    fn session_token() -> Value {
        json!({
            "azp": "https://shop.example", "exp": NOW + 60, "fva": [7, -1], "iat": NOW,
            "iss": "https://clerk.shop.example", "nbf": NOW - 10, "sid": "sess_123",
            "sub": "user_123", "v": 2, "jti": "1234567890", "pla": "u:free,o:pro",
            "fea": "o:dashboard", "sts": "active",
            "o": { "id": "org_123", "slg": "org-slug", "rol": "admin", "per": "read,manage", "fpm": "3,2" },
        })
    }

    #[tokio::test]
    async fn accepts_session_tokens_with_the_role() {
        let claims = accept(&verifier(), &sign(&session_token())).await;
        assert_eq!(claims.user_id(), "user_123");
        assert_eq!(claims.organization.as_ref().unwrap().role, "admin");
        let personal = changed(&session_token(), &json!({ "o": null, "jti": null, "sts": null }));
        assert!(accept(&verifier(), &sign(&personal)).await.organization.is_none());
    }

    #[tokio::test]
    async fn rejects_other_tokens() {
        for (changes, expected) in [
            (json!({ "azp": "https://other.example" }), "azp"),
            (json!({ "azp": null }), "client_id"),
            (json!({ "iss": "https://clerk.other.example" }), "WrongIssuer iss"),
            (json!({ "sid": null }), "InvalidClaims sid"),
            (json!({ "sts": "pending" }), "CheckFailed"),
            (json!({ "aud": "https://shop.example" }), "WrongAudience aud"),
        ] {
            let token = sign(&changed(&session_token(), &changes));
            let rejected = rejection(&verifier(), &token).await;
            assert!(rejected.ends_with(expected), "{changes}: {rejected}");
        }
    }
}

mod ad_fs {
    use super::*;

    #[derive(Deserialize)]
    struct Access {
        #[serde(rename = "role", default)]
        roles: Roles,
    }

    #[derive(Debug, Deserialize, PartialEq)]
    #[serde(untagged)]
    enum Roles {
        One(String),
        Many(Vec<String>),
    }

    impl Default for Roles {
        fn default() -> Self {
            Self::Many(Vec::new())
        }
    }

    fn verifier() -> Verifier<Access> {
        Verifier::builder(keys())
            .issuer("http://adfs.example/adfs/services/trust")
            .audience("https://api.example")
            .profile(TokenProfile::Plain)
            .claim_names(ClaimNames::default().with_user_id("upn"))
            .claims::<Access>()
            .clock(clock())
            .build()
            .unwrap()
    }

    fn sign(claims: &Value) -> String {
        key().sign_as(&json!({ "typ": "JWT", "x5t": "0-Ex" }), claims)
    }

    fn access_token() -> Value {
        json!({
            "aud": "https://api.example", "iss": "http://adfs.example/adfs/services/trust",
            "iat": NOW, "nbf": NOW, "exp": NOW + 3600, "upn": "ada@shop.example", "role": "admin",
            "apptype": "Confidential", "appid": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
            "authmethod": "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport",
            "auth_time": "2020-03-14T18:52:01.180Z", "ver": "1.0", "scp": "openid orders",
        })
    }

    #[tokio::test]
    async fn accepts_access_tokens_with_roles_and_scopes() {
        let claims = accept(&verifier(), &sign(&access_token())).await;
        assert_eq!(claims.user_id(), "ada@shop.example");
        assert_eq!(claims.roles, Roles::One("admin".to_owned()));
        assert!(claims.has_scope("orders"));
        let token = changed(&access_token(), &json!({ "role": ["admin", "staff"] }));
        let claims = accept(&verifier(), &sign(&token)).await;
        assert_eq!(claims.roles, Roles::Many(vec!["admin".to_owned(), "staff".to_owned()]));
    }

    #[tokio::test]
    async fn rejects_id_and_refresh_tokens_and_other_audiences() {
        let id_token = json!({
            "aud": "75dbe77f-10a3-4e59-85fd-8c127544f17c", "iss": "https://adfs.example/adfs",
            "iat": NOW, "exp": NOW + 3600, "auth_time": NOW, "sub": "gVc0v/8G", "nonce": "n-0S6",
            "upn": "ada@shop.example", "unique_name": "SHOP\\ada", "sid": "S-1-5-21",
        });
        let rejected = rejection(&verifier(), &sign(&id_token)).await;
        assert_eq!(rejected, "WrongIssuer iss");
        assert_eq!(rejection(&verifier(), OPAQUE).await, "Malformed");
        let token = changed(&access_token(), &json!({ "aud": "microsoft:identityserver:other" }));
        assert_eq!(rejection(&verifier(), &sign(&token)).await, "WrongAudience aud");
    }
}

mod hydra {
    use super::*;

    const CLIENT: &str = "6d6d2b5e-7a0c-4c7e-9c0e-1f5f0b3c2a11";

    fn verifier() -> Verifier {
        Verifier::builder(keys())
            .issuer("https://hydra.example")
            .clients([CLIENT])
            .profile(TokenProfile::Plain)
            .clock(clock())
            .build()
            .unwrap()
    }

    fn access_token() -> Value {
        json!({
            "aud": [], "client_id": CLIENT, "exp": NOW + 3600, "ext": {}, "iat": NOW,
            "iss": "https://hydra.example", "jti": "a2c8f3e1", "nbf": NOW, "scp": ["orders"],
            "sub": "ada",
        })
    }

    #[tokio::test]
    async fn accepts_access_tokens_without_an_audience() {
        let claims = accept(&verifier(), &key().sign(&access_token())).await;
        assert!(claims.has_scope("orders"));
    }

    #[tokio::test]
    async fn rejects_id_tokens_and_other_clients() {
        let id_token = json!({
            "at_hash": "x1y2", "aud": [CLIENT], "auth_time": NOW, "exp": NOW + 3600, "iat": NOW,
            "iss": "https://hydra.example", "jti": "b3d9", "rat": NOW, "sid": "8f1e", "sub": "ada",
        });
        let rejected = rejection(&verifier(), &key().sign(&id_token)).await;
        assert_eq!(rejected, "WrongAudience aud");
        let other = changed(&access_token(), &json!({ "client_id": "other" }));
        let rejected = rejection(&verifier(), &key().sign(&other)).await;
        assert!(rejected.ends_with("client_id"), "{rejected}");
    }
}

mod gitlab {
    use super::*;

    #[derive(Deserialize)]
    struct Job {
        project_id: String,
        #[serde(rename = "ref")]
        git_ref: String,
        ref_protected: String,
    }

    #[tokio::test]
    async fn accepts_jobs_of_the_project_only() {
        let verifier = Verifier::builder(keys())
            .issuer("https://gitlab.com")
            .audience("https://deploy.example")
            .profile(TokenProfile::Plain)
            .claims::<Job>()
            .check(|job| {
                job.project_id == "20" && job.git_ref == "main" && job.ref_protected == "true"
            })
            .clock(clock())
            .build()
            .unwrap();
        let token = json!({
            "namespace_id": "72", "namespace_path": "my-group", "project_id": "20",
            "project_path": "my-group/my-project", "user_id": "1", "user_login": "sample-user",
            "pipeline_id": "574", "pipeline_source": "push", "job_id": "302", "ref": "main",
            "ref_type": "branch", "ref_protected": "true", "runner_environment": "gitlab-hosted",
            "iss": "https://gitlab.com", "iat": NOW, "nbf": NOW - 5, "exp": NOW + 3600,
            "jti": "235b3a54", "aud": "https://deploy.example",
            "sub": "project_path:my-group/my-project:ref_type:branch:ref:main",
        });
        assert_accepted(&verifier, &key().sign(&token)).await;
        for changes in [
            json!({ "project_id": "21" }),
            json!({ "ref": "feature" }),
            json!({ "ref_protected": "false" }),
        ] {
            let token = key().sign(&changed(&token, &changes));
            assert_eq!(rejection(&verifier, &token).await, "CheckFailed");
        }
    }
}

mod spiffe {
    use super::*;

    #[tokio::test]
    async fn accepts_the_workload_only() {
        let url = "https://spire.example/bundle";
        let jwk = changed(&key().jwk(), &json!({ "use": "jwt-svid" }));
        let documents = Documents::new([(url, json!({ "keys": [jwk] }))]);
        let keys = RemoteKeys::from_url(url).accept_jwt_svid_keys().client(documents).build();
        let verifier: Verifier = Verifier::builder(keys.unwrap())
            .audience("spiffe://shop.example/orders")
            .profile(TokenProfile::Plain)
            .check(|claims| claims.user_id() == "spiffe://shop.example/billing")
            .clock(clock())
            .build()
            .unwrap();
        let token = json!({
            "sub": "spiffe://shop.example/billing", "aud": ["spiffe://shop.example/orders"],
            "exp": NOW + 300, "iat": NOW,
        });
        assert_accepted(&verifier, &key().sign(&token)).await;
        let other = changed(&token, &json!({ "sub": "spiffe://shop.example/web" }));
        assert_eq!(rejection(&verifier, &key().sign(&other)).await, "CheckFailed");
    }
}
