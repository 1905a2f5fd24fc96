//! Reading a file that somebody has named. It may be a pipe, as in `--token-file <(pass show anyt)`, and one that nobody
//! writes to must not be waited for for ever (P6).

use std::path::Path;
use std::time::Duration;

use crate::error::{Error, Result};

/// How long to wait, from the start.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For somebody to open the pipe for writing.
    pub for_a_writer: Duration,
    /// For the end of the content.
    pub for_all: Duration,
}

/// The content, at most `longest` bytes of it. `Error::Failure` for more, and for what does not come in time; `Error::Io`.
pub fn read(path: &Path, longest: usize, patience: Patience) -> Result<Vec<u8>> {
    let content = content(path, longest + 1, patience)?;
    match content.len() > longest {
        true => Err(Error::failure(format!("{} is longer than {} KiB", path.display(), longest / 1024))),
        false => Ok(content),
    }
}

/// Standard input to its end, at most `longest` bytes of it. A slow program may take its time, a silent one no longer than
/// `silence`; a person at a terminal is waited for.
///
/// # Errors
/// There is more of it; nothing came for so long; it cannot be read.
#[cfg(unix)]
pub fn stdin(longest: usize, silence: Duration) -> Result<Vec<u8>> {
    let stdin = rustix::stdio::stdin();
    let silence = (!rustix::termios::isatty(stdin)).then_some(silence);
    piped(stdin, longest, silence)
}

