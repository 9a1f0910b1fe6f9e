//! Keys of many tenants, as Microsoft Entra publishes them for `common` and `organizations`. The
//! server is a local one that publishes documents of the form of Microsoft's documentation.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use serde_json::{Value, json};
use tower_jwt_auth::{
    AuthErrorKind, ConfigErrorKind, ManualClock, Verifier,
    jwks::{FetchErrorKind, RemoteKeys},
    token::{TokenProfile, VerifierBuilder},
};

use super::{INVALID_SIGNATURE, Outcome, UNKNOWN_KEY, outcome};
use crate::support::{
    foreign::{API, ForeignKey},
    mint::clock,
    provider::{JWKS, Provider, Response},
};

const METADATA: &str = "/common/v2.0/.well-known/openid-configuration";
const A: &str = "8eaef023-2b34-4da1-9baa-8bc8c9d6a490";
const B: &str = "82229342-1101-4ab6-817b-70c0747630f3";
/// The tenant of personal accounts.
const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";

const WRONG_ISSUER: Outcome = Err(AuthErrorKind::WrongIssuer);

struct Entra {
    provider: Provider,
    clock: ManualClock,
    keys: RemoteKeys,
    organizations: ForeignKey,
    consumers: ForeignKey,
}

impl Entra {
    async fn start() -> Self {
        let provider = Provider::start();
        let organizations = ForeignKey::generate("organizations");
        let consumers = ForeignKey::generate("consumers");
        let template = template(&provider);
        provider.publish(&[
            organizations.jwk_with(&json!({ "issuer": template })),
            consumers.jwk_with(&json!({ "issuer": template.replace("{tenantid}", CONSUMERS) })),
        ]);
        let metadata = json!({ "issuer": template, "jwks_uri": provider.url(JWKS) });
        provider.respond(METADATA, Response::json(&metadata));
        let clock = clock();
        let keys = RemoteKeys::from_issuer_template(template, provider.url(METADATA));
        let keys = keys.insecure_loopback_http().clock(&clock).build().unwrap();
        keys.refresh().await.unwrap();
        Self { provider, clock, keys, organizations, consumers }
    }

    fn builder(&self) -> VerifierBuilder {
        Verifier::builder(&self.keys).audience(API).profile(TokenProfile::Plain).clock(&self.clock)
    }

    fn issuer(&self, tenant: &str) -> String {
        template(&self.provider).replace("{tenantid}", tenant)
    }

    /// A token of `tenant` signed with `key`.
    fn token(&self, key: &ForeignKey, tenant: &str) -> String {
        key.token_with(&self.issuer(tenant), &json!({ "tid": tenant }))
    }
}

fn template(provider: &Provider) -> String {
    provider.url("/{tenantid}/v2.0")
}

#[tokio::test]
async fn accepts_tokens_of_the_listed_tenants_only() {
    let entra = Entra::start().await;
    let verifier = entra.builder().tenants([A, CONSUMERS]).build().unwrap();
    for _ in 0..2 {
        for (key, tenant, expected) in [
            (&entra.organizations, A, Ok(())),
            (&entra.organizations, B, WRONG_ISSUER),
            (&entra.consumers, CONSUMERS, Ok(())),
            // A key of one tenant must not sign for another.
            (&entra.consumers, A, UNKNOWN_KEY),
            (&entra.consumers, B, WRONG_ISSUER),
        ] {
            let token = entra.token(key, tenant);
            assert_eq!(outcome(verifier.verify(&token)), expected, "{tenant}");
        }
    }
    let forged = ForeignKey::generate("organizations");
    assert_eq!(outcome(verifier.verify(&entra.token(&forged, A))), INVALID_SIGNATURE);
    // Without a `kid`, the keys that may sign for the issuer are tried.
    let unnamed = |key: &ForeignKey| {
        let claims = json!({ "tid": A });
        key.mint(&json!({ "typ": "JWT" }), &entra.issuer(A), &claims)
    };
    assert_eq!(outcome(verifier.verify(&unnamed(&entra.organizations))), Ok(()));
    assert_eq!(outcome(verifier.verify(&unnamed(&entra.consumers))), INVALID_SIGNATURE);
    assert_eq!(entra.provider.count(JWKS), 1);
}

#[tokio::test]
async fn the_issuer_is_made_from_the_tenant_id() {
    let entra = Entra::start().await;
    let verifier = entra.builder().tenants_matching(|_| true).build().unwrap();
    let key = &entra.organizations;
    let upper = A.to_uppercase();
    for (issuer, tid) in [
        (entra.issuer(A), json!(B)),
        (entra.issuer(A), Value::Null),
        (entra.issuer(A), json!("")),
        (entra.issuer(A), json!([A])),
        (entra.issuer(&upper), json!(upper)),
        (entra.issuer("common"), json!("common")),
        (entra.issuer(""), json!("")),
        (entra.issuer("{tenantid}"), json!("{tenantid}")),
        (entra.issuer(&format!("{A}/x")), json!(format!("{A}/x"))),
        (format!("{}/", entra.issuer(A)), json!(A)),
        (format!("https://sts.windows.net/{A}/"), json!(A)),
        (A.to_owned(), json!(A)),
    ] {
        let token = key.token_with(&issuer, &json!({ "tid": tid }));
        let error = verifier.verify_async(&token).await.unwrap_err();
        assert_eq!(error.kind(), AuthErrorKind::WrongIssuer, "{issuer} {tid}");
        assert!(["iss", "tid"].contains(&error.member().unwrap()), "{issuer} {tid}");
    }
    let without_issuer = key.token_with("", &json!({ "iss": null, "tid": A }));
    assert_eq!(outcome(verifier.verify(&without_issuer)), WRONG_ISSUER);
    assert_eq!(outcome(verifier.verify(&entra.token(key, B))), Ok(()));
    assert_eq!(entra.provider.count(JWKS), 1);
}

