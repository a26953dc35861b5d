//! The schema as its own introspection tells it, in a form that rules can be written over.

use std::collections::BTreeMap;

use serde_json::Value;
use tributary::graphql::schema;

const INTROSPECTION: &str = "{ __schema {
    queryType { name } mutationType { name } subscriptionType { name }
    types {
        kind name description
        fields(includeDeprecated: true) {
            name description
            args { name description type { ...Ref } }
            type { ...Ref }
        }
        inputFields { name description type { ...Ref } }
        enumValues(includeDeprecated: true) { name description }
        interfaces { name }
        possibleTypes { name }
    }
} }
fragment Ref on __Type { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";

/// Types by name.
pub struct Schema {
    pub types: BTreeMap<String, Type>,
    /// Names of the root types: Query, Mutation, Subscription, as far as there are any.
    pub roots: Vec<String>,
}

pub struct Type {
    pub kind: String,
    pub name: String,
    pub description: Option<String>,
    pub fields: Vec<Member>,
    pub input_fields: Vec<Member>,
    pub enum_values: Vec<Member>,
    pub interfaces: Vec<String>,
}

/// A field, argument, input field or enum value; an enum value has no type.
pub struct Member {
    pub name: String,
    pub description: Option<String>,
    pub arguments: Vec<Member>,
    pub type_ref: TypeRef,
}

/// A type as it is written: `[User!]!` of `User`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TypeRef {
    pub written: String,
    /// What is left without lists and exclamation marks.
    pub named: String,
}

impl TypeRef {
    pub fn is_list(&self) -> bool {
        self.written.starts_with('[')
    }

    pub fn is_required(&self) -> bool {
        self.written.ends_with('!')
    }
}

impl Schema {
    pub async fn load() -> Self {
        let answer = schema::builder().finish().execute(INTROSPECTION).await;
        let answer = serde_json::to_value(answer).unwrap();
        let schema = &answer["data"]["__schema"];
        assert!(schema["types"].is_array(), "{answer:#}");
        let types = list(&schema["types"], Type::read).map(|read| (read.name.clone(), read));
        let roots = ["queryType", "mutationType", "subscriptionType"];
        Self {
            types: types.collect(),
            roots: roots.iter().filter_map(|root| text(&schema[root]["name"])).collect(),
        }
    }

    /// Types of ours: not those every GraphQL schema has.
    pub fn own_types(&self) -> impl Iterator<Item = &Type> {
        const BUILT_IN: [&str; 5] = ["Boolean", "Float", "ID", "Int", "String"];
        self.types
            .values()
            .filter(|of| !of.name.starts_with("__") && !BUILT_IN.contains(&of.name.as_str()))
    }

    pub fn get(&self, name: &str) -> &Type {
        self.types.get(name).unwrap_or_else(|| panic!("no type {name}"))
    }

    /// Whether `Type.field` exists.
    pub fn has_field(&self, path: &str) -> bool {
        let (of, field) = path.split_once('.').unwrap();
        self.types.get(of).is_some_and(|of| of.field(field).is_some())
    }
}

impl Type {
    fn read(value: &Value) -> Self {
        Self {
            kind: text(&value["kind"]).unwrap(),
            name: text(&value["name"]).unwrap(),
            description: text(&value["description"]),
            fields: list(&value["fields"], Member::read).collect(),
            input_fields: list(&value["inputFields"], Member::read).collect(),
            enum_values: list(&value["enumValues"], Member::read).collect(),
            interfaces: list(&value["interfaces"], |of| text(&of["name"]).unwrap()).collect(),
        }
    }

    pub fn field(&self, name: &str) -> Option<&Member> {
        self.fields.iter().find(|field| field.name == name)
    }

    pub fn implements(&self, interface: &str) -> bool {
        self.interfaces.iter().any(|of| of == interface)
    }
}

impl Member {
    fn read(value: &Value) -> Self {
        Self {
            name: text(&value["name"]).unwrap(),
            description: text(&value["description"]),
            arguments: list(&value["args"], Self::read).collect(),
            type_ref: type_ref(&value["type"]),
        }
    }
}

fn type_ref(value: &Value) -> TypeRef {
    let inner = || type_ref(&value["ofType"]);
    match value["kind"].as_str() {
        Some("NON_NULL") => {
            let TypeRef { written, named } = inner();
            TypeRef {
                written: format!("{written}!"),
                named,
            }
        }
        Some("LIST") => {
            let TypeRef { written, named } = inner();
            TypeRef {
                written: format!("[{written}]"),
                named,
            }
        }
        _ => {
            let name = text(&value["name"]).unwrap_or_default();
            TypeRef {
                written: name.clone(),
                named: name,
            }
        }
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned)
}

fn list<'a, T>(value: &'a Value, read: impl Fn(&'a Value) -> T + 'a) -> impl Iterator<Item = T> + 'a {
    value.as_array().into_iter().flatten().map(read)
}
