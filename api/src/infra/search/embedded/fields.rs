//! Our fields as tantivy's.

use std::collections::HashMap;

use tantivy::{
    TantivyDocument,
    schema::{
        FAST, Field as TantivyField, INDEXED, IndexRecordOption, NumericOptions, STORED, STRING, Schema,
        TextFieldIndexing, TextOptions,
    },
    tokenizer::{Token as TantivyToken, TokenStream, Tokenizer},
};
use uuid::Uuid;

use crate::infra::search::{
    document::{Document, Value},
    schema::{Field, Index, Kind},
    words,
};

/// The name under which our way of cutting words is registered.
pub const TOKENIZER: &str = "words";

/// The halves of the id, for reading it back and for the order among equals.
pub const ID_HIGH: &str = "_id_high";
pub const ID_LOW: &str = "_id_low";

/// The fields of one index.
pub struct Fields {
    /// The id as text: what a change replaces.
    pub id: TantivyField,
    id_high: TantivyField,
    id_low: TantivyField,
    fields: HashMap<Field, TantivyField>,
    /// A point's two angles.
    points: HashMap<Field, (TantivyField, TantivyField)>,
}

/// The fast fields of a point's angles.
pub fn latitude(field: Field) -> String {
    format!("{}.latitude", field.name)
}

pub fn longitude(field: Field) -> String {
    format!("{}.longitude", field.name)
}

pub fn id_text(id: Uuid) -> String {
    id.simple().to_string()
}

impl Fields {
    pub fn of(index: Index) -> (Schema, Self) {
        let mut schema = Schema::builder();
        let number = || NumericOptions::from(INDEXED | FAST);
        let id = schema.add_text_field("_id", STRING);
        let id_high = schema.add_u64_field(ID_HIGH, FAST);
        let id_low = schema.add_u64_field(ID_LOW, FAST);
        let mut fields = HashMap::new();
        let mut points = HashMap::new();
        for field in index.fields() {
            let added = match field.kind {
                Kind::Text { .. } => {
                    let indexing = TextFieldIndexing::default()
                        .set_tokenizer(TOKENIZER)
                        .set_index_option(IndexRecordOption::WithFreqsAndPositions);
                    let options = TextOptions::from(STORED).set_indexing_options(indexing);
                    schema.add_text_field(field.name, options)
                }
                Kind::Keyword => schema.add_text_field(field.name, STRING | FAST),
                Kind::Number => schema.add_i64_field(field.name, number()),
                Kind::Flag => schema.add_bool_field(field.name, number()),
                Kind::Point => {
                    let angles = (
                        schema.add_f64_field(&latitude(*field), FAST),
                        schema.add_f64_field(&longitude(*field), FAST),
                    );
                    points.insert(*field, angles);
                    continue;
                }
            };
            fields.insert(*field, added);
        }
        let fields = Self {
            id,
            id_high,
            id_low,
            fields,
            points,
        };
        (schema.build(), fields)
    }

    /// Tantivy's field, unless the index has none of this name or it is a point.
    pub fn get(&self, field: Field) -> Option<TantivyField> {
        self.fields.get(&field).copied()
    }

    pub fn written(&self, document: &Document) -> TantivyDocument {
        let mut written = TantivyDocument::default();
        let (high, low) = document.id.as_u64_pair();
        written.add_text(self.id, id_text(document.id));
        written.add_u64(self.id_high, high);
        written.add_u64(self.id_low, low);
        for (field, value) in document.values() {
            if let (Some((latitude, longitude)), Value::Point(point)) = (self.points.get(&field), value) {
                written.add_f64(*latitude, point.latitude);
                written.add_f64(*longitude, point.longitude);
            }
            let Some(name) = self.get(field) else { continue };
            match value {
                Value::Text(text) => written.add_text(name, text),
                Value::Keywords(words) => words.iter().for_each(|word| written.add_text(name, word)),
                Value::Number(number) => written.add_i64(name, *number),
                Value::Flag(flag) => written.add_bool(name, *flag),
                Value::Point(_) => {}
            }
        }
        written
    }
}

/// Cuts words as all of search does.
#[derive(Clone, Default)]
pub struct WordTokenizer {
    tokens: Vec<words::Token>,
}

pub struct Words<'a> {
    left: std::slice::Iter<'a, words::Token>,
    token: TantivyToken,
    place: usize,
}

impl Tokenizer for WordTokenizer {
    type TokenStream<'a> = Words<'a>;

    fn token_stream<'a>(&'a mut self, text: &'a str) -> Words<'a> {
        self.tokens = words::tokens(text);
        Words {
            left: self.tokens.iter(),
            token: TantivyToken::default(),
            place: 0,
        }
    }
}

impl TokenStream for Words<'_> {
    fn advance(&mut self) -> bool {
        let Some(word) = self.left.next() else { return false };
        self.token.offset_from = word.from;
        self.token.offset_to = word.to;
        self.token.position = self.place;
        self.token.text.clone_from(&word.word);
        self.place += 1;
        true
    }

    fn token(&self) -> &TantivyToken {
        &self.token
    }

    fn token_mut(&mut self) -> &mut TantivyToken {
        &mut self.token
    }
}
