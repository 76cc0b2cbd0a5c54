//! Identifiers: TypeIDs, a prefix and a UUIDv7 in Crockford base32
//! (<https://github.com/jetify-com/typeid/tree/main/spec>).

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use type_safe_id::{StaticType, TypeSafeId};

macro_rules! typeid {
    ($(#[$doc:meta])* $name:ident, $marker:ident, $prefix:literal) => {
        #[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
        struct $marker;

        impl StaticType for $marker {
            const TYPE: &'static str = $prefix;
        }

        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(TypeSafeId<$marker>);

        impl $name {
            /// A new id of this moment: ids sort by the millisecond they were made in.
            #[expect(clippy::new_without_default, reason = "every call gives another id")]
            pub fn new() -> Self {
                Self(TypeSafeId::new())
            }
        }

        impl FromStr for $name {
            type Err = MalformedId;

            fn from_str(text: &str) -> Result<Self, MalformedId> {
                text.parse().map(Self).map_err(|_| MalformedId)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        #[cfg(feature = "openapi")]
        crate::schema::text!($name, {
            "pattern": concat!("^", $prefix, "_[0-7][0-9a-hjkmnp-tv-z]{25}$"),
            "examples": [concat!($prefix, "_01kdz0v1ctfpat8r05qs7wk4ed")],
        });
    };
}

/// The text is not an id of this kind: another prefix, another alphabet, another length.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not an id of this kind")]
pub struct MalformedId;

typeid! {
    /// `trunk_` and 26 characters. It is also the number under which LiveKit finds the trunk:
    /// LiveKit compares what is not made of digits verbatim (`NormalizeNumber`, livekit/protocol).
    TrunkId, TrunkType, "trunk"
}
typeid! {
    /// `phone_` and 26 characters: a phone number of a workspace.
    PhoneNumberId, PhoneNumberType, "phone"
}
typeid! {
    /// `ws_` and 26 characters: one customer of the voice-agent product.
    WorkspaceId, WorkspaceType, "ws"
}
typeid! {
    /// `key_` and 26 characters: an API key, for those who do not have it.
    ApiKeyId, ApiKeyType, "key"
}
typeid! {
    /// `req_` and 26 characters: one request, in its response and in each of its log lines.
    RequestId, RequestType, "req"
}
typeid! {
    /// `sweep_` and 26 characters: one run of the sweeper, in its log lines and in the leases it takes.
    SweepId, SweepType, "sweep"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trunk_id_survives_text() {
        let id = TrunkId::new();
        assert_eq!(id.to_string().len(), "trunk_".len() + 26);
        assert_eq!(id.to_string().parse(), Ok(id));
    }

    #[cfg(feature = "openapi")]
    #[test]
    fn the_example_is_an_id() {
        let schema = schemars::schema_for!(TrunkId);
        let example = schema.get("examples").unwrap()[0].as_str().unwrap();
        assert!(example.parse::<TrunkId>().is_ok());
    }

    #[test]
    fn any_other_form_is_refused() {
        let id = TrunkId::new().to_string();
        let suffix = &id["trunk_".len()..];
        for text in [
            "",
            suffix,
            "0193a5b0-7c1e-7d6a-9f3e-0a1b2c3d4e5f",
            &id.to_uppercase(),
            &format!("TRUNK_{suffix}"),
            &format!("ws_{suffix}"),
            &format!("{id}0"),
            &format!(" {id}"),
            &id[..id.len() - 1],
            &format!("trunk_8{}", &suffix[1..]),
            &format!("trunk_{}u", &suffix[..25]),
        ] {
            assert_eq!(text.parse::<TrunkId>(), Err(MalformedId), "{text}");
        }
    }
}
