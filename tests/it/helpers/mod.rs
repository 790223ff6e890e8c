//! A shard that several processes work on: its owner and helpers. No block is asked twice by two that live; what one
//! dies on another takes over; and the supervisor starts helpers where its places are idle.

mod by_hand;
mod kills;
mod site;
mod supervised;
