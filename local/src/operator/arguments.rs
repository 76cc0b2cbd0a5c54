use std::ffi::OsStr;
use std::marker::PhantomData;
use std::str::FromStr;

use clap::builder::TypedValueParser;
use clap::error::ErrorKind;
use clap::{Arg, Args, Command};
use trunkline_domain::WorkspaceId;

/// Which workspace, and how it is told.
#[derive(Args)]
pub(crate) struct OfWorkspace {
    /// The workspace's id, ws_...
    #[arg(value_name = "WORKSPACE", value_parser = Id::<WorkspaceId>::new("a workspace id, ws_..."))]
    pub(super) id: WorkspaceId,
    #[command(flatten)]
    pub(super) output: Output,
}

/// How the outcome is told.
#[derive(Args)]
pub(crate) struct Output {
    /// One JSON object
    #[arg(long)]
    pub(super) json: bool,
}

/// Reads an id. What is none is not repeated, as clap would: it may be an API key in the wrong place.
pub(super) struct Id<T> {
    form: &'static str,
    id: PhantomData<fn() -> T>,
}

impl<T> Id<T> {
    pub(super) const fn new(form: &'static str) -> Self {
        Self { form, id: PhantomData }
    }
}

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        Self::new(self.form)
    }
}

impl<T: FromStr + Clone + Send + Sync + 'static> TypedValueParser for Id<T> {
    type Value = T;

    fn parse_ref(&self, command: &Command, argument: Option<&Arg>, value: &OsStr) -> Result<T, clap::Error> {
        value.to_str().and_then(|text| text.parse().ok()).ok_or_else(|| {
            let argument = argument.map(ToString::to_string).unwrap_or_default();
            let message = format!("{argument} must be {}\n", self.form);
            clap::Error::raw(ErrorKind::ValueValidation, message).with_cmd(command)
        })
    }
}

/// A limit on trunks: a number, or the default.
#[derive(Clone, Copy)]
pub(super) struct Limit(Option<u64>);

impl Limit {
    pub(super) const DEFAULT: &str = "default";

    /// `None` for the default.
    pub(super) fn own(self) -> Option<u64> {
        self.0
    }
}

impl FromStr for Limit {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == Self::DEFAULT {
            return Ok(Self(None));
        }
        let number = text.parse::<u32>().map_err(|_| "must be a number of trunks, or `default`")?;
        Ok(Self(Some(number.into())))
    }
}
