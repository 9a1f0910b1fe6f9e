//! Ids of accounts, and other random strings.

use std::time::SystemTime;

use aws_lc_rs::rand;

use crate::user::backend::BackendError;

/// The ids of accounts. [`UserId`](crate::token::UserId) holds them as strings.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum AccountIds {
    /// Integers that the database counts upwards from 1. They reveal how many accounts there are.
    Integer,
    /// Random UUIDs.
    UuidV4,
    /// UUIDs that begin with the time of their creation, so that the table grows at its end. They
    /// reveal when an account was created. The default.
    #[default]
    UuidV7,
}

impl AccountIds {
    /// A new id, or `None` if the database makes it.
    pub(super) fn generate(self) -> Result<Option<String>, BackendError> {
        let mut bytes = random::<16>()?;
        let version = match self {
            Self::Integer => return Ok(None),
            Self::UuidV4 => 0x40,
            // RFC 9562 section 5.7.
            Self::UuidV7 => {
                let since_epoch = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
                let millis = u64::try_from(since_epoch.as_millis()).unwrap_or(u64::MAX);
                bytes[..6].copy_from_slice(&millis.to_be_bytes()[2..]);
                0x70
            }
        };
        bytes[6] = bytes[6] & 0x0f | version;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let digits = format!("{:032x}", u128::from_be_bytes(bytes));
        let groups = [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20]];
        Ok(Some([&groups.join("-"), "-", &digits[20..]].concat()))
    }

    /// Whether an account can have this id. Each id has one spelling.
    pub(super) fn accepts(self, id: &str) -> bool {
        match self {
            Self::Integer => id.parse::<i64>().is_ok_and(|number| number.to_string() == id),
            Self::UuidV4 | Self::UuidV7 => {
                id.len() == 36
                    && id.bytes().enumerate().all(|(index, byte)| match index {
                        8 | 13 | 18 | 23 => byte == b'-',
                        _ => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
                    })
            }
        }
    }
}

fn random<const N: usize>() -> Result<[u8; N], BackendError> {
    let mut bytes = [0; N];
    rand::fill(&mut bytes).map_err(BackendError::unavailable)?;
    Ok(bytes)
}
