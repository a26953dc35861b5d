//! Reading one source file: what it names, what it calls, how long it is.

use proc_macro2::{TokenStream, TokenTree};
use syn::{
    Attribute, Block, ExprMethodCall, ImplItemFn, ItemFn, ItemMod, ItemUse, Macro, Signature, UseTree, visit::Visit,
};

/// The rooms in their order: a service names only what lies to its left.
const ROOMS: [&str; 11] = [
    "accounts",
    "brands",
    "members",
    "programs",
    "marketplace",
    "partnerships",
    "messages",
    "tracking",
    "commissions",
    "conversions",
    "payouts",
];
/// Below all rooms: what these name lies in no room. `infra` is the world outside, which every service may use.
const BASEMENT: [&str; 6] = ["ledger", "outbox", "queue", "audit", "idempotency", "infra"];
/// Above all rooms: no service knows who calls it.
const ATTIC: [&str; 6] = ["graphql", "http", "jobs", "import", "demo", "seeding"];
/// The furniture that speaks GraphQL, and may name what other rooms show of themselves.
const FACES: [&str; 5] = ["types", "queries", "mutations", "subscriptions", "loaders"];
/// Thin: parse, one service call, convert.
const RESOLVERS: [&str; 3] = ["queries", "mutations", "subscriptions"];
/// Where a program may give up: before it serves anything.
const START_UP: [&str; 1] = ["api/src/main.rs"];
/// Where the clock is read, random numbers are made and connections opened.
const WORLD: [&str; 2] = ["api/src/infra/", "api/src/ids.rs"];
const CLOCKS: [[&str; 2]; 5] = [
    ["Utc", "now"],
    ["Local", "now"],
    ["SystemTime", "now"],
    ["Uuid", "new_v4"],
    ["Uuid", "now_v7"],
];
/// Crates of random numbers, and clients that would call out.
const WORLD_CRATES: [&str; 9] = [
    "rand",
    "getrandom",
    "fastrand",
    "reqwest",
    "hyper",
    "hyper_util",
    "ureq",
    "isahc",
    "meilisearch_sdk",
];
pub const LONG_FUNCTION: usize = 70;

#[derive(Debug, PartialEq, Eq)]
pub struct Finding {
    pub file: String,
    pub line: usize,
    pub what: String,
}

/// A function longer than a page.
pub struct Long {
    pub name: String,
    pub line: usize,
    pub lines: usize,
}

pub struct Source {
    /// From the root of the repository.
    file: String,
    /// Its module within its crate.
    module: Vec<String>,
    pub findings: Vec<Finding>,
    pub long: Vec<Long>,
}

/// Everything wrong in one file.
pub fn read(file: &str, text: &str) -> Source {
    let parsed = syn::parse_file(text).unwrap_or_else(|error| panic!("{file}: {error}"));
    let inside = file.split_once("/src/").map_or(file, |(_, inside)| inside);
    let mut module: Vec<String> = inside.trim_end_matches(".rs").split('/').map(str::to_owned).collect();
    module.pop_if(|last| matches!(last.as_str(), "mod" | "lib" | "main"));
    let mut source = Source {
        file: file.to_owned(),
        module,
        findings: Vec::new(),
        long: Vec::new(),
    };
    source.visit_file(&parsed);
    source
}

impl Source {
    fn is_test(&self) -> bool {
        self.file.starts_with("tests/")
    }

    fn find(&mut self, line: usize, what: String) {
        let file = self.file.clone();
        self.findings.push(Finding { file, line, what });
    }

    /// A path as it is written, with its segments.
    fn name(&mut self, line: usize, segments: &[String]) {
        if self.is_test() {
            return;
        }
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        self.check_crates(line, &segments);
        self.check_world(line, &segments);
        if self.file.starts_with("api/") {
            let inside = self.resolve(&segments);
            self.check_layers(line, &inside);
        }
    }

    fn check_crates(&mut self, line: usize, segments: &[&str]) {
        let forbidden: &[&str] = match self.file.split('/').next() {
            Some("entity") => &["migration", "tributary"],
            Some("migration") => &["entity", "tributary"],
            Some("api")
                if self
                    .module
                    .last()
                    .is_some_and(|last| RESOLVERS.contains(&last.as_str())) =>
            {
                &["sea_orm"]
            }
            _ => &[],
        };
        if let Some(first) = segments.first().filter(|first| forbidden.contains(*first)) {
            self.find(line, format!("names the crate `{first}`"));
        }
    }

    fn check_world(&mut self, line: usize, segments: &[&str]) {
        if WORLD.iter().any(|world| self.file.starts_with(world)) {
            return;
        }
        let is_clock = CLOCKS.iter().any(|clock| segments.ends_with(clock));
        let is_client = segments.first().is_some_and(|first| WORLD_CRATES.contains(first));
        // `rand` alone may be anything; a path into it is the crate.
        if is_clock || (is_client && segments.len() > 1) {
            self.find(line, format!("asks the world itself: `{}`", segments.join("::")));
        }
    }

