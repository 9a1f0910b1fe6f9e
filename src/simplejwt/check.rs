//! Is this token good, and if not, what does SimpleJWT say about it?
//!
//! As there, a token is first decoded, which the crate's own [`Checker`] does; then come its
//! claims, one by one; and before those the blacklist, for the classes that are on it.

use futures::future::BoxFuture;
use http::StatusCode;

use crate::{
    check::{Check, Checker},
    error::AuthError,
    token::{Claims, NoClaims, Verifier},
};

use super::{
    TokenClass,
    database::DjangoStore,
    error::{TokenFault, Reason, SimpleJwtError},
    settings::Settings,
};

/// What tokens are checked with.
pub(super) struct TokenCheck {
    /// Does what PyJWT does: the signature, times, issuer and audience.
    decoder: Checker<NoClaims>,
    pub(super) blacklist: Option<DjangoStore>,
    /// The claim that must name the type.
    has_type_claim: bool,
    has_id_claim: bool,
    auth_classes: Vec<TokenClass>,
}

/// Whether the token of a request opens a route, or what has to be awaited to know it.
pub(super) enum Opens {
    Done(Result<Claims, SimpleJwtError>),
    /// Keys are being fetched.
    Decoding(BoxFuture<'static, Result<Claims, AuthError>>),
    /// The blacklist has to be asked.
    Decoded(Claims),
}

impl TokenCheck {
    pub(super) fn new(
        settings: &Settings,
        decoder: Verifier,
        blacklist: Option<DjangoStore>,
    ) -> Self {
        Self {
            decoder: Checker::new(decoder, None),
            blacklist,
            has_type_claim: settings.token_type_claim.is_some(),
            has_id_claim: settings.jti_claim.is_some(),
            auth_classes: settings.auth_token_classes.clone(),
        }
    }

    /// What `Token.verify` does, without the blacklist.
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

    /// The blacklist that knows tokens of `class`, and the id by which it knows this one.
    fn listed<'a>(
        &'a self,
        claims: &'a Claims,
        class: TokenClass,
    ) -> Option<(&'a DjangoStore, &'a str)> {
        if !class.is_blacklistable() {
            return None;
        }
        self.blacklist.as_ref().zip(claims.jti())
    }

    /// Checks a token of `class` but for one thing: that a good one is not blacklisted, which the
    /// caller finds out in the same step in which it blacklists it.
    pub(super) async fn check_before_blacklisting(
        &self,
        token: &str,
        class: TokenClass,
    ) -> Result<Claims, SimpleJwtError> {
        let claims = self
            .decoder
            .check_now(token)
            .await
            .map_err(|error| fault_of(&error).map_or_else(|| error.into(), SimpleJwtError::from))?;
        if let Err(fault) = self.verify(&claims, class) {
            self.refuse_blacklisted(&claims, class).await?;
            return Err(fault.into());
        }
        Ok(claims)
    }

    /// Checks a token of `class`.
    pub(super) async fn check(&self, token: &str, class: TokenClass) -> Result<Claims, SimpleJwtError> {
        let claims = self.check_before_blacklisting(token, class).await?;
        self.refuse_blacklisted(&claims, class).await?;
        Ok(claims)
    }

    pub(super) async fn refuse_blacklisted(
        &self,
        claims: &Claims,
        class: TokenClass,
    ) -> Result<(), SimpleJwtError> {
        match self.listed(claims, class) {
            Some((blacklist, jti)) if blacklist.is_blacklisted(jti).await? => {
                Err(TokenFault::Blacklisted.into())
            }
            _ => Ok(()),
        }
    }

    /// Whether a token opens protected routes, where that takes no waiting.
    pub(super) fn opens(&self, token: &str) -> Opens {
        match self.decoder.check(token.as_bytes()) {
            Check::Done(Ok(claims)) => self.opens_decoded(claims),
            Check::Done(Err(error)) => Opens::Done(Err(self.not_decoded(error))),
            Check::Lookup(decoding) => Opens::Decoding(decoding),
        }
    }

    fn opens_decoded(&self, claims: Claims) -> Opens {
        let is_listed = |class: &TokenClass| self.listed(&claims, *class).is_some();
        let mut faults = Vec::new();
        for class in &self.auth_classes {
            match self.verify(&claims, *class) {
                Ok(()) if is_listed(class) => return Opens::Decoded(claims),
                Ok(()) => return Opens::Done(Ok(claims)),
                Err(fault) => faults.push((*class, fault)),
            }
        }
        // That it is blacklisted would be said instead of what else is wrong.
        if self.auth_classes.iter().any(is_listed) {
            return Opens::Decoded(claims);
        }
        Opens::Done(Err(Reason::NoClassFits(faults).into()))
    }

    /// Waits for the outcome of [`opens`](Self::opens).
    pub(super) async fn finish(&self, opens: Opens) -> Result<Claims, SimpleJwtError> {
        let opens = match opens {
            Opens::Decoding(decoding) => match decoding.await {
                Ok(claims) => self.opens_decoded(claims),
                Err(error) => return Err(self.not_decoded(error)),
            },
            opens => opens,
        };
        match opens {
            Opens::Done(result) => result,
            Opens::Decoded(claims) => self.ask_blacklist(claims).await,
            Opens::Decoding(decoding) => Ok(decoding.await?),
        }
    }

    /// Finds the first class that a decoded token is good for, and asks the blacklist once at most.
    async fn ask_blacklist(&self, claims: Claims) -> Result<Claims, SimpleJwtError> {
        let mut blacklisted = None;
        let mut faults = Vec::new();
        for class in &self.auth_classes {
            if let Some((blacklist, jti)) = self.listed(&claims, *class) {
                let found = match blacklisted {
                    Some(found) => found,
                    None => *blacklisted.insert(blacklist.is_blacklisted(jti).await?),
                };
                if found {
                    faults.push((*class, TokenFault::Blacklisted));
                    continue;
                }
            }
            match self.verify(&claims, *class) {
                Ok(()) => return Ok(claims),
                Err(fault) => faults.push((*class, fault)),
            }
        }
        Err(Reason::NoClassFits(faults).into())
    }

    /// What is said of a token that could not be decoded.
    pub(super) fn not_decoded(&self, error: AuthError) -> SimpleJwtError {
        let Some(fault) = fault_of(&error) else { return error.into() };
        let faults = self.auth_classes.iter().map(|class| (*class, fault.clone()));
        Reason::NoClassFits(faults.collect()).into()
    }
}

/// What is wrong with a token; `None` if that could not be found out.
fn fault_of(error: &AuthError) -> Option<TokenFault> {
    let kind = error.kind();
    (kind.status() == StatusCode::UNAUTHORIZED).then(|| kind.into())
}
