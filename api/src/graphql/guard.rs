//! What a document must pass before anything walks it: bounded text, bounded nesting, bounded size after its fragments
//! are expanded.
//!
//! Fragments that spread each other twice double with every step, and the library's own limits walk the expansion: a
//! document of one kilobyte would keep them busy for hours. The check here visits every selection once and remembers
//! what each fragment expands to, so its cost is that of the text.

use std::collections::HashMap;

use async_graphql::{
    Name, Positioned, Request, ServerError, Value, Variables,
    parser::{
        self, parse_query,
        types::{
            DocumentOperations, ExecutableDocument, FragmentDefinition, OperationDefinition, OperationType, Selection,
            SelectionSet,
        },
    },
};

/// Tokens of one document.
const MAX_TOKENS: usize = 10_000;
/// Brackets of any kind inside each other. The parser descends once a bracket; more would cost its stack.
const MAX_NESTING: usize = 40;
/// Fields, spreads and inline fragments of all operations together, with every fragment expanded.
const MAX_SELECTIONS: usize = 2_000;
/// Fields inside each other, with every fragment expanded.
const MAX_EXPANDED_DEPTH: usize = 20;
/// Longest message about a document, in characters: it may quote what it is about.
const MAX_MESSAGE_CHARS: usize = 300;

/// What the document asks for, as far as the door must know it.
pub struct Checked {
    pub operation: OperationType,
    /// Asks about the schema itself.
    pub introspects: bool,
}

/// Checks the request's document and leaves it parsed in the request.
pub fn check(request: &mut Request) -> Result<Checked, ServerError> {
    check_text(&request.query)?;
    let document = parse_query(&request.query).map_err(parse_failed)?;
    let introspects = check_size(&document)?;
    let operation = choose(&document.operations, request.operation_name.as_deref())?;
    check_roots(operation, &document.fragments)?;
    check_variables(operation, &request.variables)?;
    check_texts(request)?;
    for name in omitted_page_sizes(operation, &document.fragments, &request.variables) {
        request.variables.insert(name, Value::Null);
    }
    let operation = operation.ty;
    request.set_parsed_query(document);
    Ok(Checked { operation, introspects })
}

/// An error with its code.
#[must_use]
pub fn refuse(code: &str, message: impl Into<String>) -> ServerError {
    let mut error = ServerError::new(message, None);
    set_code(&mut error, code);
    error
}

/// Gives an error its code, unless it has one.
pub fn set_code(error: &mut ServerError, code: &str) {
    let extensions = error.extensions.get_or_insert_default();
    if extensions.get("code").is_none() {
        extensions.set("code", code);
    }
    if error.message.chars().count() > MAX_MESSAGE_CHARS {
        error.message = error.message.chars().take(MAX_MESSAGE_CHARS).chain(['…']).collect();
    }
}

fn too_complex(message: String) -> ServerError {
    refuse("QUERY_TOO_COMPLEX", message)
}

fn parse_failed(error: parser::Error) -> ServerError {
    let mut failed = ServerError::from(error);
    // A syntax error comes drawn with the source line; clients have the location, so only its last line is kept.
    if let Some((_, expected)) = failed.message.rsplit_once("= ") {
        failed.message = format!("syntax error: {expected}");
    }
    set_code(&mut failed, "GRAPHQL_PARSE_FAILED");
    failed
}

