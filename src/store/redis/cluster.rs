//! The masters of a cluster, as one of the nodes lists them.

use std::ops::RangeInclusive;

use redis::{ConnectionAddr, ConnectionInfo, ErrorKind, RedisResult, Value, from_redis_value};

/// The number of slots of every cluster.
const SLOTS: u16 = 16_384;
/// So many keys miss one of the slots with a probability of less than 2⁻⁵⁰.
const CANDIDATES: u32 = 600_000;

/// A node that accepts writes.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Master {
    pub(super) id: String,
    host: String,
    port: u16,
    slots: Vec<RangeInclusive<u16>>,
}

impl Master {
    /// Reads the masters from a reply to `CLUSTER SLOTS`, in the order of their ids.
    pub(super) fn all_of(reply: Value) -> RedisResult<Vec<Self>> {
        // For each range of slots: the first slot, the last slot, and the nodes, the master first.
        let ranges: Vec<Vec<Value>> = from_redis_value(reply)?;
        let mut masters = Vec::<Self>::new();
        for range in ranges {
            let mut range = range.into_iter();
            let (Some(first), Some(last), Some(node)) = (range.next(), range.next(), range.next())
            else {
                return Err(MALFORMED.into());
            };
            let slots = from_redis_value(first)?..=from_redis_value(last)?;
            let mut node = from_redis_value::<Vec<Value>>(node)?.into_iter();
            let (Some(host), Some(port), Some(id)) = (node.next(), node.next(), node.next()) else {
                return Err(MALFORMED.into());
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
        if masters.is_empty() { Err(MALFORMED.into()) } else { Ok(masters) }
    }

    /// How to connect to this node; `info` is how to connect to another one.
    pub(super) fn connection_info(&self, info: &ConnectionInfo) -> ConnectionInfo {
        let mut address = info.addr().clone();
        if let ConnectionAddr::Tcp(host, port) | ConnectionAddr::TcpTls { host, port, .. } =
            &mut address
        {
            // A node that does not know its own name is the one that sent the reply.
            if !self.host.is_empty() {
                host.clone_from(&self.host);
            }
            *port = self.port;
        }
        info.clone().set_addr(address)
    }

    /// One of the keys `key` that belongs to this node.
    pub(super) fn key(&self, key: impl Fn(u32) -> String) -> RedisResult<String> {
        let mut keys = (0..CANDIDATES).map(key);
        let is_own = |key: &String| {
            let slot = crc16::State::<crc16::XMODEM>::calculate(key.as_bytes()) % SLOTS;
            self.slots.iter().any(|slots| slots.contains(&slot))
        };
        keys.find(is_own).ok_or_else(|| MALFORMED.into())
    }
}

const MALFORMED: (ErrorKind, &str) =
    (ErrorKind::UnexpectedReturnType, "the list of slots is malformed");
