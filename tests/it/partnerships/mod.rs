mod admission;
mod invitations;
mod offers;
mod questionnaires;
mod standing;
mod terms;
