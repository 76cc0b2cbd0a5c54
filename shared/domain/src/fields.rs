//! What the bodies of `POST` and `PATCH` have in common: one field at a time.

use serde_json::{Map, Value};

use crate::{Change, Violations};

pub(crate) fn message(error: impl ToString) -> String {
    error.to_string()
}

/// The fields that an object may name.
pub(crate) struct Names {
    /// A caller sets them.
    pub(crate) settable: &'static [&'static str],
    /// Responses have them.
    pub(crate) read_only: &'static [&'static str],
}

/// The fields of an object, and what was found wrong with them so far.
pub(crate) struct Fields<'a> {
    object: &'a Map<String, Value>,
    names: &'static Names,
    pub(crate) violations: Violations,
}

impl<'a> Fields<'a> {
    pub(crate) fn of(object: &'a Map<String, Value>, names: &'static Names) -> Self {
        Self { object, names, violations: Violations::default() }
    }

    /// The value of a field; `null` counts as absent.
    pub(crate) fn value(&self, field: &str) -> Option<&'a Value> {
        self.object.get(field).filter(|value| !value.is_null())
    }

    /// Whether a field is there, `null` or not.
    fn named(&self, field: &str) -> bool {
        self.object.contains_key(field)
    }

    /// Whether a field is there and `null`.
    pub(crate) fn cleared(&self, field: &str) -> bool {
        self.object.get(field).is_some_and(Value::is_null)
    }

    pub(crate) fn given(&self, field: &str) -> bool {
        self.value(field).is_some()
    }

    pub(crate) fn required<T, E: Into<String>>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        if !self.given(field) {
            self.violations.add(field, "required");
        }
        self.optional(field, parse)
    }

    pub(crate) fn optional<T, E: Into<String>>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let parsed = match self.value(field)? {
            Value::String(text) => parse(text).map_err(Into::into),
            _ => Err("must be a string".into()),
        };
        parsed.map_err(|message| self.violations.add(field, message)).ok()
    }

    /// What a patch makes of a field.
    pub(crate) fn change<T, E: Into<String>>(
        &mut self,
        field: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Change<T> {
        if self.cleared(field) {
            return Change::Clear;
        }
        self.optional(field, parse).map_or(Change::Keep, Change::Set)
    }

    /// An object in the object: what `read` finds wrong in it is wrong here.
    pub(crate) fn nested<T>(
        &mut self,
        field: &str,
        names: &'static Names,
        read: impl FnOnce(&mut Fields<'a>) -> Option<T>,
    ) -> Option<T> {
        let Value::Object(object) = self.value(field)? else {
            self.violations.add(field, "must be a JSON object");
            return None;
        };
        let mut fields = Fields::of(object, names);
        let value = read(&mut fields);
        self.violations.add_within(field, &fields.violations);
        value
    }

    pub(crate) fn refuse(&mut self, fields: &[&str], message: &str) {
        for field in fields {
            if self.given(field) {
                self.violations.add(*field, message);
            }
        }
    }

    /// Refuses what stands in a patch, where `null` is a change like others.
    pub(crate) fn refuse_change(&mut self, fields: &[&str], message: &str) {
        for field in fields {
            if self.named(field) {
                self.violations.add(*field, message);
            }
        }
    }

    /// Refuses what is no field, as a mistyped security setting must not be dropped; and what only responses have.
    pub(crate) fn refuse_strange(&mut self) {
        self.refuse_unknown();
        self.refuse(self.names.read_only, SET_BY_THE_SERVICE);
    }

    /// The same for a patch.
    pub(crate) fn refuse_strange_change(&mut self) {
        self.refuse_unknown();
        self.refuse_change(self.names.read_only, SET_BY_THE_SERVICE);
    }

    fn refuse_unknown(&mut self) {
        let Names { settable, read_only } = self.names;
        let known = |field: &str| settable.contains(&field) || read_only.contains(&field);
        for field in self.object.keys().filter(|field| !known(field)) {
            self.violations.add_unknown("field", field, settable);
        }
    }
}

const SET_BY_THE_SERVICE: &str = "is set by the service: leave it out";
