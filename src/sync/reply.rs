//! What a reply means for the operation and for the run (docs/sync.md "reply"). Pure.

use super::remote::Reply;
use crate::model::Shape;

/// What becomes of the operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Becomes {
    Done,
    Rejected,
    /// Stays sent; of a link, and of a name that is taken, the server's message is kept.
    Sent,
    /// As it was before the request, which was certainly not carried out.
    Before,
    /// As before, and the row is to be read again (404, 409 to an update; 409 to a delete that tells another version).
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

/// 45 cells, one for creates of a kind whose names are `unique`, and one for deletes of a row that changed meanwhile. "As
/// before" is exact: an earlier request without an answer keeps the operation sent.
pub fn reply(shape: Shape, unique: bool, reply: &Reply) -> (Becomes, Effect) {
    match reply {
        // R1
        Reply::Done(_) => (Becomes::Done, Effect::GoOn),
        // R2
        Reply::Gone(_) => (gone(shape), Effect::GoOn),
        // R3
        Reply::Conflict { .. } if unique && shape == Shape::Create => (Becomes::Sent, Effect::GoOn),
        Reply::Conflict { current_version: Some(_), .. } if shape == Shape::Delete => {
            (Becomes::LookAgain, Effect::GoOn)
        }
        Reply::Conflict { .. } => (conflict(shape), Effect::GoOn),
        // R4
        Reply::Refused { .. } => (refused(shape), Effect::GoOn),
        // R5
        Reply::Forbidden(_) => (Becomes::Rejected, Effect::Count),
        // R6, R7, R8
        Reply::OutOfReach(_) | Reply::Limited { .. } | Reply::Unauthorized(_) => (Becomes::Before, Effect::Stop),
        // R9
        Reply::Lost { .. } => (Becomes::Sent, Effect::Count),
    }
}

fn gone(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Link => Becomes::Rejected,
        Shape::Unlink | Shape::Delete => Becomes::Done,
        Shape::Update => Becomes::LookAgain,
    }
}

/// Of a link 409 also means that it is as wanted: the links tell. So it is with a name that no second row can have.
fn conflict(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Delete => Becomes::Rejected,
        Shape::Link | Shape::Unlink => Becomes::Sent,
        Shape::Update => Becomes::LookAgain,
    }
}

fn refused(shape: Shape) -> Becomes {
    match shape {
        Shape::Create | Shape::Update | Shape::Delete => Becomes::Rejected,
        Shape::Link | Shape::Unlink => Becomes::Sent,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::Timestamp;

    /// The table of docs/sync.md "reply", a row per reply, its columns in the order of `Shape::ALL`.
    #[test]
    fn r1_to_r9_cell_by_cell() {
        use Becomes::{Before, Done, LookAgain, Rejected, Sent};
        use Effect::{Count, GoOn, Stop};
        let text = || String::from("m");
        let rows = [
            ("R1", Reply::Done(None), [Done; 5], GoOn),
            ("R2", Reply::Gone(text()), [Rejected, Rejected, Done, LookAgain, Done], GoOn),
            (
                "R3",
                Reply::Conflict { current_version: None, message: text() },
                [Rejected, Sent, Sent, LookAgain, Rejected],
                GoOn,
            ),
            ("R4", Reply::Refused { status: 422, message: text() }, [Rejected, Sent, Sent, Rejected, Rejected], GoOn),
            ("R5", Reply::Forbidden(text()), [Rejected; 5], Count),
            ("R6", Reply::OutOfReach(text()), [Before; 5], Stop),
            ("R7", Reply::Limited { until: Timestamp(0), message: text() }, [Before; 5], Stop),
            ("R8", Reply::Unauthorized(text()), [Before; 5], Stop),
            ("R9", Reply::Lost { message: text(), until: None }, [Sent; 5], Count),
        ];
        let order = [Shape::Create, Shape::Link, Shape::Unlink, Shape::Update, Shape::Delete];
        let mut cells = 0;
        for (name, given, becomes, effect) in rows {
            for (shape, becomes) in order.into_iter().zip(becomes) {
                assert_eq!(reply(shape, false, &given), (becomes, effect), "{name} {shape:?}");
                let named = if (name, shape) == ("R3", Shape::Create) { Sent } else { becomes };
                assert_eq!(reply(shape, true, &given), (named, effect), "{name} {shape:?}, unique");
                cells += 1;
            }
        }
        assert_eq!(cells, 45);
        let changed = Reply::Conflict { current_version: Some(2), message: text() };
        for (shape, becomes) in order.into_iter().zip([Rejected, Sent, Sent, LookAgain, LookAgain]) {
            assert_eq!(reply(shape, false, &changed), (becomes, GoOn), "R3 {shape:?}, another version");
        }
    }
}
