//! Words and numbers that are the same in every run.

use crate::ids::Ids;

/// Different words in all texts.
const VOCABULARY: usize = 20_000;

pub struct Dice {
    ids: Ids,
    words: Vec<String>,
}

impl Dice {
    pub fn seeded(seed: u64) -> Self {
        let mut dice = Self {
            ids: Ids::seeded(seed),
            words: Vec::new(),
        };
        dice.words = (0..VOCABULARY).map(|_| dice.letters()).collect();
        dice
    }

    pub fn below(&self, end: usize) -> usize {
        let number = u64::from_le_bytes(self.ids.secret()) % u64::try_from(end.max(1)).unwrap_or(u64::MAX);
        usize::try_from(number).unwrap_or_default()
    }

    /// Low numbers more often than high ones: as popular things are to others.
    pub fn rather_low(&self, end: usize) -> usize {
        self.below(1 + self.below(end))
    }

    pub fn between(&self, least: u32, most: u32) -> u32 {
        let span = usize::try_from(most - least).unwrap_or_default();
        least + u32::try_from(self.below(span + 1)).unwrap_or_default()
    }

    pub fn percent(&self, of_hundred: usize) -> bool {
        self.below(100) < of_hundred
    }

    pub fn one<T: Copy>(&self, of: &[T]) -> T {
        of[self.below(of.len())]
    }

    /// Few words are frequent and most are rare, as in any language.
    pub fn text(&self, length: usize) -> String {
        let picked = (0..length).map(|_| self.words[self.rather_low(self.words.len())].as_str());
        picked.collect::<Vec<_>>().join(" ")
    }

    /// Three to ten letters, consonants and vowels in turn.
    fn letters(&self) -> String {
        let letter = |place: u32| {
            let letters: &[u8] = if place.is_multiple_of(2) {
                b"bcdfghklmnprstvw"
            } else {
                b"aeiou"
            };
            char::from(self.one(letters))
        };
        (0..self.between(3, 10)).map(letter).collect()
    }
}
