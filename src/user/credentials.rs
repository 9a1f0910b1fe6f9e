use std::{collections::BTreeMap, fmt};

use serde_json::{Map, Value};
use zeroize::Zeroizing;

/// What a login sends, read from the fields of its JSON body.
///
/// ```
/// use tower_jwt_auth::user::{Credentials, Fields};
///
/// struct OneTimeCode { email: String, code: String }
///
/// impl Credentials for OneTimeCode {
///     fn from_fields(fields: &mut Fields) -> Option<Self> {
///         // Ask for every field before `?`, so that all that is wrong is reported at once.
///         let email = fields.required_text("email");
///         let code = fields.required_text("code");
///         Some(Self { email: email?, code: code? })
///     }
/// }
/// ```
pub trait Credentials: Sized + Send + 'static {
    /// Reads the credentials, or returns `None` after a field was found missing or wrong; the
    /// login is then answered `400` with the errors that `fields` has gathered.
    fn from_fields(fields: &mut Fields) -> Option<Self>;
}

/// A user name and a password.
#[derive(Clone)]
#[non_exhaustive]
pub struct UsernamePassword {
    /// The field `username`.
    pub username: String,
    /// The field `password`, as it was sent; wiped from memory when dropped.
    pub password: Zeroizing<String>,
}

impl Credentials for UsernamePassword {
    fn from_fields(fields: &mut Fields) -> Option<Self> {
        let username = fields.required_text("username");
        let password = fields.required_text("password");
        Some(Self { username: username?, password: password?.into() })
    }
}

impl fmt::Debug for UsernamePassword {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernamePassword").finish_non_exhaustive()
    }
}

/// What is wrong with the fields of a body: sentences by field name.
pub type FieldErrors = BTreeMap<String, Vec<String>>;

/// The fields of a JSON body, handed out one by one while errors are gathered.
pub struct Fields {
    values: Map<String, Value>,
    renamed: Vec<(&'static str, String)>,
    errors: FieldErrors,
}

impl Fields {
    /// The members of a JSON object.
    #[must_use]
    pub const fn new(values: Map<String, Value>) -> Self {
        Self { values, renamed: Vec::new(), errors: BTreeMap::new() }
    }

    #[cfg(feature = "routes")]
    pub(crate) fn with_renamed(mut self, renamed: &[(&'static str, String)]) -> Self {
        self.renamed = renamed.to_vec();
        self
    }

    /// The name a client uses for the field that is called `name` here.
    fn outer_name(&self, name: &str) -> String {
        let renamed = self.renamed.iter().find(|(inner, _)| *inner == name);
        renamed.map_or(name, |(_, outer)| outer).to_owned()
    }

    /// Takes the text in the field `name`; numbers count as their text. Notes an error when the
    /// field is missing, null, blank, neither text nor number, or holds a null character, which
    /// databases refuse.
    pub fn required_text(&mut self, name: &str) -> Option<String> {
        let name = self.outer_name(name);
        let problem = match self.values.remove(&name) {
            None => "This field is required.",
            Some(Value::Null) => "This field may not be null.",
            Some(Value::String(text)) if text.trim().is_empty() => "This field may not be blank.",
            Some(Value::String(text)) if text.contains('\0') => "Null characters are not allowed.",
            Some(Value::String(text)) => return Some(text),
            Some(Value::Number(number)) => return Some(number.to_string()),
            Some(_) => "Not a valid string.",
        };
        self.errors.entry(name).or_default().push(problem.to_owned());
        None
    }

    /// Takes the value of the field `name`, whatever it is.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let name = self.outer_name(name);
        self.values.remove(&name)
    }

    /// Notes that something is wrong with the field `name`.
    pub fn error(&mut self, name: &str, problem: impl Into<String>) {
        let name = self.outer_name(name);
        self.errors.entry(name).or_default().push(problem.into());
    }

    /// What was found wrong so far.
    #[must_use]
    pub const fn errors(&self) -> &FieldErrors {
        &self.errors
    }
}

impl fmt::Debug for Fields {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fields").finish_non_exhaustive()
    }
}
