mod change_password;
mod partners;
mod sessions;
mod sign_in;
mod sign_out;
mod sign_up;
