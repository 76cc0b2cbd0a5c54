//! Entity tags (RFC 9110 §8.8.3) of trunks: the version of the record.

use std::collections::BTreeSet;

use trunkline_domain::Trunk;

pub(crate) fn of(trunk: &Trunk) -> String {
    format!("\"{}\"", trunk.version)
}

/// Whether an `If-None-Match` names `etag`, by weak comparison (RFC 9110 §13.1.2).
pub(crate) fn matches(if_none_match: &[u8], etag: &str) -> bool {
    let Ok(list) = std::str::from_utf8(if_none_match) else {
        return false;
    };
    list.trim() == "*" || list.split(',').map(str::trim).any(|tag| tag.strip_prefix("W/").unwrap_or(tag) == etag)
}

/// The versions that an `If-Match` names, by strong comparison (RFC 9110 §13.1.1): a weak tag names none. `None` for `*`,
/// which names all.
pub(crate) fn versions(if_match: &[u8]) -> Option<BTreeSet<u64>> {
    let list = std::str::from_utf8(if_match).unwrap_or_default();
    // Nothing else may stand beside it; within a tag it is a letter like others.
    if list.trim() == "*" {
        return None;
    }
    Some(list.split(',').map(str::trim).filter_map(version).collect())
}

/// The version whose tag this is, digit by digit.
fn version(tag: &str) -> Option<u64> {
    let digits = tag.strip_prefix('"')?.strip_suffix('"')?;
    digits.parse().ok().filter(|version: &u64| version.to_string() == digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_is_found_in_a_list() {
        for (list, found) in [
            (r#""1""#, true),
            (r#"W/"1""#, true),
            (r#""2", "1""#, true),
            ("*", true),
            (r#""2""#, false),
            (r#""2,*,3""#, false),
            ("1", false),
            ("", false),
        ] {
            assert_eq!(matches(list.as_bytes(), r#""1""#), found, "{list}");
        }
    }

    #[test]
    fn only_strong_tags_of_versions_match() {
        for (list, named) in [
            (r#""1""#, &[1][..]),
            (r#""2", "1""#, &[1, 2]),
            (r#""1","x", W/"3""#, &[1]),
            (r#"W/"1""#, &[]),
            (r#""a,*,b""#, &[]),
            (r#""1", *"#, &[1]),
            (r#""01""#, &[]),
            (r#""+1""#, &[]),
            ("1", &[]),
            ("", &[]),
        ] {
            assert_eq!(versions(list.as_bytes()), Some(named.iter().copied().collect()), "{list}");
        }
        assert_eq!(versions(b"*"), None);
        assert_eq!(versions(b"\xff"), Some(BTreeSet::new()));
    }
}
