//! The settings of this example.

use std::{env, error::Error, path::PathBuf, time::Duration};

use axum::http::{
    Uri,
    uri::{InvalidUri, Scheme},
};
use tower_jwt_auth::{
    password::PasswordRules,
    store::ThrottleStore,
    throttle::{AttemptLimit, ForwardedHeader, Throttle, ThrottleBuilder},
    transport::SessionCookies,
};

use crate::settings::setting;

pub(crate) struct Config {
    pub(crate) password_rules: PasswordRules,
    /// Whether sign-up hides which names and addresses have accounts.
    pub(crate) safe_sign_up: bool,
    /// The folder for mails. Without it, they are on the page `/outbox`.
    pub(crate) outbox: Option<PathBuf>,
    trusted_proxies: usize,
}

impl Config {
    pub(crate) fn from_env() -> Result<Self, String> {
        let password_rules = match &*setting("PASSWORD_RULES", "nist")? {
            "nist" => PasswordRules::nist(),
            "django" => PasswordRules::django(),
            other => return Err(format!("PASSWORD_RULES must be nist or django, not {other:?}")),
        };
        let safe_sign_up = match &*setting("SIGNUP", "open")? {
            "open" => false,
            "safe" => true,
            other => return Err(format!("SIGNUP must be open or safe, not {other:?}")),
        };
        let proxies = setting("TRUSTED_PROXIES", "0")?;
        let trusted_proxies = proxies.parse();
        Ok(Self {
            password_rules,
            safe_sign_up,
            outbox: env::var_os("OUTBOX").map(PathBuf::from),
            trusted_proxies: trusted_proxies
                .map_err(|_| format!("TRUSTED_PROXIES must be a number, not {proxies:?}"))?,
        })
    }

    /// Limits attempts to log in.
    pub(crate) fn login_throttle(&self, store: impl ThrottleStore) -> Result<Throttle, String> {
        self.build(Throttle::builder(store))
    }

    /// Limits how many accounts or mails one client can have made, far above what people need.
    pub(crate) fn throttle(
        &self,
        namespace: &str,
        store: impl ThrottleStore,
    ) -> Result<Throttle, Box<dyn Error>> {
        let limit = |attempts| AttemptLimit::new(attempts)?.with_recovery(Duration::from_secs(60));
        let throttle = Throttle::builder(store).namespace(namespace);
        Ok(self.build(throttle.per_account(limit(100)?).per_address(limit(1000)?))?)
    }

    fn build(&self, throttle: ThrottleBuilder) -> Result<Throttle, String> {
        let throttle = match self.trusted_proxies {
            0 => throttle,
            count => throttle.trusted_proxies(count, ForwardedHeader::XForwardedFor),
        };
        throttle.build().map_err(|error| format!("TRUSTED_PROXIES: {error}"))
    }
}

/// The cookies for an application at the origin `public_url`.
pub(crate) fn session_cookies(public_url: &str) -> Result<SessionCookies, String> {
    let url: Uri =
        public_url.parse().map_err(|error: InvalidUri| format!("PUBLIC_URL: {error}"))?;
    // Browsers keep secure cookies of plain http only for this computer.
    let is_local = ["localhost", "127.0.0.1", "[::1]"].contains(&url.host().unwrap_or_default());
    let is_plain = url.scheme() == Some(&Scheme::HTTP);
    let cookies =
        SessionCookies::builder().public_origin(public_url).insecure_http(is_plain && !is_local);
    cookies.build().map_err(|error| format!("PUBLIC_URL: {error}"))
}
