//! What others install: the wheel, and what `make install` puts into a folder.
//!
//! `WINDROW_WHEEL` names the wheel that `make wheel` made; without it one is put together of the program under test.

mod prefix;
mod wheel;
