//! The address of a client.

use std::{
    error::Error,
    fmt,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

use axum::extract::ConnectInfo;
use http::Extensions;

/// The address of the connection.
pub(super) fn peer_address(extensions: &Extensions) -> Result<IpAddr, MissingConnectInfo> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>().ok_or(MissingConnectInfo)?;
    Ok(peer.0.ip())
}

/// What shares one limit: an address of IPv4, or a /64 network of IPv6.
pub(super) fn network_of(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => address.into(),
        IpAddr::V6(address) => {
            let network = u128::from(address) >> 64 << 64;
            Ipv6Addr::from(network).into()
        }
    }
}

#[derive(Debug)]
pub(super) struct MissingConnectInfo;

impl fmt::Display for MissingConnectInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "a throttle by address requires `ConnectInfo<SocketAddr>`: serve the router with \
             `into_make_service_with_connect_info`",
        )
    }
}

impl Error for MissingConnectInfo {}
