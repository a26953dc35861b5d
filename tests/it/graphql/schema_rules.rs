//! The rules of the contract, checked over whatever the schema holds today.

use crate::support::schema::{Member, Schema, Type};

/// Lists of nodes that are not connections, each with its reason. May only shrink.
const PLAIN_LISTS: [(&str, &str); 17] = [
    (
        "Query.nodes",
        "answers a list of ids item by item, as the Node convention wants",
    ),
    (
        "Viewer.partners",
        "a user has at most ten, and they are read with the user's rights",
    ),
    (
        "Program.commissionRules",
        "a program has at most a hundred, and they only make sense in order and together",
    ),
    (
        "PartnerGroup.commissionRules",
        "a group has at most fifty, and they only make sense in order and together",
    ),
    (
        "SetPartnershipGroupsPayload.partnerships",
        "as many as were named, at most a hundred, and in that order",
    ),
    ("Program.referralLevels", "a program has at most ten"),
    ("CreatorProfile.channels", "a creator has at most twenty"),
    ("MarketplaceSuggestions.listings", "at most ten, for a search box"),
    ("MarketplaceSuggestions.brands", "at most ten, for a search box"),
    (
        "Conversion.commissions",
        "at most eleven on each of an order's hundred lines: one a level of the referral tree",
    ),
    (
        "PayoutBatch.files",
        "a batch has one for each format and currency at the most, and a few more when payouts were left over",
    ),
    ("Brand.payoutRails", "as many as there are providers: three"),
    ("Order.refunds", "a handful, bounded by what the order was worth"),
    ("Order.amendments", "an order takes at most a hundred"),
    ("Order.captures", "an order takes at most a hundred"),
    ("Order.chargebacks", "an order takes at most a hundred"),
    (
        "Partnership.effectiveRules",
        "at most the program's hundred, fifty of its group and twenty of its own, which only make sense in order and together",
    ),
];

/// Objects with an id that are parts of another object and are read through it, each with its reason. May only shrink.
const PARTS: [(&str, &str); 2] = [
    (
        "User",
        "people are seen as themselves or as members of a common brand, never by their id",
    ),
    (
        "ReferralLevel",
        "part of its program: levels are only ever set together, and a change makes all of them anew",
    ),
];

/// Connections that can only be read forwards, each with its reason.
const FORWARD_ONLY: [(&str, &str); 3] = [
    (
        "Query.marketplaceListings",
        "the rank of a search has no end to count back from",
    ),
    ("Query.marketplaceBrands", "as that of listings"),
    ("Query.marketplaceCreators", "as that of listings"),
];

fn is_listed(list: &[(&str, &str)], name: &str) -> bool {
    list.iter().any(|(listed, _)| *listed == name)
}

/// What a list still names though the schema no longer needs it.
fn stale(list: &[(&str, &str)], is_needed: impl Fn(&str) -> bool) -> Vec<String> {
    list.iter()
        .filter(|(name, _)| !is_needed(name))
        .map(|(name, reason)| format!("{name} ({reason})"))
        .collect()
}

fn report(rule: &str, broken: &[String]) {
    assert!(broken.is_empty(), "{rule}; broken by:\n  {}", broken.join("\n  "));
}

fn is_described(description: Option<&String>) -> bool {
    description.is_some_and(|text| !text.trim().is_empty())
}

/// Every field with its arguments and every input field of our types, with its path.
fn members(schema: &Schema) -> Vec<(String, &Member)> {
    let mut all = Vec::new();
    for of in schema.own_types() {
        for member in of.fields.iter().chain(&of.input_fields) {
            let path = format!("{}.{}", of.name, member.name);
            // A mutation's one `input` is described by its type.
            for argument in member.arguments.iter().filter(|argument| argument.name != "input") {
                all.push((format!("{path}({})", argument.name), argument));
            }
            all.push((path, member));
        }
    }
    all
}

fn mutations(schema: &Schema) -> &[Member] {
    &schema.get("Mutation").fields
}

/// Objects that have an identity of their own.
fn is_node(of: &Type) -> bool {
    of.kind == "OBJECT" && (of.implements("Node") || of.field("id").is_some_and(|id| id.type_ref.written == "ID!"))
}

