mod click;
mod links;
mod openapi;
