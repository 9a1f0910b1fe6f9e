use std::{error::Error, fmt, time::Duration};

use serde::{Serialize, de::DeserializeOwned};

use crate::{
    clock::{Clock, NumericDate},
    issue::random_id,
    token::{
        Algorithm, ClaimNames, Claims, NewToken, NoClaims, SigningKey, TokenType, UserId, Verifier,
        sign,
    },
};

const HOUR: Duration = Duration::from_secs(3600);

/// A token for tests, valid or not, as an application or a provider would have issued it.
///
/// By default it is an access token with the claim names of [`ClaimNames`], issued now and valid for
/// an hour. It belongs to no session.
///
/// ```
/// use tower_jwt_auth::{AuthErrorKind, Issuer, SigningKey, testing::TestToken};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let key = SigningKey::hs256([7, 9].repeat(16))?;
/// let verifier = Issuer::builder(key.clone()).build()?.verifier();
///
/// assert_eq!(verifier.verify(&TestToken::new(42).sign(&key))?.user_id(), "42");
/// let error = verifier.verify(&TestToken::new(42).expired().sign(&key)).unwrap_err();
/// assert_eq!(error.kind(), AuthErrorKind::Expired);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
#[must_use]
pub struct TestToken<C = NoClaims> {
    registered: RegisteredMembers,
    custom: C,
}

#[derive(Clone)]
struct RegisteredMembers {
    names: ClaimNames,
    token_type: TokenType,
    user_id: UserId,
    issued_at: NumericDate,
    expires_at: NumericDate,
    issuer: Option<String>,
    audience: Option<String>,
    scope: Option<String>,
    session_id: Option<String>,
    amr: Vec<String>,
    acr: Option<String>,
    auth_time: Option<NumericDate>,
    client_id: Option<String>,
}

impl TestToken {
    /// Creates a valid access token of this user.
    pub fn new(user_id: impl Into<UserId>) -> Self {
        let now = Clock::system().now();
        let registered = RegisteredMembers {
            names: ClaimNames::default(),
            token_type: TokenType::Access,
            user_id: user_id.into(),
            issued_at: now,
            expires_at: now.saturating_add(HOUR),
            issuer: None,
            audience: None,
            scope: None,
            session_id: None,
            amr: Vec::new(),
            acr: None,
            auth_time: None,
            client_id: None,
        };
        Self { registered, custom: NoClaims::default() }
    }

    /// Returns a string that is no JWT, although it has the characters of one.
    #[must_use]
    pub fn malformed() -> String {
        "eyJhbGciOiJIUzI1NiJ9.malformed".to_owned()
    }

    /// Sets the application's own claims. Default: none.
    pub fn with_claims<C>(self, claims: C) -> TestToken<C> {
        TestToken { registered: self.registered, custom: claims }
    }
}

impl<C> TestToken<C> {
    /// Sets `iss`. Default: absent.
    pub fn with_issuer(mut self, issuer: impl Into<String>) -> Self {
        self.registered.issuer = Some(issuer.into());
        self
    }

    /// Sets `aud`. Default: absent.
    pub fn with_audience(mut self, audience: impl Into<String>) -> Self {
        self.registered.audience = Some(audience.into());
        self
    }

    /// Sets `scope`: scopes separated by spaces. Default: absent.
    pub fn with_scope(mut self, scope: impl Into<String>) -> Self {
        self.registered.scope = Some(scope.into());
        self
    }

    /// Sets the id of the session, `sid`. Default: absent.
    pub fn with_session(mut self, session_id: impl Into<String>) -> Self {
        self.registered.session_id = Some(session_id.into());
        self
    }

    /// Sets how the user was authenticated, `amr`, for example to `["pwd", "otp"]`. Default: absent.
    pub fn with_amr<M: Into<String>>(mut self, methods: impl IntoIterator<Item = M>) -> Self {
        self.registered.amr = methods.into_iter().map(Into::into).collect();
        self
    }

    /// Sets how strongly the user was authenticated, `acr`. Default: absent.
    pub fn with_acr(mut self, acr: impl Into<String>) -> Self {
        self.registered.acr = Some(acr.into());
        self
    }

    /// Sets when the user logged in, `auth_time`. Default: absent.
    pub fn with_auth_time(mut self, auth_time: NumericDate) -> Self {
        self.registered.auth_time = Some(auth_time);
        self
    }

    /// Sets the token type. Default: [`TokenType::Access`].
    pub fn with_token_type(mut self, token_type: TokenType) -> Self {
        self.registered.token_type = token_type;
        self
    }

    /// Sets the names of the claims. Default: [`ClaimNames::default`].
    pub fn with_claim_names(mut self, names: ClaimNames) -> Self {
        self.registered.names = names;
        self
    }

