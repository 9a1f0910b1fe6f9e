//! What a layer does to the routes that it protects.

use std::any::TypeId;

use utoipa::{
    Modify,
    openapi::{Components, OpenApi, PathItem, SecurityRequirement, path::Operation},
};

#[cfg(feature = "cookie")]
use crate::middleware::CrossSiteLayer;
use crate::{
    error::AuthErrorKind, middleware::JwtAuthLayer, possession::Dpop, rejection::JsonRejection,
    routes::RouteError, transport::TokenPlace,
};

use super::{
    dpop,
    errors::{ERROR_SCHEMA, ErrorBodies, ErrorForm, error_schema},
    route::Route,
    security::{NamedScheme, requires, scheme_of},
};

/// Which credentials a layer accepts, and why it rejects requests.
pub(super) struct Protection {
    pub(super) schemes: Vec<NamedScheme>,
    pub(super) security: Vec<SecurityRequirement>,
    errors: Vec<RouteError>,
    /// Whether a `401` may delete cookies.
    deletes_cookies: bool,
}

impl Protection {
    pub(super) fn of<C, R>(layer: &JwtAuthLayer<C, R>) -> Self {
        let dpop = layer.dpop();
        // No other token is accepted than a bound one, which is in the `Authorization` header.
        let has_others = !dpop.is_some_and(Dpop::is_required);
        let places: Vec<_> = layer.sources().places().filter(|_| has_others).collect();
        let mut schemes: Vec<NamedScheme> = Vec::new();
        for place in &places {
            let (name, scheme) = scheme_of(place);
            let is_used = schemes.iter().any(|(other, _)| *other == name);
            let name = if is_used { format!("{name}_{}", schemes.len()) } else { name };
            schemes.push((name, scheme));
        }
        let mut security: Vec<_> = schemes.iter().map(|(name, _)| requires(name)).collect();
        if dpop.is_some() {
            schemes.extend(dpop::schemes());
            security.push(dpop::requirement());
        }
        let mut kinds = vec![
            AuthErrorKind::InvalidRequest,
            AuthErrorKind::Malformed,
            AuthErrorKind::Expired,
            AuthErrorKind::NotYetValid,
            AuthErrorKind::WrongTokenType,
            AuthErrorKind::Revoked,
            AuthErrorKind::Unavailable,
        ];
        if places.iter().any(|place| matches!(place, TokenPlace::Cookie(_))) {
            kinds.extend([AuthErrorKind::RepeatedCookie, AuthErrorKind::CrossSiteRequest]);
        }
        kinds.extend(dpop.into_iter().flat_map(dpop::errors));
        if layer.is_optional() {
            security.push(SecurityRequirement::default());
        } else {
            kinds.insert(0, AuthErrorKind::MissingCredentials);
        }
        Self {
            schemes,
            security,
            errors: kinds.into_iter().map(Into::into).collect(),
            deletes_cookies: layer.sources().delete_cookies(),
        }
    }
}

impl Protection {
    /// Why requests are rejected. The rule about other sites does not apply to safe methods, except
    /// to upgrades.
    fn errors(&self, is_safe: bool) -> impl Iterator<Item = &RouteError> {
        let cross_site = AuthErrorKind::CrossSiteRequest.code();
        self.errors.iter().filter(move |error| !is_safe || error.code() != cross_site)
    }
}

impl Route {
    /// Makes this a route behind a layer.
    pub(super) fn protected(self, protection: &Protection) -> Self {
        let errors = protection.errors(self.is_get()).cloned();
        let route = self.security(protection.security.iter().cloned()).errors(errors);
        if protection.deletes_cookies { route.deleting_cookies() } else { route }
    }
}

/// Describes that the layer protects every operation of a document.
///
/// Adds its security schemes, and the responses to rejected requests, where the operation has no
/// response with the same status. An operation that has security requirements already keeps them:
/// one with an empty list stays public. If the layer has another
/// [rejection](crate::rejection) than [`JsonRejection`], the responses have no bodies.
///
/// See the [module docs](crate::openapi).
impl<C, R: 'static> Modify for JwtAuthLayer<C, R> {
    fn modify(&self, openapi: &mut OpenApi) {
        let form = ErrorForm::of_layer::<R>();
        let protection = Protection::of(self);
        let responses = |is_safe| {
            let errors: Vec<_> = protection.errors(is_safe).cloned().collect();
            form.responses(&errors, protection.deletes_cookies)
        };
        let (of_safe, of_unsafe) = (responses(true), responses(false));
        for item in openapi.paths.paths.values_mut() {
            for (is_safe, operation) in operations(item) {
                if operation.security.as_ref().is_some_and(Vec::is_empty) {
                    continue;
                }
                operation.security.get_or_insert_with(|| protection.security.clone());
                let described = &mut operation.responses.responses;
                let is_upgrade = described.contains_key("101");
                let responses = if is_safe && !is_upgrade { &of_safe } else { &of_unsafe };
                for (status, response) in responses {
                    described.entry(status.clone()).or_insert_with(|| response.clone());
                }
            }
        }
        let components = openapi.components.get_or_insert_with(Components::new);
        components.add_security_schemes_from_iter(protection.schemes);
        form.add_schema(openapi);
    }
}

impl ErrorForm {
    /// The form of a layer with the rejection `R`. Only the bodies of [`JsonRejection`] are known.
    fn of_layer<R: 'static>() -> Self {
        let is_default = TypeId::of::<R>() == TypeId::of::<JsonRejection>();
        let bodies = if is_default { ErrorBodies::Default } else { ErrorBodies::Unknown };
        Self { bodies, is_uncached: false, has_challenge: true }
    }

    /// Adds the schema of the bodies to a document that has none.
    fn add_schema(self, openapi: &mut OpenApi) {
        if let ErrorBodies::Default = self.bodies {
            let components = openapi.components.get_or_insert_with(Components::new);
            let schema = || error_schema().into();
            components.schemas.entry(ERROR_SCHEMA.to_owned()).or_insert_with(schema);
        }
    }
}

/// The operations at a path, each with whether its method is safe.
pub(super) fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, options, head, patch, trace, query, .. } = item;
    let safe = [get, options, head, trace, query].into_iter().flatten();
    let not_safe = [put, post, delete, patch].into_iter().flatten();
    safe.map(|operation| (true, operation)).chain(not_safe.map(|operation| (false, operation)))
}

/// Describes that the layer protects every operation of a document: an unsafe method can lead to
/// `403`. An operation that has this response already keeps it.
///
/// See the [module docs](crate::openapi).
#[cfg(feature = "cookie")]
impl<R: 'static> Modify for CrossSiteLayer<R> {
    fn modify(&self, openapi: &mut OpenApi) {
        let form = ErrorForm::of_layer::<R>();
        let responses = form.responses(&[AuthErrorKind::CrossSiteRequest.into()], false);
        for item in openapi.paths.paths.values_mut() {
            for (_, operation) in operations(item).filter(|(is_safe, _)| !is_safe) {
                let described = &mut operation.responses.responses;
                for (status, response) in &responses {
                    described.entry(status.clone()).or_insert_with(|| response.clone());
                }
            }
        }
        form.add_schema(openapi);
    }
}
