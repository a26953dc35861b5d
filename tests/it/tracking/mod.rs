mod click;
mod links;
