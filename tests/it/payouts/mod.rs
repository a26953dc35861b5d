mod cooling_off;
mod methods;
mod sealing;
mod statement_file;