/// Counts tokens and brackets without parsing. Whatever is not a token at all is left to the parser.
fn check_text(text: &str) -> Result<(), ServerError> {
    let bytes = text.as_bytes();
    let (mut at, mut tokens, mut nesting) = (0_usize, 0_usize, 0_usize);
    while let Some(&byte) = bytes.get(at) {
        let length = match byte {
            b' ' | b'\t' | b'\r' | b'\n' | b',' => {
                at += 1;
                continue;
            }
            b'#' => {
                at += run(&bytes[at..], |byte| byte != b'\n' && byte != b'\r');
                continue;
            }
            b'"' => string_len(&bytes[at..]),
            b'_' | b'-' | b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' => {
                1 + run(&bytes[at + 1..], |byte| byte == b'_' || byte.is_ascii_alphanumeric())
            }
            b'{' | b'[' | b'(' => {
                nesting += 1;
                if nesting > MAX_NESTING {
                    return Err(too_complex(format!(
                        "a document has at most {MAX_NESTING} brackets inside each other"
                    )));
                }
                1
            }
            b'}' | b']' | b')' => {
                nesting = nesting.saturating_sub(1);
                1
            }
            _ => 1,
        };
        at += length;
        tokens += 1;
        if tokens > MAX_TOKENS {
            return Err(too_complex(format!("a document has at most {MAX_TOKENS} tokens")));
        }
    }
    Ok(())
}

fn run(bytes: &[u8], belongs: impl Fn(u8) -> bool) -> usize {
    bytes.iter().take_while(|byte| belongs(**byte)).count()
}

/// Length of the string literal that begins here, up to the end of the text when it is not closed.
fn string_len(bytes: &[u8]) -> usize {
    const BLOCK: &[u8] = b"\"\"\"";
    if bytes.starts_with(BLOCK) {
        let mut at = BLOCK.len();
        while at < bytes.len() {
            if bytes[at..].starts_with(b"\\\"\"\"") {
                at += 1 + BLOCK.len();
            } else if bytes[at..].starts_with(BLOCK) {
                return at + BLOCK.len();
            } else {
                at += 1;
            }
        }
        return bytes.len();
    }
    let mut at = 1;
    while let Some(byte) = bytes.get(at) {
        match byte {
            b'\\' => at += 2,
            b'"' => return at + 1,
            // A plain string ends with its line; the parser says so.
            b'\n' | b'\r' => return at,
            _ => at += 1,
        }
    }
    bytes.len()
}

/// What a selection set expands to.
#[derive(Clone, Copy, Default)]
struct Size {
    selections: usize,
    depth: usize,
    introspects: bool,
}

/// A fragment while and after it is measured.
#[derive(Clone, Copy)]
enum Measured {
    Open,
    Done(Size),
}

struct Measure<'a> {
    fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
    known: HashMap<&'a str, Measured>,
}

/// Returns whether the document asks about the schema itself.
fn check_size(document: &ExecutableDocument) -> Result<bool, ServerError> {
    let mut measure = Measure {
        fragments: &document.fragments,
        known: HashMap::new(),
    };
    let mut all = Size::default();
    for (_, operation) in document.operations.iter() {
        let size = measure.set(&operation.node.selection_set.node, 0)?;
        all.selections = all.selections.saturating_add(size.selections);
        all.introspects |= size.introspects;
        check_limits(all.selections, size.depth)?;
    }
    // Fragments nobody spreads are walked by the validation too.
    for name in document.fragments.keys() {
        let size = measure.fragment(name, 0)?;
        check_limits(size.selections, size.depth)?;
    }
    Ok(all.introspects)
}

fn check_limits(selections: usize, depth: usize) -> Result<(), ServerError> {
    if selections > MAX_SELECTIONS {
        return Err(too_complex(format!(
            "a document has at most {MAX_SELECTIONS} selections after its fragments are expanded"
        )));
    }
    if depth > MAX_EXPANDED_DEPTH {
        return Err(too_complex(format!(
            "fields nest at most {MAX_EXPANDED_DEPTH} deep after fragments are expanded"
        )));
    }
    Ok(())
}

