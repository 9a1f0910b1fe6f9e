use std::{collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

use http::HeaderMap;
use serde_json::{Map, Value};

/// The errors in the fields of a body: messages by field name.
pub type FieldErrors = BTreeMap<String, Vec<String>>;

/// The fields of a JSON body, the errors found in them, and who sent them.
pub struct Fields {
    values: Map<String, Value>,
    renamed: Vec<(&'static str, String)>,
    errors: FieldErrors,
    headers: Arc<HeaderMap>,
    client_address: Option<IpAddr>,
}

impl Fields {
    /// Creates fields from the members of a JSON object.
    #[must_use]
    pub fn new(values: Map<String, Value>) -> Self {
        Self {
            values,
            renamed: Vec::new(),
            errors: BTreeMap::new(),
            headers: Arc::default(),
            client_address: None,
        }
    }

    /// Sets the headers of the request. Default: none.
    #[must_use]
    pub fn with_headers(mut self, headers: impl Into<Arc<HeaderMap>>) -> Self {
        self.headers = headers.into();
        self
    }

    /// Sets the address of the client. Default: `None`, for an unknown address.
    #[must_use]
    pub fn with_client_address(mut self, address: Option<IpAddr>) -> Self {
        self.client_address = address;
        self
    }

    #[cfg(feature = "routes")]
    pub(crate) fn with_renamed(mut self, renamed: &[(&'static str, String)]) -> Self {
        self.renamed = renamed.to_vec();
        self
    }

    /// The client's name for the field `name`.
    fn client_name(&self, name: &str) -> String {
        let renamed = self.renamed.iter().find(|(own, _)| *own == name);
        renamed.map_or(name, |(_, client)| client).to_owned()
    }

    /// Removes and returns the string in the field `name`. An integer of up to 64 bits is converted to
    /// a string.
    ///
    /// Records an error and returns `None` if the field is missing, null, blank, neither a string
    /// nor such an integer, or contains a null character, which databases reject. Other numbers are
    /// rounded by the parser, so that several passwords would become one.
    pub fn required_string(&mut self, name: &str) -> Option<String> {
        let name = self.client_name(name);
        let problem = match self.values.remove(&name) {
            None => "This field is required.",
            Some(Value::Null) => "This field may not be null.",
            Some(Value::String(text)) if text.trim().is_empty() => "This field may not be blank.",
            Some(Value::String(text)) if text.contains('\0') => "Null characters are not allowed.",
            Some(Value::String(text)) => return Some(text),
            Some(Value::Number(number)) if !number.is_f64() => return Some(number.to_string()),
            Some(_) => "Not a valid string.",
        };
        self.errors.entry(name).or_default().push(problem.to_owned());
        None
    }

    /// Like [`required_string`](Self::required_string), but a field that is missing or null is no
    /// error.
    pub fn optional_string(&mut self, name: &str) -> Option<String> {
        let client_name = self.client_name(name);
        match self.values.get(&client_name) {
            None | Some(Value::Null) => None,
            Some(_) => self.required_string(name),
        }
    }

    /// Removes and returns the value of the field `name`.
    pub fn take(&mut self, name: &str) -> Option<Value> {
        let name = self.client_name(name);
        self.values.remove(&name)
    }

    /// Records an error in the field `name`.
    pub fn error(&mut self, name: &str, problem: impl Into<String>) {
        let name = self.client_name(name);
        self.errors.entry(name).or_default().push(problem.into());
    }

    /// The headers of the request. The routes of this crate set them for logins.
    #[must_use]
    pub fn headers(&self) -> &HeaderMap {
        &self.headers
    }

    /// The address of the client, as in [`LoginFailed`](crate::issue::Event::LoginFailed). The routes
    /// of this crate set it for logins.
    #[must_use]
    pub const fn client_address(&self) -> Option<IpAddr> {
        self.client_address
    }

    /// The errors recorded so far.
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
