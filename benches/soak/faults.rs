//! The faults, at fixed parts of the time.

use std::{
    error::Error,
    thread,
    time::{Duration, Instant},
};

use super::{copy::Copies, database::Database, model::Model, report::Footprint};

#[derive(Clone, Copy)]
enum Step {
    KillCopy(usize),
    KillDatabase,
    SuspendDatabase,
    CutConnections,
    Measure,
}

/// The thousandth of the time at which each step takes place. No copy is killed between the
/// measurements of its memory, except copy 0 in the middle. After the last fault, everything must
/// recover.
const STEPS: [(u32, Step); 14] = [
    (40, Step::KillCopy(0)),
    (80, Step::KillCopy(1)),
    (120, Step::KillDatabase),
    (200, Step::Measure),
    (250, Step::SuspendDatabase),
    (330, Step::CutConnections),
    (420, Step::KillDatabase),
    (500, Step::KillCopy(0)),
    (580, Step::SuspendDatabase),
    (660, Step::CutConnections),
    (740, Step::KillDatabase),
    (820, Step::SuspendDatabase),
    (880, Step::CutConnections),
    (1000, Step::Measure),
];

/// Short enough that a client can refresh again within the grace period.
const PAUSE: Duration = Duration::from_secs(3);

pub(super) fn inject(
    duration: Duration,
    database: &mut Database,
    copies: &Copies,
    model: &Model,
) -> Result<Vec<Footprint>, Box<dyn Error>> {
    let began = Instant::now();
    let mut footprints = Vec::new();
    for (thousandths, step) in STEPS {
        let at = began + duration * thousandths / 1000;
        thread::sleep(at.saturating_duration_since(Instant::now()));
        match step {
            Step::KillCopy(number) => {
                let copy = &copies.all()[number];
                model.during_fault("a copy is killed", || copy.crash(PAUSE))?;
            }
            Step::KillDatabase => {
                model.during_fault("the database is killed", || database.crash(PAUSE));
            }
            Step::SuspendDatabase => {
                model.during_fault("the database is suspended", || database.suspend(PAUSE));
            }
            Step::CutConnections => {
                let cut = || database.cut_connections();
                model.during_fault("the connections to the database are cut", cut)?;
            }
            Step::Measure => {
                let when = format!("after {} s", began.elapsed().as_secs());
                footprints.push(Footprint::now(copies, when));
            }
        }
    }
    Ok(footprints)
}