impl<'a> Measure<'a> {
    /// `chain` counts the fragments being measured inside each other: it bounds the recursion, which the text's nesting
    /// alone does not, since every fragment starts again at the top.
    fn set(&mut self, set: &'a SelectionSet, chain: usize) -> Result<Size, ServerError> {
        let mut size = Size::default();
        for selection in &set.items {
            let inner = match &selection.node {
                Selection::Field(field) => {
                    let inner = self.set(&field.node.selection_set.node, chain)?;
                    Size {
                        depth: inner.depth + 1,
                        introspects: inner.introspects
                            || matches!(field.node.name.node.as_str(), "__schema" | "__type"),
                        ..inner
                    }
                }
                Selection::InlineFragment(fragment) => self.set(&fragment.node.selection_set.node, chain)?,
                Selection::FragmentSpread(spread) => self.fragment(&spread.node.fragment_name.node, chain)?,
            };
            size.selections = size.selections.saturating_add(inner.selections).saturating_add(1);
            size.depth = size.depth.max(inner.depth);
            size.introspects |= inner.introspects;
        }
        Ok(size)
    }

    fn fragment(&mut self, name: &Name, chain: usize) -> Result<Size, ServerError> {
        // A spread of nothing is the validation's to report.
        let Some((name, fragment)) = self.fragments.get_key_value(name) else {
            return Ok(Size::default());
        };
        match self.known.get(name.as_str()) {
            Some(Measured::Done(size)) => return Ok(*size),
            Some(Measured::Open) => {
                return Err(too_complex(format!("fragment `{name}` spreads itself")));
            }
            None => {}
        }
        if chain >= MAX_NESTING {
            return Err(too_complex(format!(
                "fragments spread each other at most {MAX_NESTING} deep"
            )));
        }
        self.known.insert(name.as_str(), Measured::Open);
        let size = self.set(&fragment.node.selection_set.node, chain + 1)?;
        self.known.insert(name.as_str(), Measured::Done(size));
        Ok(size)
    }
}

/// The operation that would be executed.
fn choose<'a>(operations: &'a DocumentOperations, name: Option<&str>) -> Result<&'a OperationDefinition, ServerError> {
    let found = match (operations, name) {
        (DocumentOperations::Single(operation), None) => Some(operation),
        (DocumentOperations::Multiple(operations), Some(name)) => operations.get(name),
        (DocumentOperations::Multiple(operations), None) if operations.len() == 1 => operations.values().next(),
        (DocumentOperations::Multiple(_), None) => {
            return Err(refuse(
                "BAD_USER_INPUT",
                "the document has several operations: say which with `operationName`",
            ));
        }
        (DocumentOperations::Single(_), Some(_)) => None,
    };
    found
        .map(|operation| &operation.node)
        .ok_or_else(|| refuse("BAD_USER_INPUT", "the document has no operation of this name"))
}

/// A subscription has one root field, which is an event source: several would be several streams under one name.
fn check_roots(
    operation: &OperationDefinition,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
) -> Result<(), ServerError> {
    fn roots<'a>(
        set: &'a SelectionSet,
        fragments: &'a HashMap<Name, Positioned<FragmentDefinition>>,
        found: &mut Vec<(&'a str, &'a str)>,
    ) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    found.push((&field.node.response_key().node, &field.node.name.node));
                }
                Selection::InlineFragment(inline) => roots(&inline.node.selection_set.node, fragments, found),
                Selection::FragmentSpread(spread) => {
                    if let Some(fragment) = fragments.get(&spread.node.fragment_name.node) {
                        roots(&fragment.node.selection_set.node, fragments, found);
                    }
                }
            }
        }
    }

    if operation.ty != OperationType::Subscription {
        return Ok(());
    }
    // The document's size is known to be bounded by now, and so is this walk.
    let mut found = Vec::new();
    roots(&operation.selection_set.node, fragments, &mut found);
    found.sort_unstable();
    found.dedup_by_key(|(key, _)| *key);
    match found.as_slice() {
        [(_, name)] if !name.starts_with("__") => Ok(()),
        _ => Err(refuse(
            "GRAPHQL_VALIDATION_FAILED",
            "a subscription has exactly one root field, and not an introspection field",
        )),
    }
}

