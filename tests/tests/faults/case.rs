use std::fmt;

use trunkline_tests::faulty::{Fault, Point, Trace, Traced};

use super::operation::Operation;

/// An operation and what goes wrong.
#[derive(Debug, Clone)]
pub(super) struct Case {
    pub(super) operation: Operation,
    pub(super) points: Vec<Point>,
}

impl Case {
    /// The case that a report has named.
    pub(super) fn named(text: &str) -> Self {
        let (operation, points) = text.split_once(':').expect("`long`, `full`, or `<operation>: <call> <fault>, …`");
        let known = Operation::all().find(|known| known.to_string() == operation);
        let points = points.split(',').filter(|point| !point.trim().is_empty());
        Self {
            operation: known.unwrap_or_else(|| panic!("no operation is called {operation}")),
            points: points.map(|point| point.parse().expect("`<call> <fault>`")).collect(),
        }
    }

    fn and(&self, point: Point) -> Self {
        Self { operation: self.operation, points: [self.points.as_slice(), &[point]].concat() }
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let points: Vec<_> = self.points.iter().map(Point::to_string).collect();
        write!(f, "{}: {}", self.operation, points.join(", "))
    }
}

/// What came of a case.
pub(super) struct Ended {
    pub(super) case: Case,
    pub(super) trace: Trace,
    /// How many of the calls were the operation's own, and not of a sweep after it.
    pub(super) own: usize,
    pub(super) violations: Vec<String>,
}

impl Ended {
    /// The same with one more fault, at each of the calls `from` has, and of each kind.
    pub(super) fn with_one_more(&self, from: std::ops::Range<usize>) -> Vec<Case> {
        // A look into the index that fails ends a sweep, whatever came before: its single faults tell all.
        let dull = |call: &Traced| call.name == "due" && !self.case.points.is_empty();
        let calls = self.trace.0.iter().enumerate().take(from.end).skip(from.start).filter(|(_, call)| !dull(call));
        calls
            .flat_map(|(index, call)| {
                Fault::of(call.effect).map(move |fault| self.case.and(Point { call: index + 1, fault }))
            })
            .collect()
    }

    /// With one more at any call after the last.
    pub(super) fn with_a_later_one(&self) -> Vec<Case> {
        self.with_one_more(self.case.points.last().map_or(0, |last| last.call)..self.trace.0.len())
    }
}
