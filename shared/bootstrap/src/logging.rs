//! Log lines, to standard error.
//!
//! Of other crates only errors are written, whatever `RUST_LOG` says: the AWS SDKs and the Lambda runtime
//! print whole requests at lower levels, passwords and keys included.

use std::io::IsTerminal;

use tracing::Level;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::filter::{Targets, filter_fn};
use tracing_subscriber::layer::{Filter, SubscriberExt};
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, fmt};

/// How lines look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

impl Format {
    /// For people on a terminal, JSON otherwise.
    pub fn detect() -> Self {
        if std::io::stderr().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// Starts logging, at the levels of `RUST_LOG`, `info` by default and when it is malformed. Once in a process.
pub fn start(format: Format) {
    let levels = levels(&std::env::var("RUST_LOG").unwrap_or_default());
    let lines = fmt::layer().with_writer(std::io::stderr);
    let lines = match format {
        Format::Text => lines.with_target(false).boxed(),
        Format::Json => lines.json().flatten_event(true).with_span_list(false).boxed(),
    };
    tracing_subscriber::registry().with(lines.with_filter(ours_or_error())).with(levels).init();
}

/// By target alone: an `EnvFilter` also knows spans and fields, and links a regex engine for them.
fn levels(directives: &str) -> Targets {
    let set = Some(directives).filter(|directives| !directives.is_empty());
    set.and_then(|directives| directives.parse().ok()).unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

/// What is ever written, of which `RUST_LOG` may leave out more.
pub fn ours_or_error<S>() -> impl Filter<S> {
    filter_fn(|metadata| metadata.target().starts_with("trunkline") || *metadata.level() == Level::ERROR)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_are_those_asked_for_or_info() {
        for (directives, debug, info) in [
            ("", false, true),
            ("debug", true, true),
            ("trunkline_http=debug", true, true),
            ("trunkline_dynamodb=debug", false, false),
            ("off", false, false),
            ("trunkline_http=loud", false, true),
        ] {
            let levels = levels(directives);
            let enabled = [Level::DEBUG, Level::INFO].map(|level| levels.would_enable("trunkline_http", &level));
            assert_eq!(enabled, [debug, info], "{directives:?}");
        }
    }
}
