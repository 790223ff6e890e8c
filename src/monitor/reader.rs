//! Reads figures as Prometheus does, for tests.

use std::io::Write as _;
use std::process::{Command, Stdio};

/// What Prometheus' own library for Python makes of it: a line for each sample.
const READER: &str = "
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families
for family in text_string_to_metric_families(sys.stdin.buffer.read().decode()):
    for sample in family.samples:
        labels = ' '.join(f'{name}={value!r}' for name, value in sorted(sample.labels.items()))
        print(family.type, family.unit or '-', sample.name, labels, sample.value)
";

/// The samples of a text, as `TYPE UNIT NAME LABELS VALUE`.
pub(crate) fn read_by_prometheus(text: &str) -> Vec<String> {
    let mut python = Command::new("python3");
    let mut python = python
        .args(["-c", READER])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("python3 runs");
    python.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let read = python.wait_with_output().unwrap();
    assert!(read.status.success(), "{text}");
    String::from_utf8(read.stdout).unwrap().lines().map(str::to_owned).collect()
}
