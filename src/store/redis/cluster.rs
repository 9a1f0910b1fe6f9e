//! The nodes of a cluster, as one of them knows them.

use std::ops::RangeInclusive;

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult, Value, from_redis_value};

/// How many slots a cluster has.
const SLOTS: u16 = 16_384;
/// Among so many keys there is one of each slot, but for a probability of less than 2⁻⁵⁰.
const TRIES: u32 = 600_000;

/// A node that can be written to.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) id: String,
    host: String,
    port: u16,
    slots: Vec<RangeInclusive<u16>>,
}

impl Master {
    /// The masters that an answer to `CLUSTER SLOTS` names, in the order of their ids.
    pub(super) fn all_of(answer: Value) -> RedisResult<Vec<Self>> {
        // For each range of slots: where it begins and ends, and its nodes, the master first.
        let ranges: Vec<Vec<Value>> = from_redis_value(answer)?;
        let mut masters = Vec::<Self>::new();
        for range in ranges {
            let mut range = range.into_iter();
            let (Some(first), Some(last), Some(node)) = (range.next(), range.next(), range.next())
            else {
                return Err(UNREADABLE.into());
            };
            let slots = from_redis_value(first)?..=from_redis_value(last)?;
            let mut node = from_redis_value::<Vec<Value>>(node)?.into_iter();
            let (Some(host), Some(port), Some(id)) = (node.next(), node.next(), node.next()) else {
                return Err(UNREADABLE.into());
            };
            let id = from_redis_value(id)?;
            match masters.iter_mut().find(|master| master.id == id) {
                Some(known) => known.slots.push(slots),
                None => masters.push(Self {
                    id,
                    host: from_redis_value::<Option<_>>(host)?.unwrap_or_default(),
                    port: from_redis_value(port)?,
                    slots: vec![slots],
                }),
            }
        }
        masters.sort_by(|one, other| one.id.cmp(&other.id));
        if masters.is_empty() { Err(UNREADABLE.into()) } else { Ok(masters) }
    }

    /// How to reach it, where one reaches another node by `info`.
    pub(super) fn by(&self, info: &ConnectionInfo) -> ConnectionInfo {
        let mut address = info.addr().clone();
        if let ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } =
            &mut address
        {
            // A node that does not know its own name is the one that was asked.
            if !self.host.is_empty() {
                host.clone_from(&self.host);
            }
            *port = self.port;
        }
        info.clone().set_addr(address)
    }

    /// A key that begins with `prefix` and belongs to this node.
    pub(super) fn key(&self, prefix: &str) -> RedisResult<String> {
        let mut keys = (0..TRIES).map(|number| format!("{prefix}beat:{number}"));
        let is_own = |key: &String| {
            let slot = crc16::State::<crc16::XMODEM>::calculate(key.as_bytes()) % SLOTS;
            self.slots.iter().any(|slots| slots.contains(&slot))
        };
        keys.find(is_own).ok_or_else(|| UNREADABLE.into())
    }
}

const UNREADABLE: (ErrorKind, &str) =
    (ErrorKind::UnexpectedReturnType, "the cluster's slots are unreadable");
