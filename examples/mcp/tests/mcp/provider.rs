//! A small authorization server: registration (RFC 7591), metadata (RFC 8414), and the authorization
//! code flow with PKCE (RFC 7636) and resource indicators (RFC 8707). Each user logs in at once.

use std::sync::{Arc, Mutex};

use aws_lc_rs::digest::{SHA256, digest};
use axum::{
    Form, Json, Router,
    extract::{Query, State},
    http::StatusCode,
    response::Redirect,
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_jwt_auth::{Algorithm, KeySet, SigningKey, testing::TestToken};

#[derive(Clone)]
pub(crate) struct Provider {
    pub(crate) issuer: String,
    key: SigningKey,
    /// The scopes that the user grants, whatever a client asks for.
    granted: &'static str,
    authorizations: Arc<Mutex<Vec<Authorization>>>,
}

/// The parameters of an authorization request.
#[derive(Deserialize)]
struct Authorization {
    redirect_uri: String,
    code_challenge: String,
    resource: String,
    #[serde(default)]
    scope: String,
    #[serde(default)]
    state: String,
}

#[derive(Deserialize)]
struct TokenRequest {
    grant_type: String,
    code: usize,
    code_verifier: String,
    redirect_uri: String,
    resource: String,
}

impl Provider {
    pub(crate) async fn start(granted: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let provider = Self {
            issuer: format!("http://{}", listener.local_addr().unwrap()),
            key: SigningKey::generate(Algorithm::ES256).unwrap(),
            granted,
            authorizations: Arc::default(),
        };
        let app = Router::new()
            .route("/.well-known/oauth-authorization-server", get(metadata))
            .route("/jwks", get(jwks))
            .route("/register", post(register))
            .route("/authorize", get(authorize))
            .route("/token", post(token))
            .with_state(provider.clone());
        tokio::spawn(async move { axum::serve(listener, app).await });
        provider
    }

    /// Signs a token of this issuer.
    pub(crate) fn sign(&self, token: TestToken) -> String {
        token.with_issuer(&*self.issuer).sign(&self.key)
    }
}

async fn metadata(State(provider): State<Provider>) -> Json<Value> {
    let url = |path: &str| format!("{}{path}", provider.issuer);
    Json(json!({
        "issuer": provider.issuer,
        "jwks_uri": url("/jwks"),
        "registration_endpoint": url("/register"),
        "authorization_endpoint": url("/authorize"),
        "token_endpoint": url("/token"),
        "response_types_supported": ["code"],
        "grant_types_supported": ["authorization_code"],
        "code_challenge_methods_supported": ["S256"],
        "token_endpoint_auth_methods_supported": ["none"],
    }))
}

async fn jwks(State(provider): State<Provider>) -> String {
    KeySet::builder().signing_key(provider.key).build().unwrap().to_jwks()
}

async fn register(Json(mut client): Json<Value>) -> (StatusCode, Json<Value>) {
    client["client_id"] = json!("client");
    (StatusCode::CREATED, Json(client))
}

async fn authorize(
    State(provider): State<Provider>,
    Query(request): Query<Authorization>,
) -> Redirect {
    let mut authorizations = provider.authorizations.lock().unwrap();
    let (code, state) = (authorizations.len(), &request.state);
    let redirect = Redirect::to(&format!("{}?code={code}&state={state}", request.redirect_uri));
    authorizations.push(request);
    redirect
}

async fn token(
    State(provider): State<Provider>,
    Form(request): Form<TokenRequest>,
) -> Result<Json<Value>, (StatusCode, Json<Value>)> {
    let invalid = || (StatusCode::BAD_REQUEST, Json(json!({ "error": "invalid_grant" })));
    let authorizations = provider.authorizations.lock().unwrap();
    let authorization = authorizations.get(request.code).ok_or_else(invalid)?;
    let challenge = digest(&SHA256, request.code_verifier.as_bytes());
    if request.grant_type != "authorization_code"
        || BASE64_URL_SAFE_NO_PAD.encode(challenge) != authorization.code_challenge
        || request.redirect_uri != authorization.redirect_uri
        || request.resource != authorization.resource
    {
        return Err(invalid());
    }
    let asked = authorization.scope.split(' ');
    let scope = asked.filter(|scope| provider.granted.split(' ').any(|granted| granted == *scope));
    let scope = scope.collect::<Vec<_>>().join(" ");
    let token = TestToken::new("ada").rfc9068("client").with_audience(&*request.resource);
    let access = provider.sign(token.with_scope(&*scope));
    Ok(Json(json!({
        "access_token": access, "token_type": "Bearer", "expires_in": 300, "scope": scope,
    })))
}