#[tokio::test]
async fn everything_is_described() {
    let schema = Schema::load().await;
    let mut broken = Vec::new();
    for of in schema.own_types() {
        if !is_described(of.description.as_ref()) {
            broken.push(of.name.clone());
        }
        for value in &of.enum_values {
            if !is_described(value.description.as_ref()) {
                broken.push(format!("{}.{}", of.name, value.name));
            }
        }
    }
    for (path, member) in members(&schema) {
        if !is_described(member.description.as_ref()) {
            broken.push(path);
        }
    }
    report(
        "types, fields, arguments, input fields and enum values have a description",
        &broken,
    );
}

#[tokio::test]
async fn a_mutation_takes_one_input() {
    let schema = Schema::load().await;
    let fits = |mutation: &&Member| {
        matches!(mutation.arguments.as_slice(), [input] if input.name == "input" && input.type_ref.is_required()
            && input.type_ref.named.ends_with("Input"))
    };
    let broken: Vec<String> = mutations(&schema)
        .iter()
        .filter(|mutation| !fits(mutation))
        .map(|mutation| mutation.name.clone())
        .collect();
    report("a mutation takes exactly `input: …Input!`", &broken);
}

#[tokio::test]
async fn a_payload_is_nullable_and_says_why() {
    let schema = Schema::load().await;
    let mut broken = Vec::new();
    for mutation in mutations(&schema) {
        let payload = schema.get(&mutation.type_ref.named);
        if mutation.type_ref.is_required() {
            broken.push(format!("Mutation.{} can fail and must be nullable", mutation.name));
        }
        if !payload.name.ends_with("Payload") {
            broken.push(format!("{} is not called …Payload", payload.name));
        }
        for field in &payload.fields {
            // Whether this is a replay is known even when there is no result.
            let always_known = ["userErrors", "replayed"].contains(&field.name.as_str());
            if !always_known && field.type_ref.is_required() {
                broken.push(format!("{}.{} must be nullable", payload.name, field.name));
            }
        }
        match payload.field("userErrors") {
            None => broken.push(format!("{} has no userErrors", payload.name)),
            Some(errors) => broken.extend(broken_user_errors(&schema, payload, errors)),
        }
    }
    report("payloads have nullable results and typed `userErrors`", &broken);
}

fn broken_user_errors(schema: &Schema, payload: &Type, errors: &Member) -> Vec<String> {
    let named = &errors.type_ref.named;
    let mut broken = Vec::new();
    if errors.type_ref.written != format!("[{named}!]!") {
        broken.push(format!("{}.userErrors is {}", payload.name, errors.type_ref.written));
    }
    let error = schema.get(named);
    if !error.implements("UserError") {
        broken.push(format!("{named} does not implement UserError"));
    }
    let coded = error
        .field("code")
        .is_some_and(|code| code.type_ref.is_required() && schema.get(&code.type_ref.named).kind == "ENUM");
    if !coded {
        broken.push(format!("{named}.code is not a non-null enum"));
    }
    broken
}

#[tokio::test]
async fn a_list_of_nodes_is_a_connection() {
    let schema = Schema::load().await;
    let mut broken = Vec::new();
    for of in schema.own_types().filter(|of| !of.name.ends_with("Connection")) {
        for field in of.fields.iter().filter(|field| field.type_ref.is_list()) {
            let path = format!("{}.{}", of.name, field.name);
            let allowed = is_listed(&PLAIN_LISTS, &path);
            let target = schema.get(&field.type_ref.named);
            if (is_node(target) || target.name == "Node") && !allowed {
                broken.push(format!("{path}: {}", field.type_ref.written));
            }
        }
    }
    report(
        "lists of nodes are connections, or stand in PLAIN_LISTS with a reason",
        &broken,
    );
    report(
        "PLAIN_LISTS names only fields that exist",
        &stale(&PLAIN_LISTS, |path| schema.has_field(path)),
    );
}

