//! In which order open tasks can be done (api.md 2.18). Choices where the contract leaves it open: a phase is what can be
//! done at the same time, after the phases before it; the critical path is the chain of dependencies with the largest sum
//! of estimates; a task without an estimate counts as nothing; there is no calendar, and so no dates.

use crate::http::Response;
use crate::problem::{Outcome, Problem};
use crate::resources::projects;
use crate::routes::Call;
use crate::store::dependencies::{self, Work};
use crate::wire::{Json, object};
use miniserde::json::Value;
use std::collections::HashMap;

/// Bottlenecks that are shown.
const BOTTLENECKS: usize = 10;

const MOST_RUNNERS: i64 = 1_000;

pub fn in_workspace(call: &Call) -> Outcome<Response> {
    order(call, call.query.int("project_id")?)
}

pub fn in_project(call: &Call) -> Outcome<Response> {
    order(call, Some(projects::named(call)?.id))
}

fn order(call: &Call, project: Option<i64>) -> Outcome<Response> {
    let workspace = call.workspace()?;
    let runners = call.query.int("num_runners")?.unwrap_or(1);
    if !(1..=MOST_RUNNERS).contains(&runners) {
        return Err(Problem::invalid("num_runners", format!("must be between 1 and {MOST_RUNNERS}")));
    }
    let everything = call.query.bool("include_completed")?.unwrap_or(false);
    let (tasks, edges) = dependencies::work(call.connection, workspace.id, project, everything)?;
    Ok(Response::json(200, &Order::of(&tasks, &edges).to_json(runners)))
}

/// Tasks by their place in the list.
struct Order<'a> {
    tasks: &'a [Work],
    /// Who waits for each task.
    followers: Vec<Vec<usize>>,
    /// Whom each task waits for.
    leaders: Vec<Vec<usize>>,
    phases: Vec<Vec<usize>>,
}

impl<'a> Order<'a> {
    /// `edges`: the dependent task's id and that of the task it depends on. They form no circle.
    fn of(tasks: &'a [Work], edges: &[(i64, i64)]) -> Order<'a> {
        let places: HashMap<i64, usize> = tasks.iter().enumerate().map(|(place, task)| (task.id, place)).collect();
        let (mut followers, mut leaders) = (vec![Vec::new(); tasks.len()], vec![Vec::new(); tasks.len()]);
        for (from, to) in edges {
            if let (Some(from), Some(to)) = (places.get(from), places.get(to)) {
                followers[*to].push(*from);
                leaders[*from].push(*to);
            }
        }
        let mut waiting: Vec<usize> = leaders.iter().map(Vec::len).collect();
        let mut phases = Vec::new();
        let mut phase: Vec<usize> = (0..tasks.len()).filter(|place| waiting[*place] == 0).collect();
        while !phase.is_empty() {
            let mut next = Vec::new();
            for follower in phase.iter().flat_map(|place| &followers[*place]) {
                waiting[*follower] -= 1;
                if waiting[*follower] == 0 {
                    next.push(*follower);
                }
            }
            next.sort_unstable();
            phases.push(std::mem::replace(&mut phase, next));
        }
        Order { tasks, followers, leaders, phases }
    }

    fn names(&self, places: &[usize]) -> Vec<String> {
        places.iter().map(|place| self.tasks[*place].identifier.clone()).collect()
    }

    /// The heaviest chain, first task first, and its weight. Between equals the longer one.
    fn critical_path(&self) -> (Vec<usize>, f64) {
        let mut best: Vec<(f64, usize, Option<usize>)> = vec![(0.0, 0, None); self.tasks.len()];
        for place in self.phases.iter().flatten().copied() {
            let before = self.leaders[place].iter().map(|leader| (best[*leader].0, best[*leader].1, Some(*leader)));
            let (weight, length, leader) = before.fold((0.0, 0, None), heavier);
            best[place] = (weight + self.tasks[place].estimate, length + 1, leader);
        }
        let ends = best.iter().enumerate().map(|(place, (weight, length, _))| (*weight, *length, Some(place)));
        let (weight, _, mut at) = ends.fold((0.0, 0, None), heavier);
        let mut path = Vec::new();
        while let Some(place) = at {
            path.push(place);
            at = best[place].2;
        }
        path.reverse();
        (path, weight)
    }

    fn to_json(&self, runners: i64) -> Value {
        let (path, weight) = self.critical_path();
        let critical = object([
            ("depth", (path.len() as i64).json()),
            ("tasks", self.names(&path).json()),
            ("total_estimate", weight.json()),
            ("completion_date", Value::Null),
        ]);
        let together = |phase: &Vec<usize>| phase.len() > 1;
        let opportunity = |(number, phase): (i64, &Vec<usize>)| {
            object([("phase", number.json()), ("tasks", self.names(phase).json()), ("can_run_together", true.json())])
        };
        let opportunities: Vec<Value> =
            (1..).zip(&self.phases).filter(|(_, phase)| together(phase)).map(opportunity).collect();
        let total: f64 = self.tasks.iter().map(|task| task.estimate).sum();
        object([
            ("critical_path", critical),
            (
                "execution_phases",
                (1..)
                    .zip(&self.phases)
                    .map(|(number, phase)| self.phase(number, phase, runners))
                    .collect::<Vec<_>>()
                    .json(),
            ),
            ("bottlenecks", self.bottlenecks().json()),
            ("parallel_opportunities", opportunities.json()),
            ("total_estimate", total.json()),
            ("estimated_completion_date", Value::Null),
            ("num_runners", runners.json()),
        ])
    }

    /// With so many runners a phase takes its share of the work, and at least its longest task.
    fn phase(&self, number: i64, phase: &[usize], runners: i64) -> Value {
        let estimates = phase.iter().map(|place| self.tasks[*place].estimate);
        let (sum, longest) = estimates.fold((0.0, 0.0_f64), |(sum, longest), hours| (sum + hours, longest.max(hours)));
        let mut blockers: Vec<usize> = phase.iter().flat_map(|place| &self.leaders[*place]).copied().collect();
        blockers.sort_unstable();
        blockers.dedup();
        object([
            ("phase", number.json()),
            ("tasks", self.names(phase).json()),
            ("parallel", (phase.len() > 1).json()),
            ("estimated_duration", (sum / runners as f64).max(longest).json()),
            ("blockers", self.names(&blockers).json()),
        ])
    }

    /// The tasks that most others wait for directly.
    fn bottlenecks(&self) -> Vec<Value> {
        let mut places: Vec<usize> = (0..self.tasks.len()).filter(|place| self.followers[*place].len() > 1).collect();
        places.sort_by_key(|place| (std::cmp::Reverse(self.followers[*place].len()), *place));
        places.truncate(BOTTLENECKS);
        places.into_iter().map(|place| self.bottleneck(place)).collect()
    }

    fn bottleneck(&self, place: usize) -> Value {
        let mut seen = vec![false; self.tasks.len()];
        let mut open = self.followers[place].clone();
        let mut hours = 0.0;
        while let Some(next) = open.pop() {
            if !std::mem::replace(&mut seen[next], true) {
                hours += self.tasks[next].estimate;
                open.extend(&self.followers[next]);
            }
        }
        object([
            ("task", self.tasks[place].identifier.as_str().json()),
            ("blocks_count", (self.followers[place].len() as i64).json()),
            ("downstream_estimate", hours.json()),
        ])
    }
}

type Chain = (f64, usize, Option<usize>);

fn heavier(best: Chain, other: Chain) -> Chain {
    if other.0 > best.0 || (other.0 == best.0 && other.1 > best.1) { other } else { best }
}
