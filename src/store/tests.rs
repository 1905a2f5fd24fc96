//! The store in process, and in processes of this test binary that die at failpoints.

mod copies;
mod home;
mod plans;
