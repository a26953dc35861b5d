//! One sequence as it is played: what each delivery must come to, held against what it came to.

use std::{collections::BTreeMap, fmt, future::Future, pin::pin, sync::Arc, task::Poll};

use chrono::TimeDelta;

use super::{
    check::Seen,
    deliver::Answer,
    draw::{Delivery, Sequence},
    model::Model,
    operations::{Command, Op},
    world::{Stage, World},
};
use crate::support::app::TestApp;

/// Numbers what is delivered beside a step; a sequence has fewer steps.
const COMPANIONS: usize = 1_000;

/// Polls a future as long as it has not waited so often, then lets it fall, as a process does that dies.
async fn interrupted<F: Future>(future: F, patience: u8) -> Option<F::Output> {
    let mut future = pin!(future);
    let mut waited = 0;
    std::future::poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if waited == patience => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

/// What has happened how often, by names: a test that nothing happens in proves nothing.
#[derive(Debug, Default)]
pub struct Tally(BTreeMap<String, usize>);

impl Tally {
    fn count(&mut self, what: impl Into<String>) {
        *self.0.entry(what.into()).or_default() += 1;
    }

    pub fn add(&mut self, other: Self) {
        for (what, times) in other.0 {
            *self.0.entry(what).or_default() += times;
        }
    }

    pub fn of(&self, what: &str) -> usize {
        self.0.get(what).copied().unwrap_or(0)
    }
}

/// A command, and its number in the sequence, which is its key.
#[derive(Clone, Copy)]
struct Numbered {
    number: usize,
    command: Command,
}

impl fmt::Display for Numbered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {:?}", self.number, self.command)
    }
}

/// What must be answered.
#[derive(Clone, Copy)]
enum Wanted {
    Done,
    Replayed,
    /// For this.
    Refused(&'static str),
}

impl Wanted {
    fn text(self) -> &'static str {
        match self {
            Self::Done => "done",
            Self::Replayed => "replayed",
            Self::Refused(_) => "refused",
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Refused(why) => write!(f, "refused, {why}"),
            _ => f.write_str(self.text()),
        }
    }
}

/// What everything that was delivered must have come to.
#[derive(Clone)]
struct Expected {
    model: Model,
    /// By their numbers, and whether each was done.
    delivered: BTreeMap<usize, (Command, bool)>,
}

impl Expected {
    /// What one more delivery must come to; the model has gone with it.
    fn deliver(&mut self, Numbered { number, command }: Numbered) -> Wanted {
        let (_, was_done) = *self.delivered.entry(number).or_insert((command, false));
        if was_done && command.is_keyed() {
            return Wanted::Replayed;
        }
        match self.model.apply(&command) {
            Ok(()) => {
                self.delivered.insert(number, (command, true));
                Wanted::Done
            }
            Err(why) => Wanted::Refused(why),
        }
    }
}

/// Where a sequence is.
#[derive(Clone)]
struct Position {
    world: World,
    expected: Expected,
    seen: Seen,
}

impl Position {
    /// Goes on with what was delivered and answered; `has_died` when it had been delivered before, to one that died.
    fn go_on(&mut self, delivered: Numbered, answer: &Answer, has_died: bool) -> Result<Wanted, String> {
        let wanted = self.expected.deliver(delivered);
        match (wanted, answer) {
            (Wanted::Done, Answer::Done(made)) => self.world.keep(delivered.number, &delivered.command, *made),
            // It had died after it was done.
            (Wanted::Done, Answer::Replayed(made)) if has_died => {
                self.world.keep(delivered.number, &delivered.command, *made);
            }
            (Wanted::Done, Answer::Refused(_)) if has_died && !delivered.command.is_keyed() => {}
            (Wanted::Replayed, Answer::Replayed(_)) | (Wanted::Refused(_), Answer::Refused(_)) => {}
            _ => return Err(format!("{delivered}: wanted {wanted}, answered {answer}")),
        }
        Ok(wanted)
    }

    /// What was posted since the last look.
    async fn check(&mut self) -> Result<Vec<String>, String> {
        self.seen.check(&self.world, &self.expected.model).await
    }
}

struct Play {
    at: Position,
    story: Vec<String>,
    tally: Tally,
}

impl Play {
    fn tell(&mut self, what: impl Into<String>) {
        self.story.push(what.into());
    }

    async fn answer(&self, delivered: Numbered) -> Result<Answer, String> {
        let answer = self.at.world.deliver(&delivered.command, delivered.number).await;
        answer.map_err(|fault| format!("{delivered}: a fault: {fault}"))
    }

    fn count(&mut self, wanted: impl IntoIterator<Item = Wanted>, causes: Vec<String>) {
        wanted.into_iter().for_each(|wanted| self.tally.count(wanted.text()));
        causes.into_iter().for_each(|cause| self.tally.count(cause));
    }

