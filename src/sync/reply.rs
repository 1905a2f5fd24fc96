//! What a reply means for the operation and for the run (decision table 2.4). Pure.

use super::remote::Reply;
use crate::model::Shape;

/// What becomes of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    Done,
    Rejected,
    /// Stays sent; of a link the server's message is kept.
    Sent,
    /// As it was before the request, which was certainly not carried out.
    Before,
    /// As before, and the row is to be read again (404, 409 to an update).
    LookAgain,
}

/// What becomes of the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    GoOn,
    /// Counted: three of a kind in a row end the run (403 those of one workspace).
    Count,
    Stop,
}

pub fn reply(shape: Shape, reply: &Reply) -> (Becomes, Effect) {
    let _ = (shape, reply);
    todo!()
}
