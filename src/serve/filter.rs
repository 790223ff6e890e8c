//! From a URL's query to SQL.
