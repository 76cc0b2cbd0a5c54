//! Secrets that are easily found again, in whatever form they show.

use std::io::Write;
use std::sync::{Arc, LazyLock, Mutex};

use base64::Engine;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use trunkline_bootstrap::logging;

use crate::{both, with};

/// A password. [`crate::fault::WORDS`] repeats it.
pub const PASSWORD: &str = "cAnArY/p4ss+w0rd?";
/// The password that takes its place.
pub const NEW_PASSWORD: &str = "cAnArY?n3w=p4ss w0rd!";
/// Part of the carrier's credentials.
pub const CREDENTIALS: &str = "cAnArY&cr3d=nti4ls";

/// All of them in all their forms: each line of the log is searched for these.
static FORMS: LazyLock<Vec<String>> =
    LazyLock::new(|| [PASSWORD, NEW_PASSWORD, CREDENTIALS].into_iter().flat_map(forms).collect());

/// A trunk with a password and credentials.
pub fn body() -> Value {
    with(both(), json!({ "auth_password": PASSWORD, "credentials": {"portal": {"token": CREDENTIALS}} }))
}

/// Fails when one of the canaries shows in `text`, in clear or encoded. `place` says where the text is from.
#[track_caller]
pub fn assert_no_trace(place: &str, text: &str) {
    assert_no_form(&FORMS, place, text);
}

/// The same for any secret.
#[track_caller]
pub fn assert_no_trace_of(secret: &str, place: &str, text: &str) {
    assert_no_form(&forms(secret), place, text);
}

#[track_caller]
fn assert_no_form(forms: &[String], place: &str, text: &str) {
    if let Some(trace) = trace_of(forms, text) {
        panic!("{place} shows a secret {trace}");
    }
}

/// Where one of the canaries shows in `text`, with what is around it.
pub fn trace(text: &str) -> Option<String> {
    trace_of(&FORMS, text)
}

fn trace_of(forms: &[String], text: &str) -> Option<String> {
    let lower = text.to_lowercase();
    let (at, form) = forms.iter().find_map(|form| Some((lower.find(form)?, form)))?;
    let around: String = lower.chars().skip(lower[..at].chars().count().saturating_sub(200)).take(500).collect();
    Some(format!("as {form} in …{around}…"))
}

/// All that this process logs from here on, at every level of ours, is searched for the canaries as it is written.
pub fn watch_log() -> Watch {
    let watch = Watch::default();
    let writer = watch.clone();
    let lines = tracing_subscriber::fmt::layer().with_writer(move || writer.clone());
    tracing_subscriber::registry().with(lines.with_filter(logging::ours_or_error())).init();
    watch
}

/// What was seen of the log.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Mutex<Seen>>);

#[derive(Debug, Default)]
struct Seen {
    lines: usize,
    trace: Option<String>,
}

impl Watch {
    /// Fails when a canary has shown, or when nothing was logged.
    pub fn assert_no_trace(&self) {
        let seen = self.0.lock().unwrap();
        assert_ne!(seen.lines, 0, "nothing was logged");
        assert_eq!(seen.trace, None);
    }
}

impl Write for Watch {
    /// One line at a time.
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        let trace = trace(&String::from_utf8_lossy(line));
        let mut seen = self.0.lock().unwrap();
        seen.lines += 1;
        seen.trace = seen.trace.take().or(trace);
        Ok(line.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// How a secret may show, in lower case.
fn forms(secret: &str) -> Vec<String> {
    let mut forms = vec![
        secret.to_owned(),
        utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string(),
        secret.bytes().map(|byte| format!("{byte:02x}")).collect(),
        // As `Debug` prints bytes.
        secret.bytes().map(|byte| byte.to_string()).collect::<Vec<_>>().join(", "),
    ];
    // Inside a longer text, base64 has three forms; a character at either end may hold bits of its neighbour.
    for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
        for before in 0..3 {
            let encoded = engine.encode([&vec![0; before], secret.as_bytes()].concat());
            let own = (before * 8).div_ceil(6)..encoded.len() - 1;
            forms.push(encoded[own].to_owned());
        }
    }
    forms.iter().map(|form| form.to_lowercase()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shows(text: &str) -> bool {
        std::panic::catch_unwind(|| assert_no_trace("text", text)).is_err()
    }

    #[test]
    fn every_form_is_found() {
        assert!(!shows("cAnArY"));
        assert!(shows(&format!("a {PASSWORD} here")));
        assert!(shows("token=cAnArY%26cr3d%3Dnti4ls"));
        assert!(shows(&format!("{:?}", format!("<{CREDENTIALS}>").as_bytes())));
        for around in ["", "a", "ab", "abc"] {
            for engine in [STANDARD_NO_PAD, URL_SAFE_NO_PAD] {
                assert!(shows(&engine.encode(format!("{around}{PASSWORD}{around}"))), "{around}");
            }
        }
    }
}