/// Variables of page sizes that are left out, as most clients do with what has no value. An argument whose variable is
/// left out counts as absent; the library's complexity calls it undefined instead, and refuses the request.
fn omitted_page_sizes(
    operation: &OperationDefinition,
    fragments: &HashMap<Name, Positioned<FragmentDefinition>>,
    variables: &Variables,
) -> Vec<Name> {
    fn collect(set: &SelectionSet, names: &mut Vec<String>) {
        for selection in &set.items {
            match &selection.node {
                Selection::Field(field) => {
                    for (argument, value) in &field.node.arguments {
                        // A variable is written with a dollar, and nothing else begins with one.
                        if matches!(argument.node.as_str(), "first" | "last")
                            && let Some(name) = value.node.to_string().strip_prefix('$')
                        {
                            names.push(name.to_owned());
                        }
                    }
                    collect(&field.node.selection_set.node, names);
                }
                Selection::InlineFragment(fragment) => collect(&fragment.node.selection_set.node, names),
                Selection::FragmentSpread(_) => {}
            }
        }
    }
    let mut sizes = Vec::new();
    collect(&operation.selection_set.node, &mut sizes);
    for fragment in fragments.values() {
        collect(&fragment.node.selection_set.node, &mut sizes);
    }
    let definitions = operation.variable_definitions.iter().map(|variable| &variable.node);
    definitions
        .filter(|variable| variable.var_type.node.nullable && variable.default_value.is_none())
        .map(|variable| &variable.name.node)
        .filter(|name| !variables.contains_key(name.as_str()) && sizes.iter().any(|size| size == name.as_str()))
        .cloned()
        .collect()
}

/// No text may hold a NUL: PostgreSQL cannot store one, and nobody types one.
fn check_texts(request: &Request) -> Result<(), ServerError> {
    fn has_nul(value: &Value) -> bool {
        match value {
            Value::String(text) => text.contains('\0'),
            Value::List(values) => values.iter().any(has_nul),
            Value::Object(fields) => fields.values().any(has_nul),
            _ => false,
        }
    }
    if request.query.contains("\\u0000") || request.query.contains('\0') || request.variables.values().any(has_nul) {
        return Err(refuse("BAD_USER_INPUT", "a text contains the NUL character"));
    }
    Ok(())
}

/// A variable that must have a value and has none is the request's fault, before any field is resolved.
fn check_variables(operation: &OperationDefinition, variables: &Variables) -> Result<(), ServerError> {
    for variable in &operation.variable_definitions {
        let name = &variable.node.name.node;
        let required = !variable.node.var_type.node.nullable && variable.node.default_value.is_none();
        let missing = match variables.get(name) {
            None => required,
            Some(value) => *value == async_graphql::Value::Null && !variable.node.var_type.node.nullable,
        };
        if missing {
            let mut error = refuse(
                "BAD_USER_INPUT",
                format!(
                    "variable `${name}` of type `{}` needs a value",
                    variable.node.var_type.node
                ),
            );
            error.locations.push(variable.pos);
            return Err(error);
        }
    }
    Ok(())
}

