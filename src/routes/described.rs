//! What a document of the routes needs to know of logins and session lists.

use crate::{
    middleware::JwtAuthLayer,
    user::{Credentials, UserBackend},
};

use super::{
    body_reader::BodyReader, login::Logins, request_error::RequestError, route_error::RouteError,
    step_token::SecondStep,
};

/// How a login is read, and why it is rejected.
pub(crate) struct DescribedLogin<'a> {
    bodies: &'a BodyReader,
    /// The fields that the credentials require, by the names of clients.
    pub(crate) fields: Vec<String>,
    /// Why a login without any of these fields is rejected. `None` if it requires none.
    pub(crate) missing: Option<RouteError>,
    /// Whether logins are limited.
    pub(crate) is_limited: bool,
    /// Whether attempts with a code are limited.
    pub(crate) is_code_limited: bool,
    /// Whether refreshes are limited.
    pub(crate) is_refresh_limited: bool,
    /// Whether logins may require a code.
    pub(crate) has_second_factor: bool,
}

/// The routes on which users see and end their sessions.
pub(crate) struct DescribedSessionList<C, R> {
    /// The paths of the list, a session, the logouts of others and of all, and the ticket.
    pub(crate) paths: [String; 5],
    /// The layer that admits requests.
    pub(crate) layer: JwtAuthLayer<C, R>,
    /// Whether every session has a label, which may be `null`.
    pub(crate) has_labels: bool,
    /// Whether a browser loses its cookies with its session.
    pub(crate) clears_cookies: bool,
}

impl<U: UserBackend<C, R>, C, R> Logins<U, C, R> {
    pub(super) fn describe(&self) -> DescribedLogin<'_> {
        // Credentials report all missing fields at once.
        let missing = self.bodies.fields(b"{}").ok().map(|mut fields| {
            U::Credentials::from_fields(&mut fields);
            fields.errors().clone()
        });
        let missing = missing.unwrap_or_default();
        let mut fields: Vec<_> = missing.keys().cloned().collect();
        // The user comes first.
        let password = self.bodies.client_name("password");
        fields.sort_by_key(|name| name == password);
        DescribedLogin {
            bodies: &self.bodies,
            fields,
            missing: (!missing.is_empty()).then(|| RequestError::invalid_fields(&missing).into()),
            is_limited: self.limit.is_set(),
            is_code_limited: self.limit.counts_addresses(),
            is_refresh_limited: self.refresh_limit.is_set(),
            has_second_factor: self.second_factor.is_some(),
        }
    }
}

impl DescribedLogin<'_> {
    /// The client's name of the field `name`.
    pub(crate) fn name<'n>(&'n self, name: &'n str) -> &'n str {
        self.bodies.client_name(name)
    }

    /// The error of a request without the fields `names`.
    pub(crate) fn missing(&self, names: &[&str]) -> Option<RouteError> {
        let mut fields = self.bodies.fields(b"{}").ok()?;
        for name in names {
            fields.required_string(name);
        }
        Some(RequestError::invalid_fields(fields.errors()).into())
    }

    /// The error that asks for a code.
    pub(crate) fn second_factor_required() -> RouteError {
        RouteError::SecondFactorRequired(SecondStep::new(
            "eyJhbGciOiJIUzI1NiJ9.e30.c3RlcA".to_owned(),
        ))
    }
}
