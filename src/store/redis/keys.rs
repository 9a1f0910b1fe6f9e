//! The names of keys and channels.

use std::borrow::Cow;

/// The version of the layout, which is part of every name. Keys of another version are ignored.
const LAYOUT: &str = "2:";

#[derive(Clone)]
pub(super) struct Keys {
    /// The prefix that was configured.
    pub(super) prefix: Box<str>,
    /// The prefix with the layout.
    start: Box<str>,
    /// Where revocations are published.
    pub(super) channel: Box<str>,
}

impl Keys {
    pub(super) fn new(prefix: &str, database: i64) -> Self {
        let start = format!("{prefix}{LAYOUT}").into_boxed_str();
        // Unlike keys, channels are shared by all databases of a server.
        let channel = format!("{start}revocations:{database}").into();
        Self { prefix: prefix.into(), start, channel }
    }

    /// The key of a user's hash. The id in braces assigns it to a slot of a cluster.
    pub(super) fn user(&self, user_id: &str) -> String {
        format!("{}{{{}}}", self.start, escape(user_id))
    }

    /// The key of the user's sessions by their last use, in the slot of the hash at `user`.
    pub(super) fn used(user: &str) -> String {
        format!("{user}:used")
    }

    /// The id of the user with the hash at `user`.
    pub(super) fn user_id(&self, user: &str) -> Option<Box<str>> {
        let escaped = user.strip_prefix(&*self.start)?.strip_prefix('{')?.strip_suffix('}')?;
        Some(unescape(escaped))
    }

    /// The beginning of the keys of all hashes.
    pub(super) fn users(&self) -> String {
        format!("{}{{", self.start)
    }

    pub(super) fn generation(&self) -> String {
        format!("{}generation", self.start)
    }

    /// The key of the attempts that are counted under `name`.
    pub(super) fn attempts(&self, name: &str) -> String {
        format!("{}attempts:{}", self.start, escape(name))
    }

    /// A key that exists only within `ping.lua`.
    pub(super) fn ping(&self) -> String {
        format!("{}{{%ping}}", self.start)
    }

    /// A key that never exists, for each number.
    pub(super) fn heartbeat(&self, number: u32) -> String {
        format!("{}heartbeat:{number}", self.start)
    }

    /// The channel for the heartbeats of one subscriber, which are of no use to others.
    pub(super) fn heartbeats(&self, subscriber: u64) -> String {
        format!("{}:{subscriber:016x}", self.channel)
    }
}

/// Redis reads the text up to the first closing brace as the slot's name, unless it is empty.
fn escape(user_id: &str) -> Cow<'_, str> {
    if user_id.is_empty() {
        "%".into()
    } else if user_id.contains(['%', '}']) {
        user_id.replace('%', "%25").replace('}', "%7D").into()
    } else {
        user_id.into()
    }
}

fn unescape(escaped: &str) -> Box<str> {
    if escaped == "%" {
        return Box::default();
    }
    escaped.replace("%7D", "}").replace("%25", "%").into()
}
