//! The documents of routes, compared with the responses of the routes.

mod accounts;
mod document;
mod dpop;
mod drive;
mod grant;
mod layer;
mod merging;
mod routers;
mod schemathesis;
mod services;
mod sessions;
mod settings;
mod tokens;
