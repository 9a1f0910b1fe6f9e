use std::{error::Error, fmt};

/// Why a hash could not be computed: there is no randomness or no memory.
#[derive(Debug)]
pub(super) struct Failed;

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no randomness or no memory")
    }
}

impl Error for Failed {}
