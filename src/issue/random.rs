//! Random ids.
//!
//! Bytes are drawn for many ids at once. Drawing them for one id alone would take aws-lc's
//! generator as long as the rest of signing a token with HMAC.

use std::{cell::RefCell, process};

use aws_lc_rs::{error::Unspecified, rand};

use crate::error::{AuthError, AuthErrorKind};

const ID_LEN: usize = 16;
const POOL_LEN: usize = 32 * ID_LEN;

struct Pool {
    bytes: [u8; POOL_LEN],
    /// How many bytes, counted from the front, are still unused.
    unused: usize,
    /// The process that drew the bytes. A forked process must not use them again.
    process_id: u32,
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { bytes: [0; POOL_LEN], unused: 0, process_id: 0 }) };
}

/// A random UUID (version 4) as 32 hexadecimal digits, like SimpleJWT's `uuid4().hex`.
pub(crate) fn random_id() -> Result<String, AuthError> {
    let mut bytes =
        draw().map_err(|error| AuthError::with_source(AuthErrorKind::Unavailable, error))?;
    // RFC 9562 section 5.4.
    bytes[6] = bytes[6] & 0x0f | 0x40;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    Ok(hex(bytes))
}

// `format!` would take several times as long.
fn hex(bytes: [u8; ID_LEN]) -> String {
    const DIGITS: [u8; 16] = *b"0123456789abcdef";
    let nibbles = bytes.into_iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
    nibbles.map(|nibble| char::from(DIGITS[usize::from(nibble)])).collect()
}

fn draw() -> Result<[u8; ID_LEN], Unspecified> {
    POOL.with_borrow_mut(|pool| {
        let process_id = process::id();
        let unused = &pool.bytes[..pool.unused];
        let id = match unused.last_chunk() {
            Some(id) if pool.process_id == process_id => *id,
            _ => {
                pool.unused = 0;
                rand::fill(&mut pool.bytes)?;
                (pool.unused, pool.process_id) = (POOL_LEN, process_id);
                pool.bytes[POOL_LEN - ID_LEN..].try_into().map_err(|_| Unspecified)?
            }
        };
        pool.unused -= ID_LEN;
        Ok(id)
    })
}
