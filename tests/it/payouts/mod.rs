mod cooling_off;
mod methods;
mod sealing;
