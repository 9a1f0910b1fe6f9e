//! A document of several routes.

use utoipa::openapi::{
    Components, Info, OpenApi, OpenApiBuilder, Paths, RefOr, Schema, security::SecurityScheme,
    tag::TagBuilder,
};

use super::{
    errors::{
        ERROR_SCHEMA, ErrorBodies, ErrorForm, OAUTH_ERROR_SCHEMA, error_schema, oauth_error_schema,
    },
    route::Route,
};

pub(super) struct Document {
    tag: &'static str,
    description: &'static str,
    form: ErrorForm,
    paths: Paths,
    components: Components,
}

impl Document {
    /// A document whose routes have the tag `tag`, and errors of this form.
    pub(super) fn new(tag: &'static str, description: &'static str, form: ErrorForm) -> Self {
        let (paths, components) = (Paths::new(), Components::new());
        Self { tag, description, form, paths, components }
    }

    pub(super) fn route(self, route: Route) -> Self {
        let form = self.form;
        self.route_with_errors(route, form)
    }

    /// Adds a route whose errors have another form.
    pub(super) fn route_with_errors(mut self, route: Route, form: ErrorForm) -> Self {
        self = match form.bodies {
            ErrorBodies::Default => self.schema(ERROR_SCHEMA, error_schema()),
            ErrorBodies::OAuth(_) => self.schema(OAUTH_ERROR_SCHEMA, oauth_error_schema()),
            ErrorBodies::Unknown => self,
        };
        let (path, item) = route.into_path_item(self.tag, form);
        match self.paths.paths.get_mut(&path) {
            Some(existing) => existing.merge_operations(item),
            None => drop(self.paths.paths.insert(path, item)),
        }
        self
    }

    pub(super) fn schema(mut self, name: &str, schema: impl Into<RefOr<Schema>>) -> Self {
        self.components.schemas.insert(name.to_owned(), schema.into());
        self
    }

    pub(super) fn security_schemes(
        mut self,
        schemes: impl IntoIterator<Item = (String, SecurityScheme)>,
    ) -> Self {
        self.components.add_security_schemes_from_iter(schemes);
        self
    }

    pub(super) fn into_openapi(self) -> OpenApi {
        let tag = TagBuilder::new().name(self.tag).description(Some(self.description)).build();
        OpenApiBuilder::new()
            .info(Info::new("Authentication", env!("CARGO_PKG_VERSION")))
            .paths(self.paths)
            .components(Some(self.components))
            .tags(Some([tag]))
            .build()
    }
}
