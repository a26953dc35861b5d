mod connections;
mod cooling_off;
mod methods;
mod sealing;
mod webhook_doors;
