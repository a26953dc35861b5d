//! What an import of programs prints: counts, refused lines by reason, and every refused line.

use std::{collections::BTreeMap, fmt::Write};

use super::program_file::{Reason, Refused};

/// Examples shown of each kind of refused line.
const EXAMPLES: usize = 3;

/// What became of the lines.
#[derive(Default)]
pub struct Tally {
    pub imported: u64,
    /// Of the imported: those with a note in place of a rule.
    pub on_request: u64,
    /// Begun by an earlier run that did not come to its end.
    pub completed: u64,
    pub already_there: u64,
    refused: BTreeMap<Reason, (u64, Vec<String>)>,
    lines: Vec<String>,
}

/// The table, and one line for each refused one.
pub struct Report {
    pub table: String,
    pub refused: Vec<String>,
}

impl Tally {
    pub fn refuse(&mut self, number: u64, refused: &Refused) {
        let Refused { reason, found } = refused;
        self.lines.push(format!(
            "line {number}: {}: {} (found `{found}`)",
            reason.code(),
            reason.meaning()
        ));
        let (count, examples) = self.refused.entry(*reason).or_default();
        *count += 1;
        if examples.len() < EXAMPLES {
            examples.push(format!("line {number} `{found}`"));
        }
    }

    #[must_use]
    pub fn report(self) -> Report {
        let refused: u64 = self.refused.values().map(|(count, _)| count).sum();
        let mut table = String::new();
        for (name, count) in [
            ("Imported", self.imported),
            ("  with a note, no rule", self.on_request),
            ("Completed", self.completed),
            ("Already there", self.already_there),
            ("Refused", refused),
        ] {
            let _ = writeln!(table, "{name:<32}{count:>8}");
        }
        for (reason, (count, examples)) in &self.refused {
            let _ = writeln!(
                table,
                "  {:<30}{count:>8}   {}; e.g. {}",
                reason.code(),
                reason.meaning(),
                examples.join(", ")
            );
        }
        Report {
            table,
            refused: self.lines,
        }
    }
}
