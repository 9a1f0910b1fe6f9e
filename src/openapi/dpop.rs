//! Tokens that are bound to a key of the client by DPoP.

use utoipa::openapi::{
    Required, SecurityRequirement,
    path::{ParameterBuilder, ParameterIn},
    schema::ObjectBuilder,
    security::{ApiKey, ApiKeyValue, SecurityScheme},
};

use crate::{error::AuthErrorKind, possession::Dpop};

use super::{
    route::Route,
    schema::{one_of, string},
    security::NamedScheme,
};

const DPOP: &str = "dpop";
const PROOF: &str = "dpop_proof";
const HEADER: &str = "DPoP";

/// The schemes of a bound token and of its proof. A request needs both.
///
/// They are headers, because documents cannot name the scheme `DPoP` together with the header of the
/// proof.
pub(super) fn schemes() -> [NamedScheme; 2] {
    let token = "The scheme `DPoP`, and an access token that is bound to the key of the client.";
    let proof = "A proof of the key for this request (RFC 9449 section 4).";
    [(DPOP, "Authorization", token), (PROOF, HEADER, proof)].map(|(name, header, description)| {
        let value = ApiKeyValue::with_description(header, description);
        (name.to_owned(), SecurityScheme::ApiKey(ApiKey::Header(value)))
    })
}

pub(super) fn requirement() -> SecurityRequirement {
    SecurityRequirement::new(DPOP, [""; 0]).add(PROOF, [""; 0])
}

/// Why a proof is rejected.
pub(super) fn errors(dpop: &Dpop) -> impl Iterator<Item = AuthErrorKind> + use<> {
    let nonce = dpop.requires_nonces().then_some(AuthErrorKind::UseDpopNonce);
    [AuthErrorKind::InvalidDpopProof].into_iter().chain(nonce)
}

/// The type of the tokens in a response.
pub(super) fn token_type() -> ObjectBuilder {
    one_of([HEADER]).description(Some("Present if the tokens are bound to the key of the client."))
}

impl Route {
    /// Lets requests prove the key to which their tokens will be bound.
    pub(super) fn binding(self, dpop: Option<&Dpop>) -> Self {
        let is_required = dpop.is_some_and(Dpop::is_required);
        self.proof(dpop, if is_required { Required::True } else { Required::False })
    }

    /// The same for requests that need not ask for tokens.
    #[cfg(feature = "accounts")]
    pub(super) fn optional_binding(self, dpop: Option<&Dpop>) -> Self {
        self.proof(dpop, Required::False)
    }

    fn proof(self, dpop: Option<&Dpop>, is_required: Required) -> Self {
        let Some(dpop) = dpop else { return self };
        let proof = string("A proof of the key of the client (RFC 9449 section 4).");
        let parameter = ParameterBuilder::new()
            .name(HEADER)
            .parameter_in(ParameterIn::Header)
            .required(is_required)
            .description(Some("Binds the tokens to the key of the client."))
            .schema(Some(proof));
        self.parameter(parameter.build()).errors(errors(dpop))
    }
}
