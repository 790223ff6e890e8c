//! PostgreSQL as list and as destination, through the program.
//!
//! | file | asks |
//! |---|---|
//! | `social` | does the social job run from a table into a table made by hand, foreign key and serial number included? |
//! | `wide` | does the load of large values take little memory? |

mod social;
mod wide;
