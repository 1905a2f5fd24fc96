//! The store in process, and in processes of this test binary that die at failpoints.

mod copies;
mod full;
mod home;
#[cfg(feature = "failpoints")]
mod kills;
mod moving;
mod order;
mod plans;
mod shown;
mod starts;