#[tokio::test]
async fn connections_have_one_shape() {
    let schema = Schema::load().await;
    let mut broken = Vec::new();
    for connection in schema.own_types().filter(|of| of.name.ends_with("Connection")) {
        let stem = connection.name.trim_end_matches("Connection");
        for name in ["edges", "nodes", "pageInfo", "totalCount"] {
            if connection.field(name).is_none() {
                broken.push(format!("{} has no {name}", connection.name));
            }
        }
        let page_info = connection
            .field("pageInfo")
            .map(|field| field.type_ref.written.as_str());
        if page_info != Some("PageInfo!") {
            broken.push(format!("{}.pageInfo is {page_info:?}", connection.name));
        }
        let edge = schema.get(&format!("{stem}Edge"));
        if edge
            .field("cursor")
            .is_none_or(|cursor| cursor.type_ref.written != "String!")
            || edge.field("node").is_none()
        {
            broken.push(format!("{} needs `cursor: String!` and `node`", edge.name));
        }
    }
    for of in schema.own_types() {
        for field in of
            .fields
            .iter()
            .filter(|field| field.type_ref.named.ends_with("Connection"))
        {
            let names: Vec<&str> = field.arguments.iter().map(|argument| argument.name.as_str()).collect();
            let wanted: &[&str] = if is_listed(&FORWARD_ONLY, &format!("{}.{}", of.name, field.name)) {
                &["first", "after"]
            } else {
                &["first", "after", "last", "before"]
            };
            if !wanted.iter().all(|name| names.contains(name)) {
                broken.push(format!("{}.{} lacks paging arguments: {names:?}", of.name, field.name));
            }
        }
    }
    report(
        "FORWARD_ONLY names only fields that exist",
        &stale(&FORWARD_ONLY, |path| schema.has_field(path)),
    );
    report(
        "connections have edges, nodes, pageInfo and totalCount, and are paged both ways",
        &broken,
    );
}

/// Counts and page sizes fit 32 bits by their bounds. Everything else that is a number of ours must say so here.
const INT_NAMES: [&str; 11] = [
    "count",
    "kilometers",
    "first",
    "last",
    "number",
    "totalCount",
    "position",
    "level",
    "version",
    "quantity",
    "points",
];
const INT_ENDINGS: [&str; 10] = [
    "Count", "Day", "Days", "Hours", "Months", "Seconds", "Depth", "Limit", "Version", "Quantity",
];

#[tokio::test]
async fn numbers_survive_javascript() {
    let schema = Schema::load().await;
    let mut broken = Vec::new();
    for (path, member) in members(&schema) {
        let bounded =
            INT_NAMES.contains(&member.name.as_str()) || INT_ENDINGS.iter().any(|ending| member.name.ends_with(ending));
        match member.type_ref.named.as_str() {
            "Float" => broken.push(format!("{path} is a Float; decimals go as Decimal")),
            "Int" if !bounded => broken.push(format!("{path} is an Int; is it surely below 2³¹?")),
            _ => {}
        }
    }
    report("no Float, and Int only where 32 bits are plenty", &broken);
}

#[tokio::test]
async fn ids_are_ids() {
    let schema = Schema::load().await;
    let broken: Vec<String> = members(&schema)
        .into_iter()
        .filter(|(_, member)| member.name == "id" && member.type_ref.written != "ID!")
        .map(|(path, member)| format!("{path}: {}", member.type_ref.written))
        .collect();
    report("what is called `id` is `ID!`", &broken);
}

/// A node without the interface cannot be refetched by its id.
#[tokio::test]
async fn what_has_an_id_is_a_node() {
    let schema = Schema::load().await;
    let broken: Vec<String> = schema
        .own_types()
        .filter(|of| is_node(of) && !of.implements("Node") && !is_listed(&PARTS, &of.name))
        .map(|of| of.name.clone())
        .collect();
    report(
        "objects with `id: ID!` implement Node, or stand in PARTS with a reason",
        &broken,
    );
    let needed = |name: &str| {
        let of = schema.types.get(name);
        of.is_some_and(|of| is_node(of) && !of.implements("Node"))
    };
    report("PARTS names only types that are no nodes", &stale(&PARTS, needed));
}
