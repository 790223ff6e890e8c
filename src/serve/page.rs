//! How the jobs stand, for people.