#[cfg(unix)]
fn piped(from: rustix::fd::BorrowedFd, longest: usize, silence: Option<Duration>) -> Result<Vec<u8>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::io::Errno;

    let failed = |error: Errno| Error::failure(format!("cannot read standard input: {}", std::io::Error::from(error)));
    let (mut content, mut buffer) = (Vec::new(), [0; 8192]);
    let limit = silence.and_then(|silence| Timespec::try_from(silence).ok());
    while content.len() <= longest {
        match poll(&mut [PollFd::from_borrowed_fd(from, PollFlags::IN)], limit.as_ref()) {
            Ok(0) => {
                let seconds = silence.unwrap_or_default().as_secs();
                return Err(Error::failure(format!("nothing came on standard input for {seconds} s")));
            }
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
        match rustix::io::read(from, &mut buffer) {
            Ok(0) => return Ok(content),
            Ok(count) => content.extend_from_slice(&buffer[..count]),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    Err(Error::failure(format!("standard input is longer than {} KiB", longest / 1024)))
}

#[cfg(not(unix))]
pub fn stdin(longest: usize, _silence: Duration) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut content = Vec::new();
    let read = std::io::stdin().take(longest as u64 + 1).read_to_end(&mut content);
    read.map_err(|error| Error::failure(format!("cannot read standard input: {error}")))?;
    match content.len() > longest {
        true => Err(Error::failure(format!("standard input is longer than {} KiB", longest / 1024))),
        false => Ok(content),
    }
}

/// At most `most` bytes.
#[cfg(unix)]
fn content(path: &Path, most: usize, patience: Patience) -> Result<Vec<u8>> {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    use rustix::fs::{Mode, OFlags};
    use rustix::io::Errno;
    use std::time::Instant;

    let started = Instant::now();
    let failed = |error: Errno| Error::io("read", path, error.into());
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = rustix::fs::open(path, flags, Mode::empty()).map_err(|error| Error::io("open", path, error.into()))?;
    let is_fifo = rustix::fs::fstat(&file)
        .is_ok_and(|found| rustix::fs::FileType::from_raw_mode(found.st_mode) == rustix::fs::FileType::Fifo);
    let mut content = Vec::new();
    let mut buffer = [0; 8192];
    let mut hung_up = false;
    while content.len() < most {
        let (limit, missing) = match rustix::io::read(&file, &mut buffer) {
            Ok(0) if is_fifo && content.is_empty() && !hung_up => (patience.for_a_writer, "nobody writes to"),
            Ok(0) => break,
            Ok(count) => {
                content.extend_from_slice(&buffer[..count]);
                continue;
            }
            Err(Errno::AGAIN) => (patience.for_all, "nothing comes from"),
            Err(Errno::INTR) => continue,
            Err(error) => return Err(failed(error)),
        };
        let left = Timespec::try_from(limit.saturating_sub(started.elapsed())).unwrap_or_default();
        let mut waited = [PollFd::new(&file, PollFlags::IN)];
        match poll(&mut waited, Some(&left)) {
            Ok(0) => {
                let waited = if limit.is_zero() { String::new() } else { format!(" (waited {} s)", limit.as_secs()) };
                return Err(Error::failure(format!("{missing} the pipe {}{waited}", path.display())));
            }
            // Somebody had opened it and has gone.
            Ok(_) => hung_up = waited[0].revents().contains(PollFlags::HUP),
            Err(Errno::INTR) => {}
            Err(error) => return Err(failed(error)),
        }
    }
    content.truncate(most);
    Ok(content)
}

#[cfg(not(unix))]
fn content(path: &Path, most: usize, _patience: Patience) -> Result<Vec<u8>> {
    use std::io::Read;
    let mut content = Vec::new();
    let file = std::fs::File::open(path).map_err(|source| Error::io("open", path, source))?;
    file.take(most as u64).read_to_end(&mut content).map_err(|source| Error::io("read", path, source))?;
    Ok(content)
}

/// For a file of ours, which is no pipe: an error at once where something else stands in its place. Nothing there is well.
pub fn refuse(path: &Path) -> Result<()> {
    match std::fs::metadata(path) {
        Ok(found) if !found.is_file() => {
            Err(Error::failure(format!("{} is not a regular file", path.display())).hint("it was left alone"))
        }
        _ => Ok(()),
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::testing::Folder;

    const PATIENCE: Patience = Patience { for_a_writer: Duration::from_secs(4), for_all: Duration::from_secs(4) };
    const NO_PATIENCE: Patience = Patience { for_a_writer: Duration::ZERO, ..PATIENCE };

    fn fifo(folder: &Folder) -> std::path::PathBuf {
        let fifo = folder.path("fifo");
        assert!(std::process::Command::new("mkfifo").arg(&fifo).status().unwrap().success());
        fifo
    }

    #[test]
    fn a_pipe_is_read_to_its_end_and_waited_for_only_so_long() {
        let folder = Folder::new();
        let fifo = fifo(&folder);
        for patience in [NO_PATIENCE, Patience { for_a_writer: Duration::from_millis(50), ..PATIENCE }] {
            let error = read(&fifo, 10, patience).unwrap_err().to_string();
            assert!(error.contains("nobody writes to the pipe"), "{error}");
        }
        let path = fifo.clone();
        let writer = std::thread::spawn(move || {
            let mut pipe = std::fs::OpenOptions::new().write(true).open(path).unwrap();
            pipe.write_all(b"one ").unwrap();
            pipe.write_all(b"two").unwrap();
        });
        assert_eq!(read(&fifo, 10, PATIENCE).unwrap(), b"one two");
        writer.join().unwrap();
        let path = fifo.clone();
        std::thread::spawn(move || drop(std::fs::OpenOptions::new().write(true).open(path)));
        assert_eq!(read(&fifo, 10, PATIENCE).unwrap(), b"");
        // A writer who is there and says nothing.
        let _held = std::fs::OpenOptions::new().read(true).write(true).open(&fifo).unwrap();
        let short = Patience { for_all: Duration::from_millis(1050), ..NO_PATIENCE };
        assert!(read(&fifo, 10, short).unwrap_err().to_string().contains("nothing comes from the pipe"));
    }

    #[test]
    fn a_stream_may_be_slow_but_neither_silent_nor_endless() {
        use std::os::fd::AsFd;
        let read = |script: &str, silence: u64| {
            let mut child = std::process::Command::new("sh")
                .args(["-c", script])
                .stdout(std::process::Stdio::piped())
                .spawn()
                .expect("a shell");
            let out = child.stdout.take().expect("piped");
            let content = piped(out.as_fd(), 2048, Some(Duration::from_millis(silence)));
            drop(out);
            let _ = (child.kill(), child.wait());
            content.map_err(|error| error.to_string())
        };
        assert_eq!(read("for n in 1 2 3 4; do sleep 0.2; printf $n; done", 2000).unwrap(), b"1234");
        assert_eq!(read("printf a; exec sleep 60", 1000).unwrap_err(), "nothing came on standard input for 1 s");
        assert_eq!(read("exec yes", 2000).unwrap_err(), "standard input is longer than 2 KiB");
        assert_eq!(read("head -c 2048 /dev/zero", 2000).unwrap().len(), 2048);
    }

    #[test]
    fn what_is_too_long_is_not_cut() {
        let folder = Folder::new();
        let file = folder.path("file");
        std::fs::write(&file, [b'x'; 2048]).unwrap();
        assert_eq!(read(&file, 2048, PATIENCE).unwrap().len(), 2048);
        std::fs::write(&file, [b'x'; 2049]).unwrap();
        assert!(read(&file, 2048, PATIENCE).unwrap_err().to_string().contains("longer than 2 KiB"));
        assert!(read(Path::new("/dev/zero"), 2048, PATIENCE).is_err());
        assert!(read(folder.root(), 2048, PATIENCE).is_err());
    }
}
