mod commission_note;
mod personal_terms;
