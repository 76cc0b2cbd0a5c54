use std::sync::LazyLock;

use regex::{Captures, Regex};

/// What a call's caller was told, without what differs from run to run: ids, phone numbers and domains become the numbers
/// in which they first came up, times of the present one word, and sets are in one order.
#[derive(Debug, Default)]
pub(super) struct Alike {
    ids: Vec<String>,
}

impl Alike {
    /// `answer`, comparable with another run's.
    pub(super) fn of(&mut self, answer: &str) -> String {
        static ID: LazyLock<Regex> = LazyLock::new(|| {
            const UNDERSCORED: &str = r"\b(trunk|ws|req|sweep|phone|ST|SDR|PN)_\w+";
            const TWILIOS: &str = r"\b(AC|TK|CL|PN|AP)[0-9a-f]{32}\b|\b(trunk)-[0-9a-z]{26}\b";
            Regex::new(&format!(r"{UNDERSCORED}|{TWILIOS}|(\+)\d+|\b20\d\d-[\d:.T-]+Z")).unwrap()
        });
        static SET: LazyLock<Regex> = LazyLock::new(|| Regex::new(r"\{([^{}:]*)\}").unwrap());
        let numbered = ID.replace_all(answer, |found: &Captures<'_>| match found.iter().skip(1).flatten().next() {
            Some(kind) => format!("{}_{}", kind.as_str(), self.number(&found[0])),
            None => "now".to_owned(),
        });
        let sorted = SET.replace_all(&numbered, |found: &Captures<'_>| {
            let mut members: Vec<_> = found[1].split(", ").collect();
            members.sort_unstable();
            format!("{{{}}}", members.join(", "))
        });
        sorted.into_owned()
    }

    fn number(&mut self, id: &str) -> usize {
        self.ids.iter().position(|known| known == id).unwrap_or_else(|| {
            self.ids.push(id.to_owned());
            self.ids.len() - 1
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_runs_are_compared_by_what_they_say() {
        let (mut one, mut other) = (Alike::default(), Alike::default());
        assert_eq!(one.of(r#"Ok("ST_x")"#), other.of(r#"Ok("ST_b")"#));
        assert_eq!(one.of(r#"Ok("ST_a")"#), other.of(r#"Ok("ST_a")"#));
        assert_eq!(one.of(r#"Ok({"ST_a", "ST_x"})"#), other.of(r#"Ok({"ST_a", "ST_b"})"#));
        assert_ne!(one.of(r#"Ok({"ST_a"})"#), other.of(r#"Ok({"ST_b"})"#));
        let (sid, other_sid) = (format!("TK{:032x}", 1), format!("TK{:032x}", 10));
        assert_eq!(one.of(&format!("{sid:?}")), other.of(&format!("{other_sid:?}")));
        let (domain, other_domain) = (format!("trunk-{:026}.pstn", 1), format!("trunk-{:026}.pstn", 2));
        assert_eq!(one.of(&domain), other.of(&other_domain));
        assert_ne!(one.of(&format!("{other_sid:?}")), other.of(&format!("{other_sid:?}")));
        assert_eq!(one.of("until: 2026-11-24T10:00:00Z"), other.of("until: 2027-01-01T00:00:00.5Z"));
        assert_ne!(one.of("until: 2026-11-24T10:00:00Z"), other.of("until: 1970-01-01T00:00:00Z"));
    }
}