    async fn deliver(&mut self, delivered: Numbered, patience: Option<u8>) -> Result<(), String> {
        self.tell(delivered.to_string());
        let mut first = None;
        if let Some(patience) = patience {
            first = interrupted(self.answer(delivered), patience).await;
            if first.is_none() {
                self.tell(format!("    again after it had died at its {patience}th wait"));
            }
        }
        let has_died = first.is_none() && patience.is_some();
        let answer = match first {
            Some(answer) => answer?,
            None => self.answer(delivered).await?,
        };
        let wanted = self.at.go_on(delivered, &answer, has_died)?;
        self.tell(format!("    {wanted}"));
        if has_died {
            let was_done = matches!((wanted, &answer), (Wanted::Done, Answer::Replayed(_)));
            self.tally
                .count(if was_done { "died when it was done" } else { "died" });
        }
        let causes = self.at.check().await?;
        self.count([wanted], causes);
        Ok(())
    }

    /// Delivers two at once: one of them was first, and everything is as if the other had waited for it.
    async fn deliver_at_once(&mut self, one: Numbered, other: Numbered) -> Result<(), String> {
        self.tell(format!("{one}\n    and at once {other}"));
        let (answer, other_answer) = tokio::join!(self.answer(one), self.answer(other));
        let (one, other) = ((one, &answer?), (other, &other_answer?));
        let mut wrong = Vec::new();
        for [first, second] in [[one, other], [other, one]] {
            match self.in_this_order(first, second).await {
                Ok((at, wanted, causes)) => {
                    self.tell(format!(
                        "    {} was first, {}; then {}",
                        first.0.number, wanted[0], wanted[1]
                    ));
                    self.at = at;
                    self.tally.count("two at once");
                    self.count(wanted, causes);
                    return Ok(());
                }
                Err(why) => wrong.push(format!("were {} first: {why}", first.0.number)),
            }
        }
        Err(wrong.join("\n"))
    }

    /// Where the sequence is if these two came one after the other.
    async fn in_this_order(
        &self,
        first: (Numbered, &Answer),
        second: (Numbered, &Answer),
    ) -> Result<(Position, [Wanted; 2], Vec<String>), String> {
        let mut at = self.at.clone();
        let wanted = [at.go_on(first.0, first.1, false)?, at.go_on(second.0, second.1, false)?];
        let causes = at.check().await?;
        Ok((at, wanted, causes))
    }

    /// A command of its own, or one that was delivered before.
    fn command(&self, op: Op, number: usize) -> Option<Numbered> {
        let Expected { model, delivered } = &self.at.expected;
        if let Op::Again(place) = op {
            let place = usize::from(place) % delivered.len().max(1);
            let (number, (command, _)) = delivered.iter().nth(place)?;
            return Some(Numbered {
                number: *number,
                command: *command,
            });
        }
        let command = op.resolve(model);
        Some(Numbered { number, command })
    }

    /// Time passes for everybody, so nothing happens at once with it.
    fn wait(&mut self, delivered: Numbered, days: i64) {
        self.tell(delivered.to_string());
        self.at.world.app.advance(TimeDelta::days(days));
        self.at.expected.model.day += days;
    }

    async fn step(&mut self, number: usize, op: Op, delivery: Delivery) -> Result<(), String> {
        let Some(delivered) = self.command(op, number) else {
            return Ok(());
        };
        self.tally.count("steps");
        if let Command::Wait { days } = delivered.command {
            self.wait(delivered, days);
            return Ok(());
        }
        match delivery {
            Delivery::Once => self.deliver(delivered, None).await,
            Delivery::Crash(patience) => self.deliver(delivered, Some(patience)).await,
            Delivery::Twice => {
                self.deliver(delivered, None).await?;
                self.deliver(delivered, None).await
            }
            Delivery::Doubled => self.deliver_at_once(delivered, delivered).await,
            Delivery::With(op) => match self.command(op, number + COMPANIONS) {
                Some(Numbered {
                    command: Command::Wait { .. },
                    ..
                })
                | None => self.deliver(delivered, None).await,
                Some(companion) => self.deliver_at_once(delivered, companion).await,
            },
        }
    }
}

/// Plays a sequence with people of its own; what happened in it, or what went wrong.
pub async fn play(app: &TestApp, stage: &Arc<Stage>, number: usize, sequence: &Sequence) -> Result<Tally, String> {
    // Time makes ids grow over whatever came before.
    app.advance(TimeDelta::seconds(1));
    let world = World::build(app, stage, number, sequence.is_fixed).await;
    let at = Position {
        seen: Seen::from_now(&world),
        world,
        expected: Expected {
            model: Model::new(sequence.is_fixed),
            delivered: BTreeMap::new(),
        },
    };
    let mut play = Play {
        at,
        story: Vec::new(),
        tally: Tally::default(),
    };
    for (number, step) in sequence.steps.iter().enumerate() {
        if let Err(wrong) = play.step(number, step.op, step.delivery).await {
            let program = if sequence.is_fixed { "fixed" } else { "share" };
            return Err(format!("program {program}\n{}\n{wrong}", play.story.join("\n")));
        }
    }
    Ok(play.tally)
}
