//! The engine in process: a real store in a folder of its own, a server in memory, a scripted person. What the tables decide
//! is tested beside them; here is what the driver makes of it.

mod doubts;
mod faults;
mod growth;
mod lab;
mod pulls;
mod runs;
