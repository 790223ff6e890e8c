//! How the jobs stand, for Prometheus.
