//! Who is credited with one event.

use chrono::{DateTime, Utc};
use entity::{
    conversion,
    conversion_touch::{self, TouchKind, TouchOutcome, TouchRejection},
    ids::{PartnershipId, PromoCodeId},
    program::{self, AttributionOrder},
};
use sea_orm::ActiveValue::Set;

use crate::{
    app::App,
    tracking::{
        rules::{self, Verdict},
        service::Found,
    },
};

/// Every touch with its verdict.
pub(super) struct Attribution {
    touches: Vec<(Found, Verdict)>,
    order: AttributionOrder,
    pub explanation: String,
}

/// Decides who is credited. Touches of another program, or outside its window, are rejected here, where the program is
/// known.
pub(super) fn attribute(
    program: Option<&program::Model>,
    mut touches: Vec<Found>,
    occurred_at: DateTime<Utc>,
) -> Attribution {
    let order = program.map_or(AttributionOrder::CodeFirst, |program| program.attribution_order);
    for touch in &mut touches {
        let candidate = &mut touch.candidate;
        if candidate.rejection.is_some() {
            continue;
        }
        if touch.program != program.map(|program| program.id) {
            candidate.rejection = Some(TouchRejection::OtherProgram);
        } else if let (TouchKind::Click, Some(at), Some(program)) = (candidate.kind, candidate.touched_at, program)
            && !rules::in_window(at, occurred_at, program.attribution_window_days)
        {
            candidate.rejection = Some(TouchRejection::OutsideWindow);
        }
    }
    let candidates: Vec<_> = touches.iter().map(|touch| touch.candidate.clone()).collect();
    let verdicts = rules::decide(&candidates, order);
    let explanation = explain(&candidates, &verdicts, order);
    Attribution {
        touches: touches.into_iter().zip(verdicts).collect(),
        order,
        explanation,
    }
}

fn explain(candidates: &[rules::Candidate], verdicts: &[Verdict], order: AttributionOrder) -> String {
    if candidates.is_empty() {
        return "Nobody is credited: the event came with no code or click, and its customer is bound to nobody"
            .to_owned();
    }
    let fates: Vec<String> = candidates
        .iter()
        .zip(verdicts)
        .map(|(candidate, verdict)| rules::explain(candidate, *verdict, order))
        .collect();
    let head = if verdicts.contains(&Verdict::Won) {
        "Credited"
    } else {
        "Nobody is credited"
    };
    format!("{head}: {}", fates.join("; "))
}

impl Attribution {
    fn won(&self) -> Option<&Found> {
        self.touches
            .iter()
            .find(|(_, verdict)| *verdict == Verdict::Won)
            .map(|(touch, _)| touch)
    }

    pub fn winner(&self) -> Option<PartnershipId> {
        self.won().and_then(|touch| touch.candidate.partnership)
    }

    pub fn method(&self) -> Option<TouchKind> {
        self.won().map(|touch| touch.candidate.kind)
    }

    pub fn winning_code(&self) -> Option<PromoCodeId> {
        self.won().and_then(|touch| touch.code)
    }

    /// The touches as they are kept beside their conversion.
    pub fn rows<'a>(
        &'a self,
        app: &'a App,
        row: &'a conversion::Model,
    ) -> impl Iterator<Item = conversion_touch::ActiveModel> + 'a {
        let now = app.clock.now();
        let touches = self.touches.iter().zip(0..);
        touches.map(move |((touch, verdict), position)| conversion_touch::ActiveModel {
            id: Set(app.ids.new_id(now)),
            conversion_id: Set(row.id),
            brand_id: Set(row.brand_id),
            position: Set(position),
            kind: Set(touch.candidate.kind),
            evidence: Set(touch.candidate.evidence.clone()),
            partnership_id: Set(touch.candidate.partnership),
            touched_at: Set(touch.candidate.touched_at),
            outcome: Set(match verdict {
                Verdict::Won => TouchOutcome::Won,
                Verdict::Outranked => TouchOutcome::Outranked,
                Verdict::Rejected(_) => TouchOutcome::Rejected,
            }),
            rejection: Set(touch.candidate.rejection),
            explanation: Set(rules::explain(&touch.candidate, *verdict, self.order)),
        })
    }
}
