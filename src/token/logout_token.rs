//! The claim `events` of logout tokens ([OpenID Connect Back-Channel Logout 1.0 section 2.4]).
//!
//! [OpenID Connect Back-Channel Logout 1.0 section 2.4]: https://openid.net/specs/openid-connect-backchannel-1_0.html#LogoutToken

use std::{fmt, time::Duration};

use serde::{
    Deserialize, Deserializer,
    de::{Error, IgnoredAny, MapAccess, Visitor},
};

use super::members::JsonStr;

/// How old a logout token may be.
pub(crate) const MAX_AGE: Duration = Duration::from_secs(120);

const EVENT: &str = "http://schemas.openid.net/event/backchannel-logout";

/// Returns whether the `events` of `payload` contain the logout event, whose value is an object.
pub(super) fn has_logout_event(payload: &str) -> bool {
    #[derive(Deserialize)]
    struct Payload {
        #[serde(rename = "events")]
        _events: Events,
    }

    serde_json::from_str::<Payload>(payload).is_ok()
}

/// An object with the member [`EVENT`], which may have others.
struct Events;

impl<'de> Deserialize<'de> for Events {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EventsVisitor)
    }
}

struct EventsVisitor;

impl<'de> Visitor<'de> for EventsVisitor {
    type Value = Events;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the logout event")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Events, A::Error> {
        let mut has_event = false;
        while let Some(JsonStr(name)) = map.next_key::<JsonStr<'de>>()? {
            if name != EVENT {
                map.next_value::<IgnoredAny>()?;
                continue;
            }
            if has_event {
                return Err(A::Error::custom("duplicate logout event"));
            }
            map.next_value::<Object>()?;
            has_event = true;
        }
        if has_event { Ok(Events) } else { Err(A::Error::custom("no logout event")) }
    }
}

/// An object with any members.
struct Object;

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct ObjectVisitor;

        impl<'de> Visitor<'de> for ObjectVisitor {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Object)
            }
        }

        deserializer.deserialize_map(ObjectVisitor)
    }
}
