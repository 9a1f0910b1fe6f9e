use serde::Deserialize;
use serde_json::{Value, json};
use tower_jwt_auth::{Verifier, provider::entra::Tenant};

use super::{Documents, ENCRYPTED, Key, NOW, accept, assert_accepted, changed, rejection};
use crate::support::mint::clock;

const TENANT: &str = "72f988bf-86f1-41af-91ab-2d7cd011db47";
const OTHER_TENANT: &str = "fa15d692-e9c7-4460-a743-29f2956fd429";
const V1: &str = "https://sts.windows.net/72f988bf-86f1-41af-91ab-2d7cd011db47/";
const V2: &str = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/v2.0";
const API: &str = "6e74172b-be56-4843-9ff4-e66a39bb12e3";

#[derive(Deserialize)]
struct Access {
    #[serde(default)]
    roles: Vec<String>,
}

fn key() -> Key {
    Key::rs256("jS1Xo1OWDj_52vbwGNgvQO2VzMc")
}

fn verifier() -> Verifier<Access> {
    let tenant = Tenant::new(TENANT.to_uppercase()).unwrap();
    let jwks = "https://login.microsoftonline.com/72f988bf-86f1-41af-91ab-2d7cd011db47/discovery/v2.0/keys";
    let documents = Documents::of_issuer(V2, jwks, &key());
    let keys = tenant.keys().client(documents).clock(clock()).build().unwrap();
    tenant.verifier(&keys, API).claims::<Access>().clock(clock()).build().unwrap()
}

fn access_token() -> Value {
    json!({
        "aud": API, "iss": V2, "iat": NOW, "nbf": NOW, "exp": NOW + 3900, "aio": "AXQAi/8IAAAAtAaZ",
        "azp": "00001111-aaaa-2222-bbbb-3333cccc4444", "azpacr": "0", "name": "Abe Lincoln",
        "oid": "690222be-ff1a-4d56-abd1-7e4f7d38e474", "preferred_username": "abeli@shop.example",
        "rh": "I", "scp": "access_as_user Orders.Read", "roles": ["Orders.Admin"],
        "sub": "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ", "tid": TENANT,
        "uti": "fqiBqXLPj0eQa82S-IYFAA", "ver": "2.0",
    })
}

fn id_token() -> Value {
    changed(
        &access_token(),
        &json!({ "azp": null, "azpacr": null, "scp": null, "nonce": "678910" }),
    )
}

#[tokio::test]
async fn accepts_access_tokens_with_roles_and_scopes() {
    let claims = accept(&verifier(), &key().sign(&access_token())).await;
    assert_eq!(claims.user_id(), "HKZpfaHyWadeOouYlitjrI-KffTm222X5rrV3xDqfKQ");
    assert_eq!(claims.roles, ["Orders.Admin"]);
    assert!(claims.has_scope("Orders.Read"));
}

#[tokio::test]
async fn accepts_access_tokens_of_version_1_if_they_are_selected() {
    let token = json!({
        "aud": "api://orders", "iss": V1, "iat": NOW, "nbf": NOW, "exp": NOW + 3900, "acr": "1",
        "aio": "AXQAi/8IAAAAFm+E", "amr": ["pwd"], "appid": "75dbe77f-10a3-4e59-85fd-8c127544f17c",
        "appidacr": "0", "ipaddr": "222.222.222.22", "oid": "02223b6b-aa1d-42d4-9ec0-1b2bb9194438",
        "rh": "I", "scp": "user_impersonation", "sub": "l3_roISQU222bULS9yi2k0XpqpOiMz5H3ZACo1GeXA",
        "tid": TENANT, "unique_name": "abeli@shop.example", "uti": "FVsGxYXI30-TuikuuUoFAA",
        "ver": "1.0",
    });
    let header = json!({ "typ": "JWT", "x5t": "jS1Xo1OWDj_52vbwGNgvQO2VzMc" });
    let token_of_v1 = key().sign_as(&header, &token);

    let tenant = Tenant::new(TENANT).unwrap().with_v1_tokens();
    let jwks = "https://login.windows.net/common/discovery/keys";
    let documents = Documents::of_issuer(V1, jwks, &key());
    let keys = tenant.keys().client(documents).clock(clock()).build().unwrap();
    let verifier: Verifier = tenant.verifier(&keys, "api://orders").clock(clock()).build().unwrap();
    assert!(accept(&verifier, &token_of_v1).await.has_scope("user_impersonation"));
    let id_token = changed(&token, &json!({ "appid": null, "scp": null }));
    assert_eq!(rejection(&verifier, &key().sign(&id_token)).await, "InvalidClaims appid");
    assert_eq!(rejection(&verifier, &key().sign(&access_token())).await, "InvalidClaims appid");

    let rejected = rejection(&self::verifier(), &token_of_v1).await;
    assert_eq!(rejected, "InvalidClaims azp");
    let with_azp = changed(&token, &json!({ "azp": "x" }));
    assert_eq!(rejection(&self::verifier(), &key().sign(&with_azp)).await, "WrongIssuer iss");
}

