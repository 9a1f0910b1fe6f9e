//! Decides whether a token is valid, and if not, which error SimpleJWT returns.
//!
//! As in SimpleJWT, a token is first decoded, by the crate's own [`Checker`]. Then its claims are
//! checked one by one. The blacklist comes before the claims of refresh and sliding tokens.

use futures::future::BoxFuture;
use http::StatusCode;

use crate::{
    check::{Check, Checker},
    error::AuthError,
    token::{Claims, NoClaims, Verifier},
};

use super::{
    blacklist::Blacklist,
    error::{Reason, SimpleJwtError},
    settings::Settings,
    token_class::TokenClass,
    token_fault::TokenFault,
};

pub(super) struct TokenCheck {
    /// Checks what PyJWT checks: the signature, times, issuer and audience.
    decoder: Checker<NoClaims>,
    blacklist: Blacklist,
    has_type_claim: bool,
    has_id_claim: bool,
    auth_classes: Vec<TokenClass>,
}

/// Whether a request's token is accepted, or what has to be awaited to decide it.
pub(super) enum Verdict {
    Done(Result<Claims, SimpleJwtError>),
    /// Keys are being fetched.
    Decoding(BoxFuture<'static, Result<Claims, AuthError>>),
    /// The blacklist has to be asked.
    Decoded(Claims),
}

impl TokenCheck {
    pub(super) fn new(settings: &Settings, decoder: Verifier, blacklist: Blacklist) -> Self {
        Self {
            decoder: Checker::new(decoder, None),
            blacklist,
            has_type_claim: settings.token_type_claim.is_some(),
            has_id_claim: settings.jti_claim.is_some(),
            auth_classes: settings.auth_token_classes.clone(),
        }
    }

    /// What `Token.verify` checks, except for the blacklist.
    fn verify(&self, claims: &Claims, class: TokenClass) -> Result<(), TokenFault> {
        if !claims.has_expiry() {
            return Err(TokenFault::NoClaim("exp".into()));
        }
        if self.has_id_claim && claims.jti().is_none() {
            return Err(TokenFault::NoId);
        }
        match class.token_type() {
            Some(expected) if self.has_type_claim => match claims.token_type() {
                None => Err(TokenFault::NoType),
                Some(found) if *found != expected => Err(TokenFault::WrongType),
                Some(_) => Ok(()),
            },
            _ => Ok(()),
        }
    }

    /// Checks a token of `class`. Does not reject a valid token for being blacklisted: the caller
    /// finds that out in the step that blacklists it.
    pub(super) async fn check_before_blacklisting(
        &self,
        token: &str,
        class: TokenClass,
    ) -> Result<Claims, SimpleJwtError> {
        let claims =
            self.decoder.check_async(token).await.map_err(|error| match fault_of(&error) {
                Some(fault) => SimpleJwtError::from(fault).with_found(error),
                None => error.into(),
            })?;
        if let Err(fault) = self.verify(&claims, class) {
            self.blacklist.check(&claims, class).await?;
            return Err(fault.into());
        }
        Ok(claims)
    }

    /// Checks a token of `class`.
    pub(super) async fn check(
        &self,
        token: &str,
        class: TokenClass,
    ) -> Result<Claims, SimpleJwtError> {
        let claims = self.check_before_blacklisting(token, class).await?;
        self.blacklist.check(&claims, class).await?;
        Ok(claims)
    }

    /// Checks the token of a request to a protected route, as far as that needs no waiting.
    pub(super) fn authenticate(&self, token: &str) -> Verdict {
        match self.decoder.check(token.as_bytes()) {
            Check::Done(Ok(claims)) => self.authenticate_decoded(claims),
            Check::Done(Err(error)) => Verdict::Done(Err(self.undecodable(error))),
            Check::Pending(decoding) => Verdict::Decoding(decoding),
        }
    }

    /// Whether protected routes accept tokens that can be blacklisted.
    pub(super) fn accepts_blacklistable_tokens(&self) -> bool {
        self.auth_classes.iter().any(|class| self.accepts_blacklistable(*class))
    }

    /// Whether `class` accepts tokens that can be blacklisted. Without checking the token type,
    /// every class accepts refresh tokens.
    fn accepts_blacklistable(&self, class: TokenClass) -> bool {
        class.is_blacklistable() || class == TokenClass::Untyped || !self.has_type_claim
    }

    fn authenticate_decoded(&self, claims: Claims) -> Verdict {
        let is_covered = self.blacklist.covers(&claims);
        let mut faults = Vec::new();
        for class in &self.auth_classes {
            match self.verify(&claims, *class) {
                Ok(()) if is_covered && self.accepts_blacklistable(*class) => {
                    return Verdict::Decoded(claims);
                }
                Ok(()) => return Verdict::Done(Ok(claims)),
                Err(fault) => faults.push((*class, fault)),
            }
        }
        // If it is blacklisted, the response names that fault and no other.
        if is_covered && self.auth_classes.iter().any(|class| class.is_blacklistable()) {
            return Verdict::Decoded(claims);
        }
        Verdict::Done(Err(Reason::NoClassFits(faults).into()))
    }

    /// Awaits the outcome of [`authenticate`](Self::authenticate).
    pub(super) async fn finish(&self, verdict: Verdict) -> Result<Claims, SimpleJwtError> {
        let verdict = match verdict {
            Verdict::Decoding(decoding) => match decoding.await {
                Ok(claims) => self.authenticate_decoded(claims),
                Err(error) => return Err(self.undecodable(error)),
            },
            verdict => verdict,
        };
        match verdict {
            Verdict::Done(result) => result,
            Verdict::Decoded(claims) => self.ask_blacklist(claims).await,
            Verdict::Decoding(decoding) => Ok(decoding.await?),
        }
    }

    /// Finds the first class that accepts a decoded token, after asking the blacklist.
    async fn ask_blacklist(&self, claims: Claims) -> Result<Claims, SimpleJwtError> {
        let is_blacklisted = self.blacklist.contains(&claims).await?;
        let mut faults = Vec::new();
        for class in &self.auth_classes {
            let fault = match self.verify(&claims, *class) {
                _ if is_blacklisted && class.is_blacklistable() => TokenFault::Blacklisted,
                Ok(()) if is_blacklisted && self.accepts_blacklistable(*class) => {
                    TokenFault::Blacklisted
                }
                Ok(()) => return Ok(claims),
                Err(fault) => fault,
            };
            faults.push((*class, fault));
        }
        Err(Reason::NoClassFits(faults).into())
    }

    /// The error for a token that could not be decoded.
    pub(super) fn undecodable(&self, error: AuthError) -> SimpleJwtError {
        let Some(fault) = fault_of(&error) else { return error.into() };
        let faults = self.auth_classes.iter().map(|class| (*class, fault.clone()));
        SimpleJwtError::from(Reason::NoClassFits(faults.collect())).with_found(error)
    }
}

/// What is wrong with a token; `None` if that could not be decided.
fn fault_of(error: &AuthError) -> Option<TokenFault> {
    let kind = error.kind();
    (kind.status() == StatusCode::UNAUTHORIZED).then(|| kind.into())
}
