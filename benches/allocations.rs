//! Counts the allocations of the subjects of the benchmark `verify`:
//! `cargo bench --bench allocations`.
//!
//! It is a separate program because counting takes time.

mod support;

use std::{alloc::System, error::Error};

use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

use support::subjects::Subjects;

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

fn main() -> Result<(), Box<dyn Error>> {
    println!("{:<46} {:>11} {:>7}", "once", "allocations", "bytes");
    for mut subject in Subjects::all()? {
        // The first run initializes what is initialized once.
        (subject.run)();
        let region = Region::new(ALLOCATOR);
        (subject.run)();
        let change = region.change();
        let allocations = change.allocations + change.reallocations;
        println!("{:<46} {allocations:>11} {:>7}", subject.name, change.bytes_allocated);
    }
    Ok(())
}