    /// The path within the crate; empty for a path into another one.
    fn resolve(&self, segments: &[&str]) -> Vec<String> {
        let mut inside = match segments.first() {
            Some(&"crate") => Vec::new(),
            Some(&"self" | &"super") => self.module.clone(),
            _ => return Vec::new(),
        };
        for segment in segments {
            match *segment {
                "crate" | "self" => {}
                "super" => drop(inside.pop()),
                other => inside.push(other.to_owned()),
            }
        }
        inside
    }

    fn check_layers(&mut self, line: usize, target: &[String]) {
        let (Some(here), Some(there)) = (self.module.first(), target.first()) else {
            return;
        };
        if here == there || self.module.iter().any(|part| FACES.contains(&part.as_str())) {
            return;
        }
        let rank = |room: &str| ROOMS.iter().position(|known| *known == room);
        let in_attic = ATTIC.contains(&there.as_str());
        let wrong = match rank(here) {
            Some(own) => in_attic || rank(there).is_some_and(|other| other > own),
            None => BASEMENT.contains(&here.as_str()) && (in_attic || rank(there).is_some()),
        };
        if wrong {
            self.find(line, format!("names `{}`", target.join("::")));
        }
    }

    fn panics(&mut self, line: usize, method: &str) {
        let may = self.is_test() || START_UP.contains(&self.file.as_str());
        if !may && matches!(method, "unwrap" | "expect") {
            self.find(line, format!("calls `.{method}(`"));
        }
    }

    fn measure(&mut self, signature: &Signature, body: &Block) {
        let line = signature.fn_token.span.start().line;
        let lines = body.brace_token.span.close().end().line + 1 - line;
        if lines > LONG_FUNCTION {
            let name = signature.ident.to_string();
            self.long.push(Long { name, line, lines });
        }
    }

    /// Macros are not parsed: their words are read as they stand.
    fn read_tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut joins = 0;
        let mut after_dot = false;
        for token in tokens {
            match token {
                TokenTree::Ident(ident) => {
                    let line = ident.span().start().line;
                    if after_dot {
                        self.panics(line, &ident.to_string());
                    }
                    if joins != 2 {
                        path.clear();
                    }
                    path.push(ident.to_string());
                    self.name(line, &path.clone());
                    joins = 0;
                    after_dot = false;
                }
                TokenTree::Punct(punct) => {
                    after_dot = punct.as_char() == '.';
                    joins = if punct.as_char() == ':' { joins + 1 } else { 0 };
                }
                TokenTree::Group(group) => {
                    self.read_tokens(group.stream());
                    path.clear();
                    (joins, after_dot) = (0, false);
                }
                TokenTree::Literal(_) => (joins, after_dot) = (0, false),
            }
        }
    }

    fn read_use(&mut self, tree: &UseTree, before: &mut Vec<String>) {
        match tree {
            UseTree::Path(path) => {
                before.push(path.ident.to_string());
                self.read_use(&path.tree, before);
                before.pop();
            }
            UseTree::Group(group) => group.items.iter().for_each(|item| self.read_use(item, before)),
            UseTree::Name(syn::UseName { ident }) | UseTree::Rename(syn::UseRename { ident, .. }) => {
                let line = ident.span().start().line;
                before.push(ident.to_string());
                self.name(line, &before.clone());
                before.pop();
            }
            UseTree::Glob(glob) => self.name(glob.star_token.spans[0].start().line, &before.clone()),
        }
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string() == "test",
        meta => meta.path().segments.last().is_some_and(|last| last.ident == "test"),
    })
}

impl<'ast> Visit<'ast> for Source {
    fn visit_item_mod(&mut self, item: &'ast ItemMod) {
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_fn(&mut self, item: &'ast ItemFn) {
        self.measure(&item.sig, &item.block);
        if !is_for_tests(&item.attrs) {
            syn::visit::visit_item_fn(self, item);
        }
    }

    fn visit_impl_item_fn(&mut self, item: &'ast ImplItemFn) {
        self.measure(&item.sig, &item.block);
        syn::visit::visit_impl_item_fn(self, item);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.read_use(&item.tree, &mut Vec::new());
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        if let Some(last) = path.segments.last() {
            let line = last.ident.span().start().line;
            self.name(line, &segments);
            // `Option::unwrap` handed to another function panics as well.
            if segments.len() > 1 {
                self.panics(line, &last.ident.to_string());
            }
        }
        syn::visit::visit_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        self.panics(call.method.span().start().line, &call.method.to_string());
        syn::visit::visit_expr_method_call(self, call);
    }

    fn visit_macro(&mut self, item: &'ast Macro) {
        self.visit_path(&item.path);
        self.read_tokens(item.tokens.clone());
    }
}
