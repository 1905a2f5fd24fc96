//! Ends a run early: a few failures of one kind in a row say that going on is pointless.

use super::remote::Reply;
use std::collections::BTreeSet;

/// So many failures of one kind in a row end the run.
const IN_A_ROW: u32 = 3;

/// What the last replies had in common.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Failure {
    Lost,
    /// 403s of one workspace.
    Forbidden(i64),
}

#[derive(Debug, Default)]
pub(super) struct Breaker {
    last: Option<(Failure, u32)>,
    /// The operation that the last reply was about: its repeats count once.
    operation: usize,
    /// Workspaces that this account may not write to.
    left_out: BTreeSet<i64>,
}

impl Breaker {
    /// Counts a reply to an operation. True: stop the run.
    pub(super) fn count(&mut self, operation: usize, workspace_id: i64, reply: &Reply) -> bool {
        let failure = match reply {
            Reply::Lost { .. } => Failure::Lost,
            Reply::Forbidden(_) => Failure::Forbidden(workspace_id),
            _ => {
                self.last = None;
                return false;
            }
        };
        let count = match self.last {
            Some((last, count)) if last == failure && self.operation == operation => count,
            Some((last, count)) if last == failure => count + 1,
            _ => 1,
        };
        self.operation = operation;
        self.last = Some((failure, count));
        if count >= IN_A_ROW && failure == Failure::Forbidden(workspace_id) {
            self.left_out.insert(workspace_id);
        }
        count >= IN_A_ROW && failure == Failure::Lost
    }

    pub(super) fn leaves_out(&self, workspace_id: i64) -> bool {
        self.left_out.contains(&workspace_id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lost() -> Reply {
        Reply::Lost { message: String::new(), until: None }
    }

    #[test]
    fn three_lost_in_a_row_end_the_run() {
        let mut breaker = Breaker::default();
        assert!(!breaker.count(1, 1, &lost()));
        assert!(!breaker.count(2, 1, &lost()));
        assert!(!breaker.count(3, 1, &Reply::Done(None)));
        assert!(!breaker.count(4, 1, &lost()) && !breaker.count(5, 2, &lost()));
        assert!(breaker.count(6, 1, &lost()));
    }

    #[test]
    fn three_forbidden_in_a_row_leave_their_workspace_out() {
        let mut breaker = Breaker::default();
        let no = Reply::Forbidden(String::new());
        for operation in 10..12 {
            assert!(!breaker.count(operation, 1, &no));
        }
        assert!(!breaker.count(8, 2, &no) && !breaker.leaves_out(1));
        for operation in 20..23 {
            assert!(!breaker.count(operation, 1, &no));
        }
        assert!(breaker.leaves_out(1) && !breaker.leaves_out(2));
    }
}
