//! Tables of figures.

use std::time::Duration;

use super::copy::{Copies, Copy};

/// The memory and open files of both copies at one moment.
pub(super) struct Footprint {
    when: String,
    copies: Vec<(u64, usize)>,
}

impl Footprint {
    pub(super) fn now(copies: &Copies, when: impl Into<String>) -> Self {
        let copies = copies.all().iter().map(Copy::footprint);
        Self { when: when.into(), copies: copies.map(Result::unwrap_or_default).collect() }
    }
}

pub(super) fn print_footprints(footprints: &[Footprint]) {
    for Footprint { when, copies } in footprints {
        for (number, (memory, files)) in copies.iter().enumerate() {
            println!("copy {number}, {when}: {memory} kB, {files} open files");
        }
    }
}

pub(super) fn print_durations(durations: &mut [Duration]) {
    durations.sort_unstable();
    let at = |part: f64| durations.get((durations.len() as f64 * part) as usize);
    if let (Some(median), Some(slow)) = (at(0.5), at(0.99)) {
        println!("protected requests without a fault: p50 {median:?}, p99 {slow:?}");
    }
}
