//! When a job is run, and its process.
