//! `/openapi.json`: what the doors take and answer, as OpenAPI 3.1. The doors are collected with their descriptions, so
//! that none can be served without one; what is the same at all of them is said here.

use utoipa::{
    OpenApi, PartialSchema, ToSchema,
    openapi::{
        self, ArrayBuilder, ComponentsBuilder, Content, Info, License, ObjectBuilder, OneOfBuilder, Ref, RefOr,
        ResponseBuilder, Schema, Server, Type,
        path::{Operation, PathItem},
        schema::AdditionalProperties,
        security::{Http, HttpAuthScheme, SecurityRequirement, SecurityScheme},
    },
};

use super::answer::ErrorAnswer;
use crate::{
    conversions::{
        body::{EventBody, PurchaseBody, RefundBody},
        service::bulk::MAX_EVENTS,
    },
    idempotency::MAX_KEY_LEN,
};

const SECRET_KEY: &str = "secretKey";
const PUBLISHABLE_KEY: &str = "publishableKey";

/// What any door may refuse: status, name, meaning.
const REFUSALS: [(&str, &str, &str); 9] = [
    (
        "400",
        "Malformed",
        "The request could not be read; `field` names what is at fault.",
    ),
    ("401", "Unauthenticated", "No key, or one that is not good (any more)."),
    ("403", "Forbidden", "The key may not do this."),
    ("404", "NotFound", "What the request speaks of is not there."),
    (
        "409",
        "Conflict",
        "Another request changed the same just now. Send it again.",
    ),
    ("413", "TooLarge", "The body is too large."),
    ("415", "NotJson", "The body is not `application/json`."),
    (
        "422",
        "Refused",
        "Understood and refused; the code says why, and nothing was recorded.",
    ),
    (
        "500",
        "Fault",
        "A fault of the server, which has logged it. Send it again under the same idempotency key.",
    ),
];

#[derive(OpenApi)]
#[openapi(components(schemas(ErrorAnswer)))]
struct Common;

/// What the collected doors are added to.
pub fn common() -> openapi::OpenApi {
    let mut api = Common::openapi();
    api.info = Info::new("Tributary tracking", env!("CARGO_PKG_VERSION"));
    api.info.description = Some(
        "Where a brand's server reports signups, leads, purchases and what becomes of them, and its pages report visits. \
         Everything else is GraphQL, at `/graphql`."
            .to_owned(),
    );
    api.info.license = Some(License::new("MIT OR Apache-2.0"));
    api.servers = Some(vec![Server::new("/")]);
    let scheme = |description: &str| {
        let mut http = Http::new(HttpAuthScheme::Bearer);
        http.description = Some(description.to_owned());
        SecurityScheme::Http(http)
    };
    let schemes = ComponentsBuilder::new()
        .security_scheme(
            SECRET_KEY,
            scheme("A brand's secret key, `trk_secret_…`. It stays on your servers."),
        )
        .security_scheme(
            PUBLISHABLE_KEY,
            scheme("A brand's publishable key, `trk_public_…`. It may stand in a page."),
        )
        .build();
    let components = api.components.get_or_insert_default();
    components.security_schemes = schemes.security_schemes;
    for (_, name, description) in REFUSALS {
        let content = Content::new(Some(Ref::from_schema_name(ErrorAnswer::name())));
        let response = ResponseBuilder::new()
            .description(description)
            .content("application/json", content);
        components.responses.insert(name.to_owned(), response.into());
    }
    api
}

/// Says of every door what all of them have in common, and prints it.
pub fn print(mut api: openapi::OpenApi) -> String {
    for operation in api.paths.paths.values_mut().filter_map(post) {
        operation
            .security
            .get_or_insert_with(|| vec![SecurityRequirement::new(SECRET_KEY, [""; 0])]);
        for (status, name, _) in REFUSALS {
            let response = Ref::from_response_name(name).into();
            operation.responses.responses.insert(status.to_owned(), response);
        }
    }
    // Texts and maps of texts: there is nothing in it that has no JSON.
    api.to_pretty_json().unwrap_or_default() + "\n"
}

fn post(item: &mut PathItem) -> Option<&mut Operation> {
    item.post.as_mut()
}

/// Many events: each is the body of its own door, with its `type` and `idempotencyKey` beside.
pub struct Events;

impl PartialSchema for Events {
    fn schema() -> RefOr<Schema> {
        let rows = OneOfBuilder::new()
            .item(row("signup", EventBody::schema()))
            .item(row("lead", EventBody::schema()))
            .item(row("purchase", PurchaseBody::schema()))
            .item(row("refund", RefundBody::schema()));
        let events = ArrayBuilder::new().items(rows).max_items(Some(MAX_EVENTS));
        ObjectBuilder::new()
            .description(Some("Up to 1,000 events. They have their effects in their order."))
            .property("events", events)
            .required("events")
            .additional_properties(Some(AdditionalProperties::FreeForm(false)))
            .into()
    }
}

impl ToSchema for Events {
    fn name() -> std::borrow::Cow<'static, str> {
        "BulkEvents".into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        EventBody::schemas(schemas);
        PurchaseBody::schemas(schemas);
        RefundBody::schemas(schemas);
    }
}

fn row(kind: &str, body: RefOr<Schema>) -> RefOr<Schema> {
    let RefOr::T(Schema::Object(mut row)) = body else {
        return body;
    };
    let text = || ObjectBuilder::new().schema_type(Type::String);
    let key = text().min_length(Some(1)).max_length(Some(MAX_KEY_LEN));
    row.properties
        .insert("type".to_owned(), text().enum_values(Some([kind])).into());
    row.properties.insert("idempotencyKey".to_owned(), key.into());
    row.required.extend(["type".to_owned(), "idempotencyKey".to_owned()]);
    RefOr::T(Schema::Object(row))
}
