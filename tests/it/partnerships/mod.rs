mod admission;
mod invitations;
mod questionnaires;
mod standing;
mod terms;
