//! Comparing responses with a document.

use http::Method;
use serde_json::{Map, Value, json};
use utoipa::openapi::OpenApi;

use crate::support::reply::Reply;

/// Headers that a document must describe where a response has them.
const DESCRIBED_HEADERS: [&str; 6] =
    ["accept-encoding", "cache-control", "etag", "retry-after", "set-cookie", "www-authenticate"];

pub(super) struct Document {
    pub(super) openapi: OpenApi,
    pub(super) json: Value,
}

/// A method at a path.
pub(super) struct Operation<'d> {
    pub(super) method: Method,
    pub(super) path: &'d str,
    value: &'d Value,
}

impl Document {
    pub(super) fn new(openapi: OpenApi) -> Self {
        Self { json: serde_json::to_value(&openapi).unwrap(), openapi }
    }

    pub(super) fn operations(&self) -> Vec<Operation<'_>> {
        let paths = self.json["paths"].as_object().unwrap().iter();
        let operations = paths.flat_map(|(path, item)| {
            item.as_object().unwrap().iter().map(move |(method, value)| Operation {
                method: method.to_uppercase().parse().unwrap(),
                path,
                value,
            })
        });
        operations.collect()
    }

    pub(super) fn operation(&self, method: &Method, path: &str) -> Operation<'_> {
        let operations = self.operations().into_iter();
        let mut found = operations.filter(|it| it.method == method && it.path == path);
        found.next().unwrap_or_else(|| panic!("{method} {path} is not described"))
    }

    /// Checks that `operation` describes `reply`.
    pub(super) fn check(&self, operation: &Operation<'_>, reply: &Reply) {
        let Operation { method, path, value } = operation;
        let status = reply.status.as_str();
        let response = &value["responses"][status];
        assert!(response.is_object(), "{method} {path} does not describe {reply:?}");
        assert!(response["description"].as_str().is_some_and(|it| !it.is_empty()), "{response}");
        self.check_headers(response, reply);
        let Some(content) = response["content"].as_object() else {
            assert_eq!(reply.body, "", "{method} {path} describes no body for {status}");
            return;
        };
        let [media_type] = reply.header("content-type")[..] else { panic!("{reply:?}") };
        let Some(content) = content.get(media_type) else { panic!("{method} {path}: {reply:?}") };
        if !content["schema"].is_null() {
            self.check_value(&content["schema"], &reply.json());
        }
        for (name, example) in content["examples"].as_object().into_iter().flatten() {
            assert!(!name.is_empty());
            self.check_value(&content["schema"], &example["value"]);
        }
    }

    fn check_headers(&self, response: &Value, reply: &Reply) {
        for name in DESCRIBED_HEADERS {
            let described = response["headers"].get(name);
            let values = reply.header(name);
            assert!(described.is_some() || values.is_empty(), "`{name}` of {reply:?}");
            let Some(described) = described else { continue };
            for value in &values {
                let number = value.parse::<u64>().map(Value::from);
                let value = number.unwrap_or_else(|_| json!(value));
                self.check_value(&described["schema"], &value);
            }
            // The others are on some responses with this status.
            let is_constant = match name {
                "cache-control" | "etag" | "retry-after" => true,
                "www-authenticate" => reply.status == 401,
                "set-cookie" => reply.status == 200 && reply.body.contains("\"user\":{"),
                _ => false,
            };
            assert!(!is_constant || !values.is_empty(), "{reply:?} has no `{name}`");
        }
    }

    /// Checks that `value` matches `schema` and has no other members than it lists.
    fn check_value(&self, schema: &Value, value: &Value) {
        let mut root = json!({ "allOf": [schema] });
        root["components"] = self.json["components"].clone();
        let validator = jsonschema::validator_for(&root).unwrap();
        let errors: Vec<_> = validator.iter_errors(value).map(|it| it.to_string()).collect();
        assert!(errors.is_empty(), "{value}: {errors:?}");
        self.check_members(schema, value);
    }

    fn check_members(&self, schema: &Value, value: &Value) {
        match value {
            Value::Object(members) => {
                let schemas = self.flattened(schema);
                let is_open = schemas.iter().any(|it| it["additionalProperties"] == true);
                for (name, member) in members {
                    let listed = schemas.iter().filter_map(|it| it["properties"].get(name));
                    let listed: Vec<_> = listed.chain(of_any_name(&schemas)).collect();
                    assert!(is_open || !listed.is_empty(), "`{name}` is not described: {value}");
                    listed.iter().for_each(|schema| self.check_members(schema, member));
                }
            }
            Value::Array(items) => {
                items.iter().for_each(|item| self.check_members(&schema["items"], item));
            }
            _ => {}
        }
    }

    /// The parts of `schema` that apply to an object.
    fn flattened<'d>(&'d self, schema: &'d Value) -> Vec<&'d Value> {
        if let Some(name) = schema["$ref"].as_str() {
            let pointer = name.strip_prefix('#').unwrap();
            return self.flattened(self.json.pointer(pointer).unwrap());
        }
        let parts = schema["allOf"].as_array().into_iter().flatten();
        parts.flat_map(|part| self.flattened(part)).chain([schema]).collect()
    }
}

/// The schemas of members with names that are not known.
fn of_any_name<'d>(schemas: &[&'d Value]) -> impl Iterator<Item = &'d Value> + use<'d> {
    let schemas: Vec<_> = schemas.iter().map(|schema| &schema["additionalProperties"]).collect();
    schemas.into_iter().filter(|schema| schema.is_object())
}

impl Operation<'_> {
    /// The status and the code of each error that is described.
    pub(super) fn errors(&self) -> Vec<(u16, String)> {
        let responses = self.value["responses"].as_object().unwrap().iter();
        let errors = responses.flat_map(|(status, response)| {
            let content = &response["content"]["application/json"];
            let parts = content["schema"]["allOf"].as_array().into_iter().flatten();
            let members = parts.filter_map(|part| part["properties"].as_object());
            let codes =
                members.flat_map(Map::values).filter_map(|member| member["enum"].as_array());
            let codes: Vec<_> = codes.flatten().map(|code| code.as_str().unwrap()).collect();
            assert_eq!(
                codes.is_empty(),
                status.starts_with(['2', '3']) || content.is_null(),
                "{status}: {response}"
            );
            codes.into_iter().map(|code| (status.parse().unwrap(), code.to_owned()))
        });
        errors.collect()
    }

    /// The names of the security schemes, each of which is enough. An empty name is for none.
    pub(super) fn security(&self) -> Vec<String> {
        let requirements = self.value["security"].as_array().unwrap().iter();
        let names = requirements.map(|requirement| {
            let names = requirement.as_object().unwrap().keys();
            names.cloned().collect::<Vec<_>>().join("+")
        });
        names.collect()
    }

    /// The members of the request's body.
    pub(super) fn fields(&self) -> Vec<&String> {
        let content = self.value["requestBody"]["content"].as_object();
        let schemas = content.into_iter().flat_map(Map::values).map(|it| &it["schema"]);
        schemas.filter_map(|it| it["properties"].as_object()).flat_map(Map::keys).collect()
    }
}
