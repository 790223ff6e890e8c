//! Files as destinations: what is in them as others read it, and what readers see while they are written and killed.

mod attack;
mod reading;
