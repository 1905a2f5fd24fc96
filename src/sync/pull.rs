//! stub
use super::remote::*;
use super::*;
use crate::store::End;
impl Engine<'_> {
    pub(super) fn pull(
        &mut self,
        _end: &mut End,
        _summary: &mut Summary,
        _caps: &mut Capabilities,
        _epoch: observe::Epoch,
    ) -> Result<Option<Error>> {
        todo!()
    }
    pub(super) fn list_again(&mut self, _workspace: i64, _everything: bool) -> RemoteResult<()> {
        todo!()
    }
}
