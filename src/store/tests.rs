//! The store in process.