/// Fields of a result: what the execution really had to answer.
#[must_use]
pub fn count_fields(value: &Value) -> u64 {
    match value {
        Value::Object(fields) => fields.values().map(|value| 1 + count_fields(value)).sum(),
        Value::List(items) => items.iter().map(count_fields).sum(),
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn code_of(query: &str) -> String {
        match check(&mut Request::new(query)) {
            Ok(_) => String::new(),
            Err(error) => match error.extensions.and_then(|extensions| extensions.get("code").cloned()) {
                Some(Value::String(code)) => code,
                other => panic!("no code: {other:?}"),
            },
        }
    }

    /// One kilobyte whose expansion has 2^30 fields.
    fn doubling_fragments() -> String {
        let mut document = String::from("{ ...f0 }");
        for step in 0..30 {
            let next = step + 1;
            document.push_str(&format!(" fragment f{step} on Query {{ ...f{next} ...f{next} }}"));
        }
        document.push_str(" fragment f30 on Query { __typename }");
        document
    }

    #[test]
    fn fragments_that_double_are_refused_at_once() {
        let document = doubling_fragments();
        assert!(document.len() < 2_048);
        let started = Instant::now();
        assert_eq!(code_of(&document), "QUERY_TOO_COMPLEX");
        assert!(started.elapsed() < Duration::from_millis(200));
    }

    #[test]
    fn doubling_fragments_that_nobody_spreads_are_refused_too() {
        let document = doubling_fragments().replacen("{ ...f0 }", "{ __typename }", 1);
        assert_eq!(code_of(&document), "QUERY_TOO_COMPLEX");
    }

    #[test]
    fn cycles_of_fragments_are_refused() {
        let document = "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a }";
        assert_eq!(code_of(document), "QUERY_TOO_COMPLEX");
        assert_eq!(code_of("{ ...a } fragment a on Query { ...a }"), "QUERY_TOO_COMPLEX");
    }

    #[test]
    fn long_chains_of_fragments_do_not_cost_the_stack() {
        let mut document = String::from("{ ...f0 }");
        for step in 0..1_000 {
            document.push_str(&format!(" fragment f{step} on Query {{ ...f{} }}", step + 1));
        }
        document.push_str(" fragment f1000 on Query { __typename }");
        assert_eq!(code_of(&document), "QUERY_TOO_COMPLEX");
    }

    #[test]
    fn nesting_is_refused_before_it_is_parsed() {
        let deep = |open: &str, close: &str| format!("{{ a(x: {}{}) }}", open.repeat(100_000), close.repeat(100_000));
        assert_eq!(code_of(&deep("[", "]")), "QUERY_TOO_COMPLEX");
        assert_eq!(code_of(&deep("{a:", "}")), "QUERY_TOO_COMPLEX");
        assert_eq!(code_of(&"{a".repeat(100_000)), "QUERY_TOO_COMPLEX");
        let fields = format!("{}a{}", "{ a ".repeat(25), "}".repeat(25));
        assert_eq!(code_of(&fields), "QUERY_TOO_COMPLEX");
    }

    #[test]
    fn brackets_in_strings_and_comments_do_not_count() {
        let brackets = "[{(".repeat(1_000);
        assert_eq!(code_of(&format!("{{ a(x: \"{brackets}\\\"\") }}")), "");
        assert_eq!(code_of(&format!("{{ a(x: \"\"\"{brackets}\\\"\"\" \"\"\") }}")), "");
        assert_eq!(code_of(&format!("{{ a }} # {brackets}\n")), "");
    }

    #[test]
    fn tokens_and_selections_are_bounded() {
        assert_eq!(code_of(&format!("{{ {} }}", "a ".repeat(1_900))), "");
        assert_eq!(code_of(&format!("{{ {} }}", "a ".repeat(2_100))), "QUERY_TOO_COMPLEX");
        let list = format!("{{ a(x: [{}]) }}", "1 ".repeat(20_000));
        assert_eq!(code_of(&list), "QUERY_TOO_COMPLEX");
    }

    #[test]
    fn broken_requests_have_their_codes() {
        assert_eq!(code_of("{"), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code_of("\"never closed"), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code_of(""), "GRAPHQL_PARSE_FAILED");
        assert_eq!(code_of("query a { a } query b { b }"), "BAD_USER_INPUT");
        assert_eq!(code_of("query a($x: ID!) { a(x: $x) }"), "BAD_USER_INPUT");
        assert_eq!(code_of("subscription { a b }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(
            code_of("subscription { ...f } fragment f on S { a ... { b } }"),
            "GRAPHQL_VALIDATION_FAILED"
        );
        assert_eq!(code_of("subscription { __typename }"), "GRAPHQL_VALIDATION_FAILED");
        assert_eq!(code_of("subscription { a { b } ...f } fragment f on S { a { c } }"), "");
    }

    #[test]
    fn introspection_is_seen_through_fragments() {
        let seen = |query: &str| check(&mut Request::new(query)).unwrap().introspects;
        assert!(seen("{ ...a } fragment a on Query { ... { __schema { __typename } } }"));
        assert!(!seen("{ __typename a }"));
    }
}