/// Web application and API often share a registration.
#[tokio::test]
async fn rejects_id_tokens_for_the_same_audience() {
    assert_eq!(rejection(&verifier(), &key().sign(&id_token())).await, "InvalidClaims azp");
    let token = changed(&id_token(), &json!({ "nonce": null }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "InvalidClaims azp");
}

#[tokio::test]
async fn rejects_refresh_tokens() {
    for token in [ENCRYPTED, "0.AXQAi_8IAAAAtAaZLo3ChMif6KOntt"] {
        let rejected = rejection(&verifier(), token).await;
        assert!(rejected.starts_with("Malformed"), "{rejected}");
    }
}

/// The header of a token for Microsoft Graph has a `nonce` that Microsoft changes after signing.
#[tokio::test]
async fn rejects_tokens_for_graph() {
    let graph = "00000003-0000-0000-c000-000000000000";
    let token = changed(&access_token(), &json!({ "aud": graph }));
    let header = json!({ "typ": "JWT", "nonce": "xP3A0Q" });
    let token = key().sign_as(&header, &token);
    assert_eq!(rejection(&verifier(), &token).await, "WrongAudience aud");
}

#[tokio::test]
async fn rejects_tokens_for_another_audience() {
    let token = changed(&access_token(), &json!({ "aud": "00001111-aaaa-2222-bbbb-3333cccc4444" }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongAudience aud");
}

/// All tenants share most keys.
#[tokio::test]
async fn rejects_tokens_of_another_tenant() {
    let issuer = format!("https://login.microsoftonline.com/{OTHER_TENANT}/v2.0");
    let token = changed(&access_token(), &json!({ "iss": issuer, "tid": OTHER_TENANT }));
    assert_eq!(rejection(&verifier(), &key().sign(&token)).await, "WrongIssuer iss");
}

mod multi_tenant {
    use tower_jwt_auth::{
        ConfigErrorKind, jwks::JwkSet, provider::entra::MultiTenant, token::VerifierBuilder,
    };

    use super::*;

    const CONSUMERS: &str = "9188040d-6c67-4c5b-b112-36a304b66dad";
    const TEMPLATE: &str = "https://login.microsoftonline.com/{tenantid}/v2.0";

    /// The key of personal accounts signs for no other tenant.
    fn key_of_consumers() -> Key {
        Key::es256("yreX2PsLi-qkbR8QDOmB_ySxp8Q")
    }

    fn issuer(tenant: &str) -> String {
        format!("https://login.microsoftonline.com/{tenant}/v2.0")
    }

    fn builder(tenants: &MultiTenant, name: &str) -> VerifierBuilder<Access> {
        let base = format!("https://login.microsoftonline.com/{name}");
        let (metadata, jwks) = (
            format!("{base}/v2.0/.well-known/openid-configuration"),
            format!("{base}/discovery/v2.0/keys"),
        );
        let of_all = changed(&key().jwk(), &json!({ "issuer": TEMPLATE }));
        let of_consumers =
            changed(&key_of_consumers().jwk(), &json!({ "issuer": issuer(CONSUMERS) }));
        let documents = Documents::new([
            (&metadata, json!({ "issuer": TEMPLATE, "jwks_uri": jwks })),
            (&jwks, json!({ "keys": [of_all, of_consumers] })),
        ]);
        let keys = tenants.keys().client(documents).clock(clock()).build().unwrap();
        tenants.verifier(&keys, API).claims::<Access>().clock(clock())
    }

    fn organizations() -> Verifier<Access> {
        let builder = builder(&MultiTenant::organizations(), "organizations");
        builder.tenants([TENANT, CONSUMERS]).build().unwrap()
    }

    fn of_tenant(tenant: &str) -> Value {
        changed(&access_token(), &json!({ "iss": issuer(tenant), "tid": tenant }))
    }

    #[tokio::test]
    async fn accepts_tokens_of_the_listed_tenants() {
        for tenant in [TENANT, CONSUMERS] {
            let claims = accept(&organizations(), &key().sign(&of_tenant(tenant))).await;
            assert_eq!(claims.issuer(), Some(&*issuer(tenant)));
            assert_eq!(claims.roles, ["Orders.Admin"]);
        }
        let token = key_of_consumers().sign(&of_tenant(CONSUMERS));
        assert_accepted(&organizations(), &token).await;
    }

    #[tokio::test]
    async fn accepts_personal_accounts_with_common() {
        let verifier = builder(&MultiTenant::common(), "common")
            .tenants_matching(|tenant| tenant == CONSUMERS)
            .build()
            .unwrap();
        assert_accepted(&verifier, &key_of_consumers().sign(&of_tenant(CONSUMERS))).await;
        let rejected = rejection(&verifier, &key().sign(&of_tenant(TENANT))).await;
        assert!(rejected.starts_with("WrongIssuer"), "{rejected}");
    }

    #[tokio::test]
    async fn rejects_tokens_of_other_tenants() {
        let rejected = rejection(&organizations(), &key().sign(&of_tenant(OTHER_TENANT))).await;
        assert!(rejected.starts_with("WrongIssuer"), "{rejected}");
        // `tid` and `iss` differ.
        let token = changed(&of_tenant(OTHER_TENANT), &json!({ "tid": TENANT }));
        let rejected = rejection(&organizations(), &key().sign(&token)).await;
        assert!(rejected.starts_with("WrongIssuer"), "{rejected}");
    }

    #[tokio::test]
    async fn rejects_a_key_of_another_tenant() {
        let token = key_of_consumers().sign(&of_tenant(TENANT));
        let rejected = rejection(&organizations(), &token).await;
        assert!(rejected.starts_with("UnknownKey"), "{rejected}");
    }

    #[tokio::test]
    async fn rejects_id_tokens_and_other_audiences() {
        let token = key().sign(&changed(&id_token(), &json!({ "nonce": null })));
        assert_eq!(rejection(&organizations(), &token).await, "InvalidClaims azp");
        let token = key().sign(&changed(&access_token(), &json!({ "aud": "another" })));
        assert_eq!(rejection(&organizations(), &token).await, "WrongAudience aud");
    }

    #[test]
    fn requires_tenants() {
        let tenants = MultiTenant::organizations();
        let keys = tenants.keys().build().unwrap();
        let built: Result<Verifier, _> = tenants.verifier(&keys, API).build();
        assert_eq!(built.unwrap_err().kind(), ConfigErrorKind::Ineffective);
    }

    /// Otherwise nothing would check the issuer.
    #[test]
    fn requires_keys_of_tenants() {
        let tenants = MultiTenant::organizations();
        let keys = || JwkSet::from_json(&json!({ "keys": [key().jwk()] }).to_string()).unwrap();
        for builder in
            [tenants.verifier(keys(), API), tenants.verifier(keys(), API).tenants([TENANT])]
        {
            let built: Result<Verifier, _> = builder.build();
            assert_eq!(built.unwrap_err().kind(), ConfigErrorKind::Ineffective);
        }
    }
}
