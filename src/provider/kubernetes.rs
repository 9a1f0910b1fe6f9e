//! Kubernetes: tokens of service accounts, for calls from one pod to another.
//!
//! ```no_run
//! use tower_jwt_auth::{Claims, JwtAuthLayer, guard::RequireLayer, provider::kubernetes};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let cluster = kubernetes::Cluster::new("https://kubernetes.default.svc.cluster.local");
//! let keys = cluster.keys_in_pod()?.build()?;
//! let verifier = cluster.verifier(&keys, "orders").claims::<kubernetes::Workload>().build()?;
//!
//! let layer = JwtAuthLayer::new(verifier);
//! let billing = RequireLayer::new(|claims: &Claims<kubernetes::Workload>| {
//!     claims.is_service_account("shop", "billing")
//! });
//! # Ok(())
//! # }
//! ```
//!
//! This command prints the issuer of a cluster:
//! `kubectl get --raw /.well-known/openid-configuration`.
//!
//! # Give your service an audience
//!
//! The caller requests a token for your service in its pod specification, and reads it from the file
//! for each call, because it is renewed:
//!
//! ```yaml
//! volumes:
//!   - name: orders-token
//!     projected:
//!       sources:
//!         - serviceAccountToken:
//!             audience: orders
//!             expirationSeconds: 3600
//!             path: token
//! ```
//!
//! Do not accept the audience of the API server, which the default token of each pod has. Your service
//! could use such a token to call the API server in the name of the caller.
//!
//! # Where the keys are
//!
//! - In the cluster: [`keys_in_pod`](Cluster::keys_in_pod) fetches them from the API server, with the
//!   certificate authority and the token that Kubernetes mounts into the pod. By default, each service
//!   account may read them (cluster role `system:service-account-issuer-discovery`).
//! - From anywhere, if the issuer is a public URL: [`keys`](Cluster::keys). It is one in managed
//!   clusters, such as EKS (`https://oidc.eks.eu-central-1.amazonaws.com/id/…`).
//!
//! # What is checked
//!
//! - `iss` is the cluster, `aud` contains the audience, and the user id is `sub`, such as
//!   `system:serviceaccount:shop:billing`.
//! - `exp` is present. The tokens of secrets of the type `kubernetes.io/service-account-token` never
//!   expire, have another issuer and no audience. They are rejected.
//!
//! Every service account of the cluster can request a token for your audience. So the audience is no
//! permission: compare the service account, as in the example. A token stays valid until it expires,
//! even if the pod or the account has been deleted. Only a `TokenReview` request to the API server
//! would show that.

use std::{
    error::Error,
    fmt, fs,
    future::Future,
    path::{Path, PathBuf},
};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use crate::{
    error::ConfigError,
    http_client::{HttpClient, TlsClient},
    jwks::{RemoteKeys, RemoteKeysBuilder},
    token::{KeySet, TokenProfile, Verifier, VerifierBuilder},
};

/// The API server, as each pod knows it.
const API_SERVER: &str = "https://kubernetes.default.svc";
/// What Kubernetes mounts into each pod: `ca.crt` and `token`.
const POD_CREDENTIALS: &str = "/var/run/secrets/kubernetes.io/serviceaccount";

/// A cluster of Kubernetes. See the [module docs](self).
#[derive(Clone, Debug)]
#[must_use]
pub struct Cluster {
    issuer: Box<str>,
}

impl Cluster {
    /// Creates the settings for the cluster with this issuer.
    pub fn new(issuer: impl Into<Box<str>>) -> Self {
        Self { issuer: issuer.into() }
    }

    /// Returns a builder for the keys of the cluster, found by discovery. The issuer must be a URL
    /// that this service can reach.
    pub fn keys(&self) -> RemoteKeysBuilder {
        RemoteKeys::from_issuer(self.issuer.clone())
    }

