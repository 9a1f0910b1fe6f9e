//! Columns of the application.

use std::{error::Error, fmt};

/// Columns that an application adds to the accounts.
///
/// They are written when an account is created, and read with it. The types of SQL are `TEXT`,
/// `BIGINT` and `BOOLEAN`. The columns may be null.
///
/// ```
/// use tower_jwt_auth::user::{ExtraColumn, ExtraColumns, ExtraValues};
///
/// #[derive(Clone, Default)]
/// struct Member {
///     display_name: String,
///     plan: Option<i64>,
/// }
///
/// impl ExtraColumns for Member {
///     const COLUMNS: &'static [ExtraColumn] =
///         &[ExtraColumn::text("display_name"), ExtraColumn::integer("plan")];
///
///     fn read(values: &ExtraValues) -> Self {
///         Self {
///             display_name: values.text("display_name").unwrap_or_default().to_owned(),
///             plan: values.integer("plan"),
///         }
///     }
///
///     fn write(&self, values: &mut ExtraValues) {
///         values.set_text("display_name", &*self.display_name);
///         values.set_integer("plan", self.plan);
///     }
/// }
/// ```
pub trait ExtraColumns: Sized + Send + Sync + 'static {
    /// The columns.
    const COLUMNS: &'static [ExtraColumn];

    /// Reads the values of an account.
    fn read(values: &ExtraValues) -> Self;

    /// Writes the values of an account. A column that is not set becomes null.
    fn write(&self, values: &mut ExtraValues);
}

/// No columns.
impl ExtraColumns for () {
    const COLUMNS: &'static [ExtraColumn] = &[];

    fn read(_: &ExtraValues) -> Self {}

    fn write(&self, _: &mut ExtraValues) {}
}

/// The name and type of a column of the application.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ExtraColumn {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Integer,
    Boolean,
}

impl Kind {
    pub(super) const fn sql(self) -> &'static str {
        match self {
            Self::Text => "TEXT",
            Self::Integer => "BIGINT",
            Self::Boolean => "BOOLEAN",
        }
    }
}

impl ExtraColumn {
    /// A column of strings, which must not contain null characters.
    #[must_use]
    pub const fn text(name: &'static str) -> Self {
        Self { name, kind: Kind::Text }
    }

    /// A column of integers.
    #[must_use]
    pub const fn integer(name: &'static str) -> Self {
        Self { name, kind: Kind::Integer }
    }

    /// A column of booleans.
    #[must_use]
    pub const fn boolean(name: &'static str) -> Self {
        Self { name, kind: Kind::Boolean }
    }
}

/// The values of the [`ExtraColumns`] of one account.
///
/// A value is `None` if it is null, or if there is no column with this name and type. A value that is
/// set for no column makes the call fail that should store it.
pub struct ExtraValues {
    columns: &'static [ExtraColumn],
    values: Vec<Option<String>>,
    mismatch: Option<ExtraMismatch>,
}

impl ExtraValues {
    pub(super) fn new(columns: &'static [ExtraColumn]) -> Self {
        Self { columns, values: vec![None; columns.len()], mismatch: None }
    }

    pub(super) fn read(columns: &'static [ExtraColumn], values: Vec<Option<String>>) -> Self {
        Self { columns, values, mismatch: None }
    }

    pub(super) fn written(self) -> Result<Vec<Option<String>>, ExtraMismatch> {
        self.mismatch.map_or(Ok(self.values), Err)
    }

    /// The string in the column `name`.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.value(name, Kind::Text)
    }

    /// The integer in the column `name`.
    #[must_use]
    pub fn integer(&self, name: &str) -> Option<i64> {
        self.value(name, Kind::Integer)?.parse().ok()
    }

    /// The boolean in the column `name`.
    #[must_use]
    pub fn boolean(&self, name: &str) -> Option<bool> {
        self.value(name, Kind::Boolean).map(|value| value == "1")
    }

    /// Sets the string in the column `name`.
    pub fn set_text<'a>(&mut self, name: &str, text: impl Into<Option<&'a str>>) {
        let text = text.into();
        if text.is_some_and(|text| text.contains('\0')) {
            self.mismatch = Some(ExtraMismatch::Null);
        }
        self.set(name, Kind::Text, text.map(str::to_owned));
    }

    /// Sets the integer in the column `name`.
    pub fn set_integer(&mut self, name: &str, integer: impl Into<Option<i64>>) {
        self.set(name, Kind::Integer, integer.into().map(|integer| integer.to_string()));
    }

    /// Sets the boolean in the column `name`.
    pub fn set_boolean(&mut self, name: &str, boolean: impl Into<Option<bool>>) {
        self.set(name, Kind::Boolean, boolean.into().map(|boolean| i64::from(boolean).to_string()));
    }

    fn position(&self, name: &str, kind: Kind) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name && column.kind == kind)
    }

    fn value(&self, name: &str, kind: Kind) -> Option<&str> {
        self.values.get(self.position(name, kind)?)?.as_deref()
    }

    fn set(&mut self, name: &str, kind: Kind, value: Option<String>) {
        match self.position(name, kind).and_then(|position| self.values.get_mut(position)) {
            Some(place) => *place = value,
            None => self.mismatch = Some(ExtraMismatch::NoColumn),
        }
    }
}

impl fmt::Debug for ExtraValues {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExtraValues").finish_non_exhaustive()
    }
}

/// Why the values of the application's columns cannot be stored.
#[derive(Clone, Copy, Debug)]
pub(super) enum ExtraMismatch {
    NoColumn,
    Null,
}

impl fmt::Display for ExtraMismatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoColumn => "a value was set for an extra column that was not declared",
            Self::Null => "the string for an extra column contains a null character",
        })
    }
}

impl Error for ExtraMismatch {}
