//! Answers of real APIs, in small and from memory, with what is proposed for them; and the promise, held to any answers.

mod apis;
mod bounds;
mod headers;
mod refusals;
mod support;
mod trouble;