    /// Gives the token the form of [RFC 9068]: the header has `typ: at+jwt`, the user id is `sub`, and
    /// the token was issued to the client `client_id`. A verifier for such tokens also requires an
    /// issuer and an audience.
    ///
    /// [RFC 9068]: https://www.rfc-editor.org/rfc/rfc9068
    pub fn rfc9068(mut self, client_id: impl Into<String>) -> Self {
        self.registered.client_id = Some(client_id.into());
        self.registered.names = self.registered.names.with_user_id("sub");
        self
    }

    /// Sets `iat` to `now` and `exp` to an hour later, for verifiers with a
    /// [`ManualClock`](crate::ManualClock). Default: the time at which the token was created.
    pub fn issued_at(mut self, now: NumericDate) -> Self {
        self.registered.issued_at = now;
        self.registered.expires_at = now.saturating_add(HOUR);
        self
    }

    /// Makes the token one that expired an hour ago.
    pub fn expired(mut self) -> Self {
        self.registered.expires_at = self.registered.issued_at.saturating_sub(HOUR);
        self.registered.issued_at = self.registered.expires_at.saturating_sub(HOUR);
        self
    }

    /// Makes the token one that is issued an hour from now.
    pub fn not_yet_valid(self) -> Self {
        let later = self.registered.issued_at.saturating_add(HOUR);
        self.issued_at(later)
    }
}

impl<C: Serialize> TestToken<C> {
    /// Signs the token.
    ///
    /// # Panics
    ///
    /// If the claims do not serialize to an object, or one of them has the name of a registered
    /// claim.
    #[must_use]
    pub fn sign(&self, key: &SigningKey) -> String {
        let amr: Vec<&str> = self.registered.amr.iter().map(String::as_str).collect();
        let registered = NewToken {
            jkt: None,
            names: &self.registered.names,
            token_type: &self.registered.token_type,
            expires_at: self.registered.expires_at,
            issued_at: self.registered.issued_at,
            jti: &random_id().expect("the system has random numbers"),
            user_id: self.registered.user_id.as_str(),
            issuer: self.registered.issuer.as_deref(),
            audience: self.registered.audience.as_deref(),
            session_id: self.registered.session_id.as_deref(),
            auth_time: self.registered.auth_time,
            session_start: None,
            amr: &amr,
            acr: self.registered.acr.as_deref(),
            scope: self.registered.scope.as_deref(),
            epoch: None,
            generation: None,
            client_id: self.registered.client_id.as_deref(),
            subject: None,
        };
        match sign(key, &registered, &self.custom) {
            Ok(token) => token,
            Err(error) => panic!("{error}: {:?}", error.source()),
        }
    }

    /// Signs the token with another key that has the algorithm and the key id of `key`, as somebody
    /// who forges a token would.
    ///
    /// # Panics
    ///
    /// As [`sign`](Self::sign).
    #[must_use]
    pub fn sign_with_foreign_key(&self, key: &SigningKey) -> String {
        self.sign(&generate(key.algorithm(), key.kid()))
    }
}

impl<C: Serialize + DeserializeOwned> TestToken<C> {
    /// Returns the claims that a verifier would read from the token.
    ///
    /// ```
    /// use tower_jwt_auth::testing::TestToken;
    ///
    /// let claims = TestToken::new(42).with_scope("read write").into_claims();
    /// assert!(claims.require_scope("write").is_ok());
    /// ```
    ///
    /// # Panics
    ///
    /// As [`sign`](Self::sign), and if no verifier would accept the token, for example because it has
    /// expired.
    pub fn into_claims(mut self) -> Claims<C> {
        let key = generate(Algorithm::HS256, None);
        // The form of the header does not matter here, and a verifier of that form has more rules.
        self.registered.client_id = None;
        let mut builder = Verifier::builder(key.clone())
            .claims::<C>()
            .claim_names(self.registered.names.clone())
            .token_type(self.registered.token_type.clone());
        if let Some(audience) = &self.registered.audience {
            builder = builder.audience(&**audience);
        }
        let verifier = builder.build().expect("the claim names are allowed");
        verifier.verify(&self.sign(&key)).expect("the token is valid")
    }
}

fn generate(algorithm: Algorithm, kid: Option<&str>) -> SigningKey {
    let key = SigningKey::generate(algorithm).and_then(|key| match kid {
        Some(kid) => key.with_kid(kid),
        None => Ok(key),
    });
    key.expect("keys can be generated for every algorithm")
}

impl<C> fmt::Debug for TestToken<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestToken")
            .field("token_type", &self.registered.token_type)
            .finish_non_exhaustive()
    }
}
