mod invitations;
mod standing;
mod terms;
