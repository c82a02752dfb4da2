//! Manual pages and completions.
