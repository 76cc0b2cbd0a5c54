use jiff::Timestamp;

/// A time as bodies say it: RFC 3339, UTC, milliseconds.
pub(crate) fn timestamp(timestamp: Timestamp) -> String {
    format!("{timestamp:.3}")
}
