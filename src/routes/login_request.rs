//! A login as it was received.

use std::{net::IpAddr, sync::Arc};

use axum::{body::Bytes, extract::Request};
use http::HeaderMap;

use crate::user::{Credentials, Fields};

use super::{
    body_reader::BodyReader, login_limit::LoginLimit, request_error::RequestError,
    route_error::RouteError,
};

pub(super) struct LoginRequest<'a> {
    bodies: &'a BodyReader,
    body: Bytes,
    headers: Arc<HeaderMap>,
    /// The name of the account that the client sent, if any.
    pub(super) account: Option<String>,
    /// The address of the client, if it is known.
    pub(super) address: Option<IpAddr>,
}

impl<'a> LoginRequest<'a> {
    /// Reads a request that must have the credentials `T`.
    pub(super) async fn read<T: Credentials>(
        request: Request,
        bodies: &'a BodyReader,
        limit: &LoginLimit,
    ) -> Result<Self, RouteError> {
        let address = limit.client_address(&request)?;
        let (body, headers) = bodies.read_with_headers(request).await?;
        let headers = Arc::new(headers);
        let mut login = Self { bodies, body, headers, account: None, address };
        login.credentials::<T>()?;
        login.account = login.fields()?.required_string(limit.account_field());
        Ok(login)
    }

    pub(super) fn credentials<T: Credentials>(&self) -> Result<T, RequestError> {
        let mut fields = self.fields()?;
        match T::from_fields(&mut fields) {
            Some(credentials) if fields.errors().is_empty() => Ok(credentials),
            _ => Err(RequestError::invalid_fields(fields.errors())),
        }
    }

    fn fields(&self) -> Result<Fields, RequestError> {
        let fields = self.bodies.fields(&self.body)?;
        Ok(fields.with_headers(Arc::clone(&self.headers)).with_client_address(self.address))
    }
}
