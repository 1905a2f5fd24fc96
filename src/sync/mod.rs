//! The engine: pull, push, merge, conflict, journal, report. It knows a `Remote`, the cache, a `Prompter` and a
//! `Reporter`; it knows no terminal and no HTTP.

pub mod remote;
