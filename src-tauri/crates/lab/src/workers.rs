//! A few threads that do the same until there is nothing left to do. They end with whoever started them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::error::{Result, io};

/// Whether the work is to be left.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicBool>);

impl Stop {
    /// Looked at by every worker that waits.
    pub(crate) fn is_set(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Running threads. Dropping them tells them to stop and waits until they have.
#[derive(Debug)]
pub(crate) struct Workers {
    stop: Stop,
    threads: Vec<JoinHandle<()>>,
}

impl Workers {
    /// Starts `count` threads; each calls `work` once, with its number from 0.
    ///
    /// # Errors
    /// When the system has no thread left; those that were started have ended then.
    pub(crate) fn start<W>(count: usize, work: W) -> Result<Self>
    where
        W: Fn(usize, &Stop) + Clone + Send + 'static,
    {
        let mut workers = Self { stop: Stop::default(), threads: Vec::with_capacity(count) };
        for number in 0..count {
            let (work, stop) = (work.clone(), workers.stop.clone());
            let thread = std::thread::Builder::new().spawn(move || work(number, &stop));
            workers.threads.push(thread.map_err(io("start a thread"))?);
        }
        Ok(workers)
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        self.stop.0.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                tracing::error!("a worker panicked");
            }
        }
    }
}
