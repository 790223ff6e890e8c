//! What can be asked for, as OpenAPI 3.1.
