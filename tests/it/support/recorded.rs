//! The metrics that one thread records.

use std::collections::BTreeMap;

use metrics::{LocalRecorderGuard, set_default_local_recorder};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};

/// What this thread records until the value is dropped.
pub(crate) struct Recorded {
    snapshotter: Snapshotter,
    _guard: LocalRecorderGuard<'static>,
}

impl Recorded {
    pub(crate) fn start() -> Self {
        let recorder: &'static DebuggingRecorder = Box::leak(Box::default());
        let snapshotter = recorder.snapshotter();
        Self { snapshotter, _guard: set_default_local_recorder(recorder) }
    }

    /// Each metric as `name{label="value",…}`. A histogram has the number of its values.
    pub(crate) fn take(&self) -> BTreeMap<String, f64> {
        let metrics = self.snapshotter.snapshot().into_vec().into_iter();
        let shown = metrics.map(|(key, _, _, value)| {
            let key = key.key();
            let labels: Vec<_> =
                key.labels().map(|label| format!("{}={:?}", label.key(), label.value())).collect();
            let name = match labels.is_empty() {
                true => key.name().to_owned(),
                false => format!("{}{{{}}}", key.name(), labels.join(",")),
            };
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(value) => value.0,
                DebugValue::Histogram(values) => values.len() as f64,
            };
            (name, value)
        });
        shown.filter(|(_, value)| *value != 0.0).collect()
    }
}
