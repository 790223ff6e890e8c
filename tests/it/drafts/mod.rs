//! `windrow init` with a request and a list: is what it drafts what was asked for, and does it run?

mod curl;
mod requests;
mod terminal;
