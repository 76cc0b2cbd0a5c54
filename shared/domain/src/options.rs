//! The fields that take one of a few words.

use std::fmt;
use std::str::FromStr;

use serde::{Serialize, Serializer};

/// The word is none of the field's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("must be one of {0}")]
pub struct UnknownOption(&'static str);

macro_rules! options {
    ($(#[$doc:meta])* $name:ident, $all:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name {
            $($(#[$vdoc])* $variant),+
        }

        impl $name {
            /// The word of the contract.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl FromStr for $name {
            type Err = UnknownOption;

            fn from_str(text: &str) -> Result<Self, UnknownOption> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownOption($all)),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }

        #[cfg(feature = "openapi")]
        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
                schemars::json_schema!({"type": "string", "enum": [$($word),+]})
            }
        }
    };
}

options! {
    /// Whose number or carrier a trunk connects to.
    Kind, "livekit, twilio, byoc" {
        /// A number of LiveKit's own.
        Livekit = "livekit",
        /// A number on the customer's Twilio account.
        Twilio = "twilio",
        /// The customer's own carrier.
        Byoc = "byoc",
    }
}

options! {
    /// Which way calls go, seen from LiveKit.
    Direction, "inbound, outbound, both" {
        /// From the carrier.
        Inbound = "inbound",
        /// To the carrier.
        Outbound = "outbound",
        /// Both ways.
        Both = "both",
    }
}

options! {
    /// SIP's transport protocol.
    Transport, "auto, udp, tcp, tls" {
        /// UDP, unless DNS says otherwise.
        Auto = "auto",
        /// UDP.
        Udp = "udp",
        /// TCP.
        Tcp = "tcp",
        /// TLS over TCP.
        Tls = "tls",
    }
}

options! {
    /// Encryption of the media, SRTP.
    MediaEncryption, "disable, allow, require" {
        /// Never.
        Disable = "disable",
        /// Offered, not demanded.
        Allow = "allow",
        /// Calls without it are refused.
        Require = "require",
    }
}

options! {
    /// Whether LiveKit challenges inbound calls with the trunk's credentials (RFC 3261 §22).
    InboundAuth, "digest, none" {
        /// A 407 challenge, which the carrier must answer.
        Digest = "digest",
        /// No challenge.
        None = "none",
    }
}
