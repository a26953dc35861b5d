mod standing;
mod terms;
