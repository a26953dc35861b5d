mod cost;
mod limits;
mod schema_rules;
mod sdl;
mod socket;
mod statements;
mod variables;