/// For example when a customer leaves.
#[tokio::test]
async fn a_tenant_that_is_not_accepted_any_more_is_rejected_at_once() {
    let entra = Entra::start().await;
    let is_open = Arc::new(AtomicBool::new(true));
    let rule = Arc::clone(&is_open);
    let verifier = entra
        .builder()
        .tenants_matching(move |tenant| tenant == A && rule.load(Ordering::SeqCst))
        .build()
        .unwrap();
    let token = entra.token(&entra.organizations, A);
    for _ in 0..2 {
        assert_eq!(outcome(verifier.verify(&token)), Ok(()));
    }
    assert_eq!(verifier.cache_stats().hits, 1);
    is_open.store(false, Ordering::SeqCst);
    assert_eq!(outcome(verifier.verify(&token)), WRONG_ISSUER);
}

#[tokio::test]
async fn keys_of_unknown_scope_are_skipped() {
    let entra = Entra::start().await;
    let (plain, cloud) = (ForeignKey::generate("plain"), ForeignKey::generate("cloud"));
    let other_cloud = "https://login.microsoftonline.us/{tenantid}/v2.0";
    entra.provider.publish(&[
        plain.jwk(),
        ForeignKey::generate("number").jwk_with(&json!({ "issuer": 1 })),
        cloud.jwk_with(&json!({ "issuer": other_cloud })),
        entra.organizations.jwk_with(&json!({ "issuer": template(&entra.provider) })),
    ]);
    entra.keys.refresh().await.unwrap();
    assert_eq!(entra.keys.status().skipped, 2);
    let verifier = entra.builder().tenants([A]).build().unwrap();
    for (key, expected) in
        [(&plain, UNKNOWN_KEY), (&cloud, UNKNOWN_KEY), (&entra.organizations, Ok(()))]
    {
        assert_eq!(outcome(verifier.verify(&entra.token(key, A))), expected);
    }
}

#[tokio::test]
async fn the_metadata_must_name_the_template() {
    let entra = Entra::start().await;
    for issuer in [entra.issuer(A), "https://other.example/{tenantid}".to_owned()] {
        let metadata = json!({ "issuer": issuer, "jwks_uri": entra.provider.url(JWKS) });
        entra.provider.respond(METADATA, Response::json(&metadata));
        let error = entra.keys.refresh().await.unwrap_err();
        assert_eq!(error.kind(), FetchErrorKind::WrongIssuer);
    }
}

#[tokio::test]
async fn tenants_can_be_combined_with_other_issuers() {
    let entra = Entra::start().await;
    let other = super::Fixture::with_keys(&[entra.organizations.jwk()]).await;
    let tenants = entra.builder().tenants([A]).build().unwrap();
    let verifier = Verifier::by_issuer([tenants, other.verifier.clone()]).unwrap();
    let key = &entra.organizations;
    assert_eq!(outcome(verifier.verify(&entra.token(key, A))), Ok(()));
    assert_eq!(outcome(verifier.verify(&entra.token(key, B))), WRONG_ISSUER);
    assert_eq!(outcome(verifier.verify(&other.token(key))), Ok(()));
    assert_eq!(outcome(verifier.verify(&key.token("https://c.example"))), WRONG_ISSUER);
}

#[tokio::test]
async fn rejects_settings_that_do_not_fit() {
    let entra = Entra::start().await;
    let kind = |builder: VerifierBuilder| builder.build().map(drop).unwrap_err().kind();
    assert_eq!(kind(entra.builder()), ConfigErrorKind::Ineffective);
    assert_eq!(kind(entra.builder().tenants([""; 0])), ConfigErrorKind::Ineffective);
    for tenant in ["", "common", &A.to_uppercase(), &A.replace('-', "")] {
        assert_eq!(
            kind(entra.builder().tenants([tenant])),
            ConfigErrorKind::OutOfRange,
            "{tenant}"
        );
    }
    let issuer = entra.issuer(A);
    assert_eq!(kind(entra.builder().tenants([A]).issuer(&*issuer)), ConfigErrorKind::Conflict);
    let single = Verifier::builder(RemoteKeys::from_url("https://a.example").build().unwrap());
    assert_eq!(kind(single.tenants([A])), ConfigErrorKind::Ineffective);
    for template in ["https://a.example", "{tenantid}/{tenantid}", ""] {
        let keys = RemoteKeys::from_issuer_template(template, "https://a.example/metadata");
        assert_eq!(keys.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange, "{template}");
    }
    let keys = RemoteKeys::from_issuer_template("https://a/{tenantid}", "http://a.example");
    assert_eq!(keys.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    // Profiles that require an issuer have one.
    for profile in [TokenProfile::Rfc9068, TokenProfile::IdToken] {
        assert!(entra.builder().tenants([A]).profile(profile).build().is_ok());
    }
}
