use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::time::Duration;

use trunkline_domain::{AddressPolicy, SipHost};
use trunkline_provisioning::{SecretPrefix, Timing};

/// The settings of a process: its environment variables. A variable that is empty counts as unset, since
/// `sam local` sets every variable of the template.
#[derive(Clone)]
pub struct Environment(BTreeMap<String, String>);

const MAX_SECONDS: u64 = 7 * 24 * 3600;

/// A setting is missing or malformed. Never repeats the value.
#[derive(Debug, thiserror::Error)]
#[error("{name} {problem}")]
pub struct SettingError {
    name: &'static str,
    problem: String,
}

impl SettingError {
    pub(crate) fn new(name: &'static str, problem: impl Display) -> Self {
        Self { name, problem: problem.to_string() }
    }
}

impl Environment {
    /// That of this process.
    pub fn of_process() -> Self {
        let variables = std::env::vars_os();
        Self(
            variables.filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?))).collect(),
        )
    }

    /// A setting that may be left out.
    pub fn optional(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }

    /// A setting that may not.
    ///
    /// # Errors
    /// When it is.
    pub fn required(&self, name: &'static str) -> Result<&str, SettingError> {
        self.optional(name).ok_or_else(|| SettingError::new(name, "is not set"))
    }

    /// A setting of a type of its own.
    ///
    /// # Errors
    /// When it is left out or malformed.
    pub fn parsed<T: FromStr<Err: Display>>(&self, name: &'static str) -> Result<T, SettingError> {
        self.required(name)?.parse().map_err(|error| SettingError::new(name, error))
    }

    /// A setting of a type of its own that may be left out.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn parsed_or<T: FromStr<Err: Display>>(&self, name: &'static str, default: T) -> Result<T, SettingError> {
        if self.optional(name).is_some() { self.parsed(name) } else { Ok(default) }
    }

    /// Whole seconds, from one to a week.
    fn seconds(&self, name: &'static str, default: u64) -> Result<Duration, SettingError> {
        match self.optional(name).map_or(Ok(default), str::parse) {
            Ok(seconds @ 1..=MAX_SECONDS) => Ok(Duration::from_secs(seconds)),
            _ => Err(SettingError::new(name, format_args!("must be a number of seconds from 1 to {MAX_SECONDS}"))),
        }
    }

    /// `LEASE_SECONDS`, 30 by default.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn timing(&self) -> Result<Timing, SettingError> {
        Ok(Timing { lease: self.seconds("LEASE_SECONDS", 30)? })
    }

    /// `TOMBSTONE_SECONDS`, 900 by default.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn tombstone(&self) -> Result<Duration, SettingError> {
        self.seconds("TOMBSTONE_SECONDS", 900)
    }

    /// `SWEEP_INTERVAL_SECONDS`, 60 by default: between two sweeps of the local service. On AWS a schedule decides.
    ///
    /// # Errors
    /// When it is malformed.
    pub fn sweep_interval(&self) -> Result<Duration, SettingError> {
        self.seconds("SWEEP_INTERVAL_SECONDS", 60)
    }

    /// `SECRET_PREFIX`.
    ///
    /// # Errors
    /// When it is left out or malformed.
    pub fn secret_prefix(&self) -> Result<SecretPrefix, SettingError> {
        const NAME: &str = "SECRET_PREFIX";
        SecretPrefix::parse(self.required(NAME)?).map_err(|problem| SettingError::new(NAME, problem))
    }

    /// `LIVEKIT_SIP_HOST`.
    ///
    /// # Errors
    /// When it is left out or malformed.
    pub fn sip_host(&self) -> Result<SipHost, SettingError> {
        self.parsed("LIVEKIT_SIP_HOST")
    }

    /// `ALLOW_PRIVATE_SIP_ADDRESSES`, `false` by default.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn address_policy(&self) -> Result<AddressPolicy, SettingError> {
        const NAME: &str = "ALLOW_PRIVATE_SIP_ADDRESSES";
        match self.optional(NAME) {
            None | Some("false") => Ok(AddressPolicy::PublicOnly),
            Some("true") => Ok(AddressPolicy::AllowPrivate),
            Some(_) => Err(SettingError::new(NAME, "must be true or false")),
        }
    }
}

impl From<Environment> for BTreeMap<String, String> {
    fn from(environment: Environment) -> Self {
        environment.0
    }
}

impl From<BTreeMap<String, String>> for Environment {
    fn from(variables: BTreeMap<String, String>) -> Self {
        Self(variables)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn environment(name: &str, value: &str) -> Environment {
        BTreeMap::from([(name.to_owned(), value.to_owned())]).into()
    }

    #[test]
    fn a_bad_setting_is_named_and_not_repeated() {
        for (name, value, read) in [
            ("LEASE_SECONDS", "hunter2", (|it| it.timing().map(drop)) as fn(&Environment) -> Result<(), SettingError>),
            ("LEASE_SECONDS", "0", |it| it.timing().map(drop)),
            ("LEASE_SECONDS", "18446744073709551615", |it| it.timing().map(drop)),
            ("TOMBSTONE_SECONDS", "-1", |it| it.tombstone().map(drop)),
            ("SECRET_PREFIX", "a b", |it| it.secret_prefix().map(drop)),
            ("LIVEKIT_SIP_HOST", "sip:hunter2@host", |it| it.sip_host().map(drop)),
            ("ALLOW_PRIVATE_SIP_ADDRESSES", "yes", |it| it.address_policy().map(drop)),
        ] {
            let error = read(&environment(name, value)).unwrap_err().to_string();
            assert!(error.starts_with(name) && !error.contains("hunter2"), "{error}");
        }
    }

    #[test]
    fn an_empty_setting_is_no_setting() {
        let environment = environment("SECRET_PREFIX", "");
        assert_eq!(environment.secret_prefix().unwrap_err().to_string(), "SECRET_PREFIX is not set");
    }
}
