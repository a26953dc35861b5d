mod commission_note;
mod groups;
mod personal_terms;
