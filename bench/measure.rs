//! Running a command and seeing what it took; running two in turn.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use wait4::{ResUse, Wait4};

/// The first argument with which this program runs one command for `peak_memory` and says what it took.
pub const ALONE: &str = "alone";

/// Wall time, and processor time in user and kernel.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    pub wall: Duration,
    pub cpu: Duration,
}

/// Runs a command to its end, silent. It has to succeed: a failure takes another time.
pub fn cost(command: &mut Command) -> Cost {
    let (wall, usage) = run(command);
    Cost { wall, cpu: usage.rusage.utime + usage.rusage.stime }
}

fn run(command: &mut Command) -> (Duration, ResUse) {
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let began = Instant::now();
    let mut child = command.spawn().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let ended = child.wait4().expect("a child can be waited for");
    let wall = began.elapsed();
    assert!(ended.status.success(), "{command:?} ended with {}", ended.status);
    (wall, ended)
}

/// The same for so many runs of it, one after the other; for one run each.
pub fn cost_of_each(times: usize, command: &mut Command) -> Cost {
    let runs: Vec<Cost> = (0..times).map(|_| cost(command)).collect();
    let each = |part: fn(&Cost) -> Duration| {
        runs.iter().map(part).sum::<Duration>() / u32::try_from(times).expect("a small number")
    };
    Cost { wall: each(|cost| cost.wall), cpu: each(|cost| cost.cpu) }
}

/// The most memory, in bytes, that a command has had. A child counts what its parent has
/// until it is another program, so its parent is a process of this program that has little.
pub fn peak_memory(command: &Command) -> u64 {
    let mut alone = Command::new(std::env::current_exe().expect("this program has a path"));
    alone.arg(ALONE).arg(command.get_program()).args(command.get_args());
    alone.env_clear().envs(command.get_envs().filter_map(|(name, value)| Some((name, value?))));
    if let Some(folder) = command.get_current_dir() {
        alone.current_dir(folder);
    }
    let output = alone.stdin(Stdio::null()).output().expect("this program runs");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    said.trim().parse().unwrap_or_else(|_| panic!("not a number: {said:?}"))
}

pub fn alone(command: &[String]) {
    let [program, args @ ..] = command else { panic!("a command is missing") };
    println!("{}", run(Command::new(program).args(args)).1.rusage.maxrss);
}

/// Ours and the yardstick's, in turn.
pub struct Pairs {
    pairs: Vec<(Duration, Duration)>,
}

impl Pairs {
    /// Which of them is first changes each time.
    pub fn measure(count: usize, mut ours: impl FnMut() -> Duration, mut theirs: impl FnMut() -> Duration) -> Pairs {
        let one = |number: usize| match number % 2 {
            0 => (ours(), theirs()),
            _ => {
                let theirs = theirs();
                (ours(), theirs)
            }
        };
        Pairs { pairs: (0..count).map(one).collect() }
    }

    pub fn ours(&self) -> Duration {
        median(self.pairs.iter().map(|pair| pair.0))
    }

    pub fn yardstick(&self) -> Duration {
        median(self.pairs.iter().map(|pair| pair.1))
    }

    pub fn ratio(&self) -> String {
        let mut ratios: Vec<f64> =
            self.pairs.iter().map(|(ours, theirs)| ours.as_secs_f64() / theirs.as_secs_f64()).collect();
        ratios.sort_by(f64::total_cmp);
        format!("{:.2} ({:.2} – {:.2})", ratios[ratios.len() / 2], ratios[0], ratios[ratios.len() - 1])
    }
}

pub fn median(times: impl Iterator<Item = Duration>) -> Duration {
    percentile(times, 50)
}

pub fn percentile(times: impl Iterator<Item = Duration>, percent: usize) -> Duration {
    let mut times: Vec<Duration> = times.collect();
    times.sort_unstable();
    times[(times.len() * percent / 100).min(times.len() - 1)]
}

/// Whether a program is here.
pub fn is_here(program: &str) -> bool {
    let folders = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&folders).any(|folder| folder.join(program).is_file())
}
