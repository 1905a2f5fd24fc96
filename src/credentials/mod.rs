//! Tokens: where they are kept, how they are found, and what never sees them.

pub mod secret;

pub use secret::Secret;