    /// Returns a builder for the keys of the cluster in which this process runs as a pod.
    ///
    /// It calls [`keys_from_api_server`](Self::keys_from_api_server) with
    /// `https://kubernetes.default.svc` and `/var/run/secrets/kubernetes.io/serviceaccount`.
    ///
    /// # Errors
    ///
    /// As [`keys_from_api_server`](Self::keys_from_api_server), for example outside of a cluster, or
    /// with `automountServiceAccountToken: false`.
    pub fn keys_in_pod(&self) -> Result<RemoteKeysBuilder, ConfigError> {
        self.keys_from_api_server(API_SERVER, POD_CREDENTIALS)
    }

    /// Returns a builder for the keys at `/openid/v1/jwks` of the API server at `url`.
    ///
    /// The folder `credentials` must have two files: `ca.crt`, the certificate authorities of the
    /// cluster in PEM, and `token`, with which this service authenticates. The token is read again
    /// for each request, because Kubernetes renews it. It is sent to this URL only.
    ///
    /// # Errors
    ///
    /// When `ca.crt` cannot be read or has no certificate.
    pub fn keys_from_api_server(
        &self,
        url: impl AsRef<str>,
        credentials: impl AsRef<Path>,
    ) -> Result<RemoteKeysBuilder, ConfigError> {
        let url = format!("{}/openid/v1/jwks", url.as_ref().trim_end_matches('/'));
        Ok(RemoteKeys::from_url(url).client(ApiClient::open(credentials.as_ref())?))
    }

    /// Returns a builder for a verifier of tokens of service accounts for `audience`.
    ///
    /// It sets the [issuer](VerifierBuilder::issuer), the [audience](VerifierBuilder::audience) and
    /// the profile [`TokenProfile::Plain`].
    pub fn verifier(
        &self,
        keys: impl Into<KeySet>,
        audience: impl Into<Box<str>>,
    ) -> VerifierBuilder {
        Verifier::builder(keys)
            .issuer(self.issuer.clone())
            .audience(audience)
            .profile(TokenProfile::Plain)
    }
}

/// Sends requests to the API server, as a service account.
struct ApiClient {
    client: TlsClient,
    token: PathBuf,
}

impl ApiClient {
    fn open(credentials: &Path) -> Result<Self, ConfigError> {
        let unreadable = "the folder of the credentials must have a readable file `ca.crt`";
        let authorities = fs::read(credentials.join("ca.crt"))
            .map_err(|_| ConfigError::out_of_range(unreadable))?;
        let client = TlsClient::trusting(&authorities)?;
        Ok(Self { client, token: credentials.join("token") })
    }
}

impl HttpClient for ApiClient {
    type Body = <TlsClient as HttpClient>::Body;

    fn send(
        &self,
        mut request: Request<Vec<u8>>,
    ) -> impl Future<Output = Result<Response<Self::Body>, Box<dyn Error + Send + Sync>>> + Send
    {
        let path = self.token.clone();
        async move {
            let token = spawn_blocking(|| fs::read_to_string(path)).await??;
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.trim()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, value);
            self.client.send(request).await
        }
    }
}

/// The service account and the pod that a token was issued to: the claim `kubernetes.io`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Workload {
    /// The claim `kubernetes.io`.
    #[serde(rename = "kubernetes.io")]
    pub binding: Binding,
}

/// The claim `kubernetes.io`.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Binding {
    /// The namespace of the service account.
    pub namespace: String,
    /// The service account.
    pub serviceaccount: ObjectRef,
    /// The pod, if the token was issued for one.
    pub pod: Option<ObjectRef>,
    /// The node of the pod, if the cluster writes it.
    pub node: Option<ObjectRef>,
}

/// An object of the cluster.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct ObjectRef {
    /// The name.
    pub name: String,
    /// The unique id. An object that is deleted and created again has another one.
    pub uid: String,
}

impl Workload {
    /// Returns whether the token belongs to the service account `name` in `namespace`.
    ///
    /// Accounts of the same name in other namespaces do not count.
    #[must_use]
    pub fn is_service_account(&self, namespace: &str, name: &str) -> bool {
        self.binding.namespace == namespace && self.binding.serviceaccount.name == name
    }
}

impl fmt::Debug for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Workload").finish_non_exhaustive()
    }
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding").finish_non_exhaustive()
    }
}

impl fmt::Debug for ObjectRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObjectRef").finish_non_exhaustive()
    }
}
