//! Threads of a backend. A job is cut into shares, and whoever is free takes the next one, the calling thread included; a share computes the
//! same wherever it runs. Idle threads sleep, and a process ends whether they do or not.
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::JoinHandle;

/// Turns of waiting before a thread sleeps: some 20 microseconds, about as long as JavaScript takes from one operation to the next.
const PATIENCE: usize = 400;

type Work = dyn Fn(usize) + Sync;

#[derive(Clone, Copy)]
struct Job {
    work: *const Work,
    shares: usize,
}

// SAFETY: the work is `Sync`, and `run` does not return before all are done with it.
unsafe impl Send for Job {}

#[derive(Default)]
struct State {
    job: Option<Job>,
    /// Threads that have looked at the job and are not done.
    busy: usize,
    ends: bool,
    /// What a share panicked with.
    broken: Option<String>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is a job, or the end.
    wake: Condvar,
    /// The last thread is done.
    done: Condvar,
    /// Counts jobs; read without the lock by those that wait a little before they sleep.
    jobs: AtomicUsize,
    next: AtomicUsize,
    finished: AtomicUsize,
    helped: AtomicUsize,
}

pub struct Pool {
    shared: Arc<Shared>,
    threads: Vec<JoinHandle<()>>,
}

impl Pool {
    /// `count` threads in all; fewer where the system gives no more.
    pub fn new(count: usize) -> Pool {
        let shared = Arc::new(Shared::default());
        let threads = (1..count)
            .map_while(|_| {
                let shared = shared.clone();
                std::thread::Builder::new().name("rnn".into()).spawn(move || help(&shared)).ok()
            })
            .collect();
        Pool { shared, threads }
    }

    pub fn count(&self) -> usize {
        self.threads.len() + 1
    }

    /// Shares that other threads than the caller took so far.
    pub fn helped(&self) -> usize {
        self.shared.helped.load(Ordering::Relaxed)
    }

    /// Runs `work(0)` to `work(shares - 1)`.
    pub fn run(&self, shares: usize, work: &(dyn Fn(usize) + Sync + '_)) -> Result<(), String> {
        if shares == 1 || self.threads.is_empty() {
            for share in 0..shares {
                work(share);
            }
            return Ok(());
        }
        let shared = &*self.shared;
        // SAFETY: only the lifetime changes; nobody touches the work after this function, which waits for all.
        let work: *const Work = unsafe { std::mem::transmute(work as *const (dyn Fn(usize) + Sync + '_)) };
        let job = Job { work, shares };
        {
            let mut state = lock(&shared.state);
            shared.next.store(0, Ordering::Relaxed);
            shared.finished.store(0, Ordering::Relaxed);
            state.job = Some(job);
            shared.jobs.fetch_add(1, Ordering::Release);
        }
        shared.wake.notify_all();
        take_shares(shared, job, false);
        for _ in 0..PATIENCE {
            if shared.finished.load(Ordering::Acquire) == shares {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&shared.state);
        // Nobody joins any more; whoever has joined is waited for.
        state.job = None;
        while state.busy > 0 {
            state = shared.done.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        state.broken.take().map_or(Ok(()), Err)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        lock(&self.shared.state).ends = true;
        self.shared.jobs.fetch_add(1, Ordering::Release);
        self.shared.wake.notify_all();
        for thread in self.threads.drain(..) {
            let _ = thread.join(); // panics were caught where they arose
        }
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a panic says.
pub fn message_of(panic: Box<dyn std::any::Any + Send>) -> String {
    match panic.downcast::<String>() {
        Ok(text) => *text,
        Err(other) => other.downcast_ref::<&str>().map_or("a panic without a message", |text| text).to_string(),
    }
}

fn take_shares(shared: &Shared, job: Job, helps: bool) {
    loop {
        let share = shared.next.fetch_add(1, Ordering::Relaxed);
        if share >= job.shares {
            return;
        }
        // SAFETY: `run` waits for the shares, so the work is still there.
        let work = unsafe { &*job.work };
        if let Err(panic) = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| work(share))) {
            lock(&shared.state).broken = Some(message_of(panic));
        }
        if helps {
            shared.helped.fetch_add(1, Ordering::Relaxed);
        }
        shared.finished.fetch_add(1, Ordering::Release);
    }
}

fn help(shared: &Shared) {
    let mut seen = 0;
    loop {
        for _ in 0..PATIENCE {
            if shared.jobs.load(Ordering::Acquire) != seen {
                break;
            }
            std::hint::spin_loop();
        }
        let mut state = lock(&shared.state);
        while shared.jobs.load(Ordering::Acquire) == seen && !state.ends {
            state = shared.wake.wait(state).unwrap_or_else(|poisoned| poisoned.into_inner());
        }
        if state.ends {
            return;
        }
        seen = shared.jobs.load(Ordering::Acquire);
        let Some(job) = state.job else { continue };
        state.busy += 1;
        drop(state);
        take_shares(shared, job, true);
        let mut state = lock(&shared.state);
        state.busy -= 1;
        if state.busy == 0 {
            shared.done.notify_one();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_share_runs_once_and_a_panic_is_told() {
        let pool = Pool::new(3);
        for shares in [1, 2, 3, 7, 50] {
            for _ in 0..200 {
                let counts: Vec<AtomicUsize> = (0..shares).map(|_| AtomicUsize::new(0)).collect();
                pool.run(shares, &|share| {
                    counts[share].fetch_add(1, Ordering::Relaxed);
                })
                .unwrap();
                assert!(counts.iter().all(|count| count.load(Ordering::Relaxed) == 1));
            }
        }
        let told = pool.run(4, &|share| assert!(share != 2, "share two"));
        assert_eq!(told, Err("share two".to_string()));
        assert_eq!(pool.run(4, &|_| {}), Ok(()));
    }
}
