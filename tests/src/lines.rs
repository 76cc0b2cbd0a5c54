//! The log lines of a service in this process.

use std::io::Write;
use std::sync::{Arc, Mutex};

use serde_json::Value;
use tracing::subscriber::DefaultGuard;

/// The lines of everything that runs on this thread, kept until it is dropped. A `#[tokio::test]` runs whole on one.
#[derive(Debug)]
pub struct Lines {
    buffer: Buffer,
    _until_dropped: DefaultGuard,
}

#[derive(Debug, Clone, Default)]
struct Buffer(Arc<Mutex<Vec<u8>>>);

impl Write for Buffer {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Lines {
    /// Keeps lines from here on.
    pub fn keep() -> Self {
        let buffer = Buffer::default();
        let writer = buffer.clone();
        let lines = tracing_subscriber::fmt().json().flatten_event(true).with_writer(move || writer.clone()).finish();
        Self { buffer, _until_dropped: tracing::subscriber::set_default(lines) }
    }

    /// How many at `ERROR` say `message` of `system`.
    pub fn errors(&self, message: &str, system: &str) -> usize {
        self.saying(message).iter().filter(|line| line["call.system"] == system).count()
    }

    /// All of them.
    pub fn text(&self) -> String {
        String::from_utf8(self.buffer.0.lock().unwrap().clone()).unwrap()
    }

    /// Those at `ERROR` that say `message`.
    pub fn saying(&self, message: &str) -> Vec<Value> {
        self.at("ERROR", message)
    }

    /// Those at `WARN` that say `message`.
    pub fn warning(&self, message: &str) -> Vec<Value> {
        self.at("WARN", message)
    }

    fn at(&self, level: &str, message: &str) -> Vec<Value> {
        let text = self.text();
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["level"] == level && line["message"] == message).collect()
    }
}
