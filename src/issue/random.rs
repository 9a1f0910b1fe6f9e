//! Random bytes for ids, drawn for many ids at a time: aws-lc's generator takes hardly longer for
//! these than for one, and for one as long as the rest of signing with HMAC.

use std::{cell::RefCell, process};

use aws_lc_rs::{error::Unspecified, rand};

const ID_LEN: usize = 16;
const POOL_LEN: usize = 32 * ID_LEN;

struct Pool {
    bytes: [u8; POOL_LEN],
    /// How many of the bytes, from the front, have not been given out.
    left: usize,
    /// Who drew them: a process that was forked off must not give them out as well.
    process_id: u32,
}

thread_local! {
    static POOL: RefCell<Pool> =
        const { RefCell::new(Pool { bytes: [0; POOL_LEN], left: 0, process_id: 0 }) };
}

/// 128 random bits.
pub(super) fn draw() -> Result<[u8; ID_LEN], Unspecified> {
    POOL.with_borrow_mut(|pool| {
        let process_id = process::id();
        let unused = &pool.bytes[..pool.left];
        let id = match unused.last_chunk() {
            Some(id) if pool.process_id == process_id => *id,
            _ => {
                pool.left = 0;
                rand::fill(&mut pool.bytes)?;
                (pool.left, pool.process_id) = (POOL_LEN, process_id);
                pool.bytes[POOL_LEN - ID_LEN..].try_into().map_err(|_| Unspecified)?
            }
        };
        pool.left -= ID_LEN;
        Ok(id)
    })
}
