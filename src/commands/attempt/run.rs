//! `anyt attempt run`: a command as an attempt. It is started before the command and finished after it, each through the
//! queue, so that nothing of it needs the network, and nothing is lost where anyt is killed.

use super::begun;
use super::marker::Marker;
use crate::commands::artifact::made;
use crate::commands::context::EnvContext;
use crate::commands::deliver::{Delivery, WriteMode, deliver, write_mode};
use crate::commands::report::{Changed, documents, line, say_out_of_reach};
use crate::commands::{Session, below};
use crate::error::{Error, Result};
use crate::failpoint::hit;
use crate::model::artifact::ARTIFACT;
use crate::model::attempt::{ATTEMPT, FAILURE, MESSAGE, STATUS, STATUSES, TIME};
use crate::model::{Patch, Row, Target, Value, new_op_id};
use crate::sync::edits::{self, Queued};
use crate::ui::relay::{self, Ran};
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};
use std::time::{Duration, Instant};

/// What a shell answers for a command that cannot be started.
const NOT_STARTED: u8 = 127;
/// How long the command may have to wait for the server. What is not delivered by then goes with the end.
const START: Duration = Duration::from_secs(2);

pub fn run(session: &mut Session) -> Result<u8> {
    let mut ctx = EnvContext::open_here(session)?;
    let arguments = session.call.arguments().to_vec();
    let task = ctx.task_to_change(session, &arguments[0])?.row;
    below::refuse_absent(&ctx, &ATTEMPT, task.workspace_id)?;
    let set = begun(session, &task)?;
    session.hurry = Some(START);
    let mode = write_mode(session, &ctx)?;
    abort_the_dead(session, &mut ctx, &mode)?;

    let op_id = new_op_id()?;
    let marker = Marker::new(&ctx, &op_id)?;
    hit("attempt.marked");
    let queued = edits::create_as(&mut ctx.store, op_id.clone(), &ATTEMPT, task.workspace_id, &set)?;
    hit("attempt.started");
    let delivery = deliver(session, &mut ctx, &mode, &queued)?;
    say_out_of_reach(session, [&delivery].into_iter())?;
    let name = Changed::of(&ctx, "Started", &queued, delivery)?.name;
    session.out.flush()?;
    session.hurry = None;

    let mut command = Command::new(&arguments[1]);
    command.args(&arguments[2..]);
    let began = Instant::now();
    let ran = relay::run(&mut command, session.out.is_json());
    let time = i64::try_from(began.elapsed().as_millis()).unwrap_or(i64::MAX);
    hit("attempt.ended");
    let (code, mut set) = outcome(session, &ran);
    set.insert(TIME, Value::Int(time));
    if let Err(error) = &ran {
        session.out.error(&Error::failure(format!("cannot start {}: {error}", arguments[1])))?;
    }
    let log = ran
        .ok()
        .map(Ran::log)
        .map(|log| session.scrub(&log))
        .filter(|log| !log.is_empty() && !session.call.has("no-log"));
    let Err(error) = record(session, &mut ctx, &op_id, set, log) else { return Ok(code) };
    marker.stay();
    session
        .out
        .warn(&format!("the command ended with {code}; the next 'anyt attempt run' finishes {name} as aborted"))?;
    if code == 0 {
        return Err(error);
    }
    session.out.error(&error)?;
    Ok(code)
}

/// Writes down how it ended, with the end of its output, and sends both. That the server does not take them changes nothing
/// about the command's exit code.
fn record(session: &mut Session, ctx: &mut EnvContext, op_id: &str, set: Patch, log: Option<String>) -> Result<()> {
    let row = attempt_of(ctx, op_id)?.ok_or_else(|| Error::failure("the attempt was deleted meanwhile"))?;
    let mut operations = Vec::new();
    if let Some(log) = log {
        let set = made(&row, "log".into(), "log", log.into_bytes(), None)?;
        operations.extend(edits::create(&mut ctx.store, &ARTIFACT, row.workspace_id, &set)?.operations);
        hit("attempt.logged");
    }
    let finished = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
    hit("attempt.finished");
    operations.splice(0..0, finished.operations);
    let queued = Queued { operations, amended: false };
    let delivered = write_mode(session, ctx).and_then(|mode| deliver(session, ctx, &mode, &queued));
    let delivery = match delivered {
        Ok(delivery) => delivery,
        Err(error) => {
            session.out.error(&error)?;
            Delivery::Queued
        }
    };
    let verb = match set.get(STATUS) {
        Some(Value::Text(status)) if status == STATUSES[2] => "Failed",
        Some(Value::Text(status)) if status == STATUSES[3] => "Aborted",
        _ => "Finished",
    };
    let change = Changed::of(ctx, verb, &queued, delivery)?;
    // Standard output is the command's.
    session.out.note(&line(&change))?;
    let document = documents(ctx, &[change])?;
    session.answer(|| document, |_| Ok(()))
}

/// What became of the command: the exit code, and the attempt's values.
fn outcome(session: &Session, ran: &std::io::Result<Ran>) -> (u8, Patch) {
    let (code, status, message) = match ran {
        Err(error) => (NOT_STARTED, STATUSES[3], Some(format!("it could not be started: {error}"))),
        Ok(ran) => {
            let (code, message) = ending(ran.status);
            let status = match code {
                0 => STATUSES[1],
                _ if ran.asked_to_end || ran.status.signal().is_some() => STATUSES[3],
                _ => STATUSES[2],
            };
            (code, status, message)
        }
    };
    let mut set = Patch::from([(STATUS, Value::Text(status.into()))]);
    set.extend(message.map(|message| (MESSAGE, Value::Text(message))));
    if let Some(class) = session.call.given("failure").filter(|_| status == STATUSES[2]) {
        set.insert(FAILURE, Value::Text(class.to_string()));
    }
    (code, set)
}

fn ending(status: ExitStatus) -> (u8, Option<String>) {
    match (status.code(), status.signal()) {
        (Some(0), _) => (0, None),
        (Some(code), _) => (u8::try_from(code).unwrap_or(1), Some(format!("exit code {code}"))),
        (None, signal) => {
            let signal = signal.unwrap_or_default();
            (u8::try_from(128 + signal).unwrap_or(1), Some(format!("ended by signal {signal}")))
        }
    }
}

/// Finishes the attempts of runs that were killed.
fn abort_the_dead(session: &mut Session, ctx: &mut EnvContext, mode: &WriteMode) -> Result<()> {
    for (op_id, _marker) in Marker::of_the_dead(ctx)? {
        let Some(row) = attempt_of(ctx, &op_id)?.filter(Row::is_running) else { continue };
        let set = Patch::from([
            (STATUS, Value::Text(STATUSES[3].into())),
            (MESSAGE, Value::Text("anyt did not record how it ended".into())),
        ]);
        let queued = edits::update(&mut ctx.store, &row, None, |_| Ok(set.clone()))?;
        hit("attempt.aborted");
        session
            .out
            .warn(&format!("{}: its run left no record of how it ended; it is finished as aborted", row.name))?;
        if let Err(error) = deliver(session, ctx, mode, &queued) {
            session.out.error(&error)?;
        }
    }
    Ok(())
}

/// The attempt that an operation has started, if it is still known.
fn attempt_of(ctx: &EnvContext, op_id: &str) -> Result<Option<Row>> {
    let row = ctx.store.row_of(&ATTEMPT, &Target::MadeBy(op_id.to_string()))?;
    Ok(row.filter(Row::is_live))
}
