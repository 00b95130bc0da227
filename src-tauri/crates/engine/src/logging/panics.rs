//! Panics are logged like everything else, masked. The standard library's own message, which is not, is not printed.

use std::backtrace::Backtrace;
use std::panic::PanicHookInfo;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread;

use super::sink::{Sink, to_stderr};

/// Panics that may wait for somebody who listens; further ones are only logged.
const MAX_WAITING: usize = 16;

/// Logs every panic of the process from now on. What comes back has one line for each. Whoever calls this is on the main
/// thread: with `exit_code`, its panics end the program, also within callbacks of the windowing system, through which a
/// panic cannot unwind.
pub(super) fn log_them(sink: Sink, exit_code: Option<i32>) -> Receiver<String> {
    let (told, waiting) = sync_channel(MAX_WAITING);
    let main = thread::current().id();
    std::panic::set_hook(Box::new(move |panic| {
        log(&sink, &told, panic);
        match exit_code {
            Some(code) if thread::current().id() == main => {
                to_stderr("faultline: ended by an error of its own, see above\n");
                std::process::exit(code);
            }
            _ => {}
        }
    }));
    waiting
}

fn log(sink: &Sink, told: &SyncSender<String>, panic: &PanicHookInfo<'_>) {
    let message = panic.payload_as_str().unwrap_or("(no message)");
    let location = panic.location().map_or_else(String::new, ToString::to_string);
    let thread = thread::current().name().unwrap_or("unnamed").to_owned();
    let line = sink.mask(&format!("thread {thread} panicked at {location}: {message}"));
    if Sink::is_writing() {
        // The log itself panicked, and holds its locks.
        to_stderr(&format!("{line}\n"));
    } else {
        let backtrace = Backtrace::force_capture();
        tracing::error!(thread, location, %backtrace, "A part of the program panicked: {message}");
    }
    told.try_send(line).ok();
}
