//! Settings that cannot work.

use std::time::Duration;

use tower_jwt_auth::{
    ConfigErrorKind, MemoryStore, Verifier, routes::BackChannelLogoutRoutes, token::TokenProfile,
};

use super::{CLIENT, ISSUER, access_verifier, logout_verifier, public};
use crate::support::{foreign::ForeignKey, mint::clock};

#[test]
fn a_verifier_of_other_tokens_is_an_error() {
    let (key, clock) = (ForeignKey::generate("one"), clock());
    let build = |verifier| {
        let routes = BackChannelLogoutRoutes::builder(verifier, MemoryStore::new());
        routes.build().map(drop).map_err(|error| error.kind())
    };
    let (access, logout) =
        (access_verifier(&key, ISSUER, &clock), logout_verifier(&key, ISSUER, &clock));
    let ineffective = Err(ConfigErrorKind::Ineffective);
    assert_eq!(build(access.clone()), ineffective);
    let mixed = [logout.clone(), access_verifier(&key, "https://other.example", &clock)];
    assert_eq!(build(Verifier::by_issuer(mixed).unwrap()), ineffective);
    assert_eq!(build(Verifier::any_of([access, logout.clone()]).unwrap()), ineffective);
    assert_eq!(build(Verifier::by_issuer([logout.clone()]).unwrap()), Ok(()));
    assert_eq!(build(logout), Ok(()));
}

#[test]
fn the_profile_requires_issuer_and_client() {
    let builder = || {
        Verifier::builder(public(&ForeignKey::generate("one"))).profile(TokenProfile::LogoutToken)
    };
    for builder in [builder(), builder().issuer(ISSUER), builder().audience(CLIENT)] {
        assert_eq!(builder.build().unwrap_err().kind(), ConfigErrorKind::Ineffective);
    }
    assert!(builder().issuer(ISSUER).audience(CLIENT).build().is_ok());
}

#[test]
fn settings_outside_their_range_are_an_error() {
    let routes = || {
        let verifier = logout_verifier(&ForeignKey::generate("one"), ISSUER, &clock());
        BackChannelLogoutRoutes::builder(verifier, MemoryStore::new())
    };
    for routes in [
        routes().at(""),
        routes().at("logout"),
        routes().at("/lo gout"),
        routes().remember_for(Duration::from_secs(59)),
        routes().store_deadline(Duration::ZERO),
        routes().body_timeout(Duration::ZERO),
    ] {
        assert_eq!(routes.build().unwrap_err().kind(), ConfigErrorKind::OutOfRange);
    }
    assert!(routes().at("/oidc/logout").build().is_ok());
}
