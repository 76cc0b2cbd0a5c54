use std::fmt::Display;
use std::io::{self, Write};

use jiff::Timestamp;
use serde_json::Value;

use super::arguments::Output;

/// Writes what came out, for scripts or for people.
pub(super) fn write(output: &Output, json: &Value, text: impl Display) -> io::Result<()> {
    if output.json { writeln!(io::stdout(), "{json}") } else { writeln!(io::stdout(), "{text}") }
}

/// RFC 3339 with milliseconds, as everywhere.
pub(super) fn moment(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}
