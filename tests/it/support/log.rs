//! Everything that one thread logs.

use std::{
    cell::RefCell,
    fmt::{Debug, Write},
    sync::{
        Arc, Mutex, Once,
        atomic::{AtomicU64, Ordering},
    },
};

use tracing::{
    Event, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
    subscriber::set_global_default,
};

/// The events and spans of all levels and crates, each as one line.
#[derive(Clone, Default)]
pub(crate) struct Log {
    lines: Arc<Mutex<Vec<String>>>,
}

thread_local! {
    /// The log that collects the lines of this thread.
    static CURRENT: RefCell<Option<Log>> = const { RefCell::new(None) };
}

/// Stops collecting when dropped.
pub(crate) struct Guard;

impl Drop for Guard {
    fn drop(&mut self) {
        CURRENT.set(None);
    }
}

impl Log {
    /// Collects what this thread logs until the guard is dropped.
    ///
    /// One subscriber serves the whole process. With a subscriber for each thread, `tracing` would
    /// disable a call site for all threads if a thread without a subscriber reached it first.
    pub(crate) fn collect() -> (Self, Guard) {
        static SUBSCRIBER: Once = Once::new();
        SUBSCRIBER.call_once(|| set_global_default(ByThread::default()).unwrap());
        let log = Self::default();
        CURRENT.set(Some(log.clone()));
        (log, Guard)
    }

    /// The lines since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.lines.lock().unwrap())
    }
}

/// Passes each line to the log of its thread.
#[derive(Default)]
struct ByThread {
    spans: AtomicU64,
}

impl ByThread {
    fn write(name: &str, metadata: &Metadata<'_>, fields: &str) {
        Self::push(format!("{} {name}{fields} @{}", metadata.level(), metadata.target()));
    }

    fn push(line: String) {
        CURRENT.with_borrow(|log| {
            if let Some(log) = log {
                log.lines.lock().unwrap().push(line);
            }
        });
    }
}

/// The fields of an event in one line, the message without its name.
struct Fields(String);

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        match field.name() {
            "message" => write!(self.0, " {value:?}"),
            name => write!(self.0, " {name}={value:?}"),
        }
        .unwrap();
    }
}

impl Subscriber for ByThread {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut fields = Fields(String::new());
        span.record(&mut fields);
        let metadata = span.metadata();
        Self::write(&format!("span {}", metadata.name()), metadata, &fields.0);
        Id::from_u64(self.spans.fetch_add(1, Ordering::SeqCst) + 1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        let mut fields = Fields(String::new());
        values.record(&mut fields);
        Self::push(fields.0);
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields(String::new());
        event.record(&mut fields);
        Self::write("event", event.metadata(), &fields.0);
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
