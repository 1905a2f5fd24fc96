//! stub
use super::Engine;
use super::observe::Epoch;
use super::remote::Capabilities;
use crate::error::Result;
pub const CAPABILITIES: &str = "capabilities";
pub(super) struct Door {
    pub capabilities: Capabilities,
    pub account: Option<String>,
    pub epoch: Epoch,
    pub afresh: bool,
    pub metadata: Vec<(String, String)>,
}
pub(super) fn to_text(_: &Capabilities) -> String {
    todo!()
}
impl Engine<'_> {
    pub(super) fn door(&mut self) -> Result<Door> {
        todo!()
    }
}
