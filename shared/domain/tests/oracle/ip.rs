//! IP addresses as the grammars of the RFCs and integers.

use std::sync::LazyLock;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use regex::Regex;

/// An address as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ip {
    V4(u32),
    V6(u128),
}

/// `IPv4address` and `IPv6address` of RFC 3986 §3.2.2.
static V4: LazyLock<Regex> = LazyLock::new(|| Regex::new(&format!("^{}$", v4())).unwrap());
static V6: LazyLock<Regex> = LazyLock::new(|| {
    let h16 = "[0-9A-Fa-f]{1,4}";
    let ls32 = format!("(?:{h16}:{h16}|{})", v4());
    let alternatives = [
        format!("(?:{h16}:){{6}}{ls32}"),
        format!("::(?:{h16}:){{5}}{ls32}"),
        format!("(?:{h16})?::(?:{h16}:){{4}}{ls32}"),
        format!("(?:(?:{h16}:){{0,1}}{h16})?::(?:{h16}:){{3}}{ls32}"),
        format!("(?:(?:{h16}:){{0,2}}{h16})?::(?:{h16}:){{2}}{ls32}"),
        format!("(?:(?:{h16}:){{0,3}}{h16})?::{h16}:{ls32}"),
        format!("(?:(?:{h16}:){{0,4}}{h16})?::{ls32}"),
        format!("(?:(?:{h16}:){{0,5}}{h16})?::{h16}"),
        format!("(?:(?:{h16}:){{0,6}}{h16})?::"),
    ];
    Regex::new(&format!("^(?:{})$", alternatives.join("|"))).unwrap()
});

fn v4() -> String {
    let octet = "(?:25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])";
    format!("{octet}(?:\\.{octet}){{3}}")
}

impl Ip {
    pub fn read(text: &str) -> Option<Self> {
        if V4.is_match(text) { Some(Self::V4(v4_value(text))) } else { Self::read_v6(text) }
    }

    pub fn read_v6(text: &str) -> Option<Self> {
        V6.is_match(text).then(|| Self::V6(v6_value(text)))
    }

    pub fn bits(self) -> u32 {
        match self {
            Self::V4(_) => 32,
            Self::V6(_) => 128,
        }
    }

    pub fn value(self) -> u128 {
        match self {
            Self::V4(value) => value.into(),
            Self::V6(value) => value,
        }
    }

    /// The first address of its network of that prefix.
    pub fn network(self, prefix: u32) -> Self {
        let host = self.bits() - prefix;
        let cleared = |value: u128| value.checked_shr(host).unwrap_or(0).checked_shl(host).unwrap_or(0);
        match self {
            Self::V4(value) => Self::V4(cleared(value.into()) as u32),
            Self::V6(value) => Self::V6(cleared(value)),
        }
    }

    /// RFC 5952 §4, and for an IPv4-mapped address §5.
    pub fn canonical(self) -> String {
        let value = match self {
            Self::V4(value) => return dotted(value),
            Self::V6(value) if value >> 32 == 0xffff => return format!("::ffff:{}", dotted(value as u32)),
            Self::V6(value) => value,
        };
        let groups = groups(value);
        let run = |from: usize| groups[from..].iter().take_while(|group| **group == 0).count();
        // The first of the longest runs: `max_by_key` would take the last.
        let start = (0..8).rev().max_by_key(|from| run(*from)).unwrap();
        let hex = |groups: &[u16]| groups.iter().map(|group| format!("{group:x}")).collect::<Vec<_>>().join(":");
        match run(start) {
            0 | 1 => hex(&groups),
            length => format!("{}::{}", hex(&groups[..start]), hex(&groups[start + length..])),
        }
    }
}

pub fn dotted(value: u32) -> String {
    format!("{}.{}.{}.{}", value >> 24, value >> 16 & 255, value >> 8 & 255, value & 255)
}

fn groups(value: u128) -> [u16; 8] {
    std::array::from_fn(|index| (value >> (112 - 16 * index)) as u16)
}

fn v4_value(text: &str) -> u32 {
    text.split('.').fold(0, |value, octet| value << 8 | octet.parse::<u32>().unwrap())
}

fn v6_value(text: &str) -> u128 {
    let part = |text: &str| -> Vec<u16> {
        let groups = text.split(':').filter(|group| !group.is_empty());
        groups
            .flat_map(|group| match group.contains('.') {
                true => vec![(v4_value(group) >> 16) as u16, v4_value(group) as u16],
                false => vec![u16::from_str_radix(group, 16).unwrap()],
            })
            .collect()
    };
    let (head, tail) = text.split_once("::").unwrap_or((text, ""));
    let (head, tail) = (part(head), part(tail));
    let zeros = std::iter::repeat_n(0, 8 - head.len() - tail.len());
    let groups = head.iter().copied().chain(zeros).chain(tail.iter().copied());
    groups.fold(0, |value, group| value << 16 | u128::from(group))
}

/// Any IPv6 address, often with runs of zeros, and often one that carries an IPv4 address.
pub fn any_v6() -> impl Strategy<Value = u128> {
    let sparse = prop::array::uniform8(prop_oneof![Just(0), any::<u16>(), 0_u16..16]);
    let sparse = sparse.prop_map(|groups| groups.iter().fold(0, |value, group| value << 16 | u128::from(*group)));
    let mapped = any::<u32>().prop_map(|v4| 0xffff << 32 | u128::from(v4));
    prop_oneof![4 => sparse, 1 => mapped, 1 => any::<u128>()]
}

/// One of the many ways in which an IPv6 address may be written.
pub fn written(value: u128) -> impl Strategy<Value = String> {
    (any::<Index>(), any::<Index>(), any::<bool>(), any::<bool>(), any::<bool>()).prop_map(
        move |(from, length, padded, upper, dotted_tail)| {
            let groups = groups(value);
            let mut parts: Vec<_> =
                groups.iter().map(|group| if padded { format!("{group:04x}") } else { format!("{group:x}") }).collect();
            let from = from.index(8);
            let zeros = groups[from..].iter().take_while(|group| **group == 0).count();
            let zeros = if zeros == 0 { 0 } else { 1 + length.index(zeros) };
            if dotted_tail && from + zeros <= 6 {
                parts.splice(6.., [dotted(value as u32)]);
            }
            let text = match zeros {
                0 => parts.join(":"),
                _ => format!("{}::{}", parts[..from].join(":"), parts[from + zeros..].join(":")),
            };
            if upper { text.to_uppercase() } else { text }
        },
    )
}

/// The text of an address, or of something that is nearly one.
pub fn any_text() -> impl Strategy<Value = String> {
    let v4 = any::<u32>().prop_map(dotted);
    let v6 = any_v6().prop_flat_map(written);
    let right = prop_oneof![v4, v6].boxed();
    prop_oneof![
        4 => right.clone(),
        2 => damaged(right, "0123456789abcfx:.%[]/ "),
        1 => "[0-9]{1,4}(\\.[0-9]{1,3}){2,4}",
        1 => "[0-9a-f:.]{1,24}",
    ]
}

/// A text with one character replaced, put in or taken out.
pub fn damaged(text: impl Strategy<Value = String>, by: &'static str) -> impl Strategy<Value = String> {
    let by: Vec<char> = by.chars().collect();
    (text, any::<Index>(), select(by), 0..3).prop_map(|(text, at, character, how)| {
        let mut characters: Vec<char> = text.chars().collect();
        let at = at.index(characters.len().max(1));
        let to = if how == 0 { at } else { (at + 1).min(characters.len()) };
        characters.splice(at..to, (how < 2).then_some(character));
        characters.into_iter().collect()
    })
}
